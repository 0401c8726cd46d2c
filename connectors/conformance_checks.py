"""The checks of `connectors.conformance` that every source is put to; `conformance_promises` has further ones."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from connectors.conformance_outcomes import NotApplicable, NotMet, require
from connectors.conformance_promises import counting, growth, refusal
from connectors.contract import Connector, FieldType, PageKind, StreamSchema, Window
from connectors.errors import CredentialsFailure
from connectors.reading_back import Read, misfit

if TYPE_CHECKING:
    from connectors.conformance import Trial

OURS = frozenset({"_source_id", "_deleted", "_extracted_at", "_run_id", "_row_hash"})


def _discovery(trial: Trial, _: str) -> None:
    names = trial.connector.streams()
    require(bool(names), "streams() is empty")
    require(len(names) == len(set(names)), "streams() names a stream twice")
    require(re.fullmatch("[a-z][a-z0-9_]*", trial.connector.system) is not None, "system is no plain lower-case name")
    trial.heard.append(trial.connector.check())
    require(trial.connector.clock().tzinfo is not None, "clock() is not aware of its zone")
    for name, schema in trial.schemas.items():
        require(schema.stream == name, f"schema({name!r}) is of {schema.stream!r}")


def _schema(trial: Trial, stream: str) -> None:
    parent = trial.schemas[stream]
    for schema in (parent, *parent.children):
        names = [f.name for f in schema.fields]
        lower = [name.lower() for name in names]
        require(len(lower) == len(set(lower)), f"{schema.stream} has fields that differ only in capitals")
        require(not OURS & set(lower), f"{schema.stream} has a field of ours: {', '.join(OURS & set(lower))}")
        require(bool(schema.primary_key), f"{schema.stream} has no key")
        named = {
            *schema.primary_key,
            schema.version_field,
            schema.deleted_field,
            schema.replace_by,
            schema.covers_field,
        }
        named -= {None}
        require(named <= set(names), f"{schema.stream} names fields it lacks: {named - set(names)}")
        kinds = {f.name: f.type for f in schema.fields}
        if schema.version_field:
            told = f"{schema.stream}: version_field is no timestamp"
            require(kinds[schema.version_field] is FieldType.TIMESTAMP, told)
        if schema.deleted_field:
            told = f"{schema.stream}: deleted_field is no boolean"
            require(kinds[schema.deleted_field] is FieldType.BOOLEAN, told)
        again = StreamSchema.from_json(json.loads(json.dumps(schema.to_json())))
        require(again.to_json() == schema.to_json(), f"{schema.stream} does not survive JSON")
    for child in parent.children:
        is_named = child.stream.rsplit("_", 1)[0] == stream and child.system == parent.system
        require(is_named and child.replace_by is not None, f"{child.stream} is no child of {stream}")


def _paging(trial: Trial, stream: str) -> str:
    schema, read = trial.schemas[stream], trial.whole(stream)
    for page in read.pages:
        require(page.stream in {schema.stream, *(c.stream for c in schema.children)}, f"a page of {page.stream!r}")
        require(page.said is None or page.said == len(page.rows), f"a page says {page.said} rows, has {len(page.rows)}")
        require(page.is_repeatable, "the body of a page is another when it is read again")
    keys = read.keys(schema)
    require(all(None not in _parts(key) for key in keys), "a record comes without its key")
    twice = len(keys) - len(set(keys))
    require(not twice or schema.keeps_bookmark, f"{twice} records come twice")
    if read.is_cut:
        return f"first {len(keys)} records"
    count, live = trial.connector.count(schema), len(read.live(schema))
    require(count is None or count == live, f"count() says {count}, the read brought {live}")
    return f"{len(read.pages)} pages, {len(keys)} records"


def _values(trial: Trial, stream: str) -> None:
    parent, read = trial.schemas[stream], trial.whole(stream)
    wrong: dict[str, int] = {}
    for schema in (parent, *parent.children):
        for row in read.rows(schema.stream):
            for each in schema.fields:
                if misfit(row, each):
                    name = f"{schema.stream}.{each.name} ({each.type})"
                    wrong[name] = wrong.get(name, 0) + 1
    require(not wrong, "values that do not fit: " + ", ".join(f"{n}: {count}" for n, count in wrong.items()))


def _windows(trial: Trial, stream: str) -> str:
    """Inclusive at the start, exclusive at the end, ties on the border; two windows that touch lose nothing."""
    schema, read = trial.schemas[stream], trial.whole(stream)
    if schema.keeps_bookmark or schema.is_snapshot or schema.version_field is None:
        raise NotApplicable("the source keeps its own place" if schema.keeps_bookmark else "it is read whole each time")
    if read.is_cut:
        raise NotApplicable(f"it has more than {trial.subject.rows} records")
    versions = {key: at for key, at in read.versions(schema).items() if at < trial.until}
    moments = sorted(versions.values())
    if len(set(moments)) < 2:
        raise NotApplicable("fewer than two moments of change")
    border = max(set(moments[len(moments) // 4 :]) - {moments[0]}, key=lambda at: (moments.count(at), at))
    early = max(at for at in moments if at < border)
    windows = [Window(early, border), Window(border, trial.until)]
    surplus = 0
    for window in windows:
        got = trial.read(trial.connector, stream, window)
        wanted = {k for k, at in versions.items() if early <= at and window.since <= at < window.until}  # type: ignore[operator]
        missing = wanted - set(got.keys(schema))
        require(not missing, f"{len(missing)} of {len(wanted)} records changed in the window are missing")
        late = [k for k, at in got.versions(schema).items() if at >= window.until]
        require(not late, f"{len(late)} records changed at or after the window's end")
        surplus += len(set(got.keys(schema)) - wanted)
    ties = moments.count(border)
    return f"{ties} records on the border" + (f", {surplus} more than asked" if surplus else "")


def _resume(trial: Trial, stream: str) -> str:
    """From every checkpoint (or some of many) another connector brings exactly the rest."""
    schema, read = trial.schemas[stream], trial.whole(stream)
    places = [number for number, page in enumerate(read.pages) if page.checkpoint]
    if not places:
        raise NotApplicable("no page has a checkpoint")
    step = max(1, -(-len(places) // trial.subject.resumes))
    for place in {*places[::step], places[-1]}:
        checkpoint = json.loads(json.dumps(read.pages[place].checkpoint))
        other = trial.subject.open()
        try:
            rest = trial.read(other, stream, Window(None, trial.until), checkpoint)
        finally:
            other.close()
        before = Read(read.pages[: place + 1])
        for each in (schema, *schema.children):
            seen, came = before.keys(each), rest.keys(each)
            told = f"resumed after page {place + 1}: {each.stream}"
            if not schema.keeps_bookmark:
                require(not set(seen) & set(came), f"{told} brings records again")
            if not (read.is_cut or rest.is_cut):
                lost = set(read.keys(each)) - set(seen) - set(came)
                require(not lost, f"{told} loses {len(lost)} records")
    return f"{len(places)} checkpoints"


def _changes(trial: Trial, _: str) -> str:
    """Changed records come with the next window, and deleted ones are told."""
    if trial.subject.change is None:
        raise NotApplicable("nobody can change the source's records here")
    before = trial.until
    for name in trial.streams:
        trial.whole(name)  # as it was
    change = trial.subject.change()
    schema, whole = trial.schemas[change.stream], trial.whole(change.stream)
    bookmark = next((p.checkpoint for p in reversed(whole.pages) if p.checkpoint), None)
    since = None if schema.is_snapshot else before
    connector = trial.subject.open()
    try:
        read = trial.read(connector, change.stream, Window(since, connector.clock(), bookmark))
    finally:
        connector.close()
    missing = change.changed - set(read.keys(schema))
    require(not missing, f"{len(missing)} changed records are missing: {sorted(map(str, missing))[:3]}")
    named = read.named(schema, PageKind.KEYS)
    untold = change.deleted - read.deleted(schema) - read.named(schema, PageKind.DELETE)
    if read.has(PageKind.KEYS):
        untold &= named
    if schema.is_snapshot:
        untold &= set(read.keys(schema))
    require(not untold, f"{len(untold)} deleted records are not told: {sorted(map(str, untold))[:3]}")
    counting(trial, schema, change)
    return f"{change.stream}: {len(change.changed)} changed, {len(change.deleted)} deleted"


def _storms(trial: Trial, stream: str) -> None:
    """A source that fails now and then gives the same records."""
    if trial.subject.stormy is None:
        raise NotApplicable("nobody can make the source fail here")
    schema, other = trial.schemas[stream], trial.subject.stormy()
    try:
        read = trial.read(other, stream, Window(None, trial.until))
    finally:
        other.close()
    for each in (schema, *schema.children):
        same = set(read.keys(each)) == set(trial.whole(stream).keys(each))
        require(same or read.is_cut, f"{each.stream}: other records than in calm")


def _faults(trial: Trial, _: str) -> str:
    """An address where nobody answers, and wrong credentials, are failures that say what to do."""
    opened = {"unreachable": trial.subject.unreachable, "refused": trial.subject.refused}
    if not any(opened.values()):
        raise NotApplicable("nobody can take the source or the credentials away here")
    for name, open_connector in opened.items():
        if open_connector is None:
            continue
        connector = open_connector()
        try:
            _reach(connector)
        except Exception as error:
            failure = connector.classify(error)
            if failure is None:
                raise NotMet(f"{name}: classify does not know {type(error).__name__}") from None
            trial.heard.append(str(failure))
            require(bool(failure.what and failure.next_step), f"{name}: the failure does not say what to do next")
            is_right = name != "refused" or isinstance(failure, CredentialsFailure)
            require(is_right, f"{name}: {type(failure).__name__} is no CredentialsFailure")
        else:
            raise NotMet(f"{name}: neither check() nor read() finds anything wrong")
        finally:
            connector.close()
    return ", ".join(name for name, value in opened.items() if value)


def _reach(connector: Connector) -> None:
    """Do what cannot be done without the source."""
    connector.check()
    schema = connector.schema(connector.streams()[0])
    for page in connector.read(schema, Window(None, connector.clock()), None):
        b"".join(page.body)


def _secrets(trial: Trial, _: str) -> None:
    """No secret in a message, a page, a checkpoint, a schema or the log."""
    if not trial.subject.secrets:
        raise NotApplicable("no secrets were named")
    schemas = {name: json.dumps(asdict(schema), default=str) for name, schema in trial.schemas.items()}
    checkpoints = "\n".join(json.dumps(p.checkpoint) for r in trial.reads.values() for p in r.pages)
    bodies = "\n".join(json.dumps(p.rows, default=str) for r in trial.reads.values() for p in r.pages)
    findings = "\n".join(finding.message for finding in trial.connector.findings())
    places = {"the log or a message": "\n".join(trial.heard), "a checkpoint": checkpoints, "a page": bodies}
    for place, text in {**places, "a finding": findings, "a schema": "\n".join(schemas.values())}.items():
        require(not any(secret in text for secret in trial.subject.secrets), f"a secret stands in {place}")


CHECKS: Mapping[str, tuple[Callable[[Trial, str], str | None], bool]] = {
    "discovery": (_discovery, False),
    "schema": (_schema, True),
    "paging": (_paging, True),
    "values": (_values, True),
    "windows": (_windows, True),
    "resume": (_resume, True),
    "storms": (_storms, True),
    "changes and deletes": (_changes, False),
    "growth": (growth, False),
    "refusal": (refusal, False),
    "faults": (_faults, False),
    "secrets": (_secrets, False),
}
"""Name → the check, and whether it is made for each stream. The last one looks at all that was seen before it."""


def _parts(key: Any) -> tuple[Any, ...]:
    return key if isinstance(key, tuple) else (key,)
