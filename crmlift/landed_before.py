"""What earlier runs of a source left: where each stream goes on, and what of it must be read whole once more.

A column that is new to us (a new field, one that is no longer hidden or excluded, one that this version asks for, a
child stream, a property whose history is read from now on) would be filled only for records that happen to change. The
run that meets it reads everything; until such a run is whole, the manifests say what older records lack.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from connectors.contract import StreamSchema, Window
from connectors.landing import LandingZone, Manifest
from connectors.landing_writer import StreamWriter
from crmlift.warehouse.typing import DATABASE_TYPE, widened


class LandedBefore:
    """The newest finished run of every stream of a source. is_full: everything is to be read again all the same."""

    def __init__(self, zone: LandingZone, source_id: str, *, is_full: bool) -> None:
        self._newest: Mapping[str, Manifest] = zone.newest(source_id)
        self._is_full = is_full

    def __contains__(self, stream: str) -> bool:
        return stream in self._newest and not self._is_full

    def window(self, schema: StreamSchema, until: datetime, lookback: timedelta, gained: tuple[str, ...]) -> Window:
        """From where the stream's last run ended, less the overlap, or everything; the source's own place with it."""
        before = self._newest.get(schema.stream)
        if before is None or self._is_full or gained:
            return Window(None, until)
        since = None if schema.is_snapshot else before.window.until - lookback
        return Window(since, until, before.bookmark if schema.keeps_bookmark or schema.remembers else None)

    def gained(self, schema: StreamSchema) -> tuple[str, ...]:
        """Columns, child streams and what they tell that older records lack; none for what is read whole anyway."""
        before = self._newest.get(schema.stream)
        if before is None or schema.is_snapshot:
            return ()
        names = [*before.lacking, *_new_columns(before.schema, schema)]
        for child in schema.children:
            names += self._new_of_child(before, child)
        return tuple(dict.fromkeys(names))

    def still_lacking(self, writer: StreamWriter, gained: tuple[str, ...]) -> tuple[str, ...]:
        """What records of earlier runs, or of this one's beginning, lack after a run."""
        before = self._newest.get(writer.schema.stream)
        known = {f.name for f in before.schema.fields} if before is not None else set()
        if writer.window.since is None:
            return tuple(name for name in writer.late_fields if name not in known)
        new = (f.name for f in writer.schema.fields if f.name not in known)
        return tuple(dict.fromkeys([*gained, *new]))

    def since_text(self, stream: str) -> str:
        """Up to when its rows are known, for people."""
        before = self._newest.get(stream)
        if before is None:
            return "Nothing of it is known yet."
        return f"Its rows stay those of {before.window.until:%Y-%m-%d %H:%M} UTC."

    def _new_of_child(self, parent: Manifest, child: StreamSchema) -> Iterator[str]:
        before = self._newest.get(child.stream)
        if before is None or before.run_id != parent.run_id or before.window != parent.window:
            yield child.stream  # the parent's last run came without it
            return
        yield from (f"{child.stream}.{name}" for name in _new_columns(before.schema, child))
        if before.schema.covers is not None:
            yield from (f"{child.stream}.{name}" for name in child.covers or () if name not in before.schema.covers)


def _new_columns(before: StreamSchema, now: StreamSchema) -> Iterator[str]:
    """Fields that were not there, and those that hold more than before: what was cast to a narrower type is read again.

    A tap tells types by looking at records, differently from run to run; its types are left alone.
    """
    kinds = {field.name: DATABASE_TYPE[field.type] for field in before.fields}
    for field in now.fields:
        held, wanted = kinds.get(field.name), DATABASE_TYPE[field.type]
        if held is None or (not now.keeps_bookmark and widened(held, wanted) != held):
            yield field.name
