"""A file as tables of rows: CSV, Excel sheets, Parquet, JSON lines; where the header stands, and what was detected."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import partial
from typing import Any

from connectors.errors import SettingsFailure, SourceFailure
from connectors.files.cells import plain
from connectors.files.encodings import SAMPLE_BYTES, detect_delimiter, encoding_of
from connectors.files.footers import Row, without_footer
from connectors.files.places import FORMATS, FoundFile, source_errors
from connectors.files.special import is_filled
from connectors.files.structured import json_records, parquet

LOOKED_AT = 40
"""A header stands in the first so many rows, or nowhere."""
csv.field_size_limit(16 * 1024 * 1024)


@dataclass
class Table:
    """One sheet, or one file without sheets.

    header: names of the columns, unique. opener: opens the rows below the header anew. detected: what was found out,
    for people. is_ragged: whether rows may have another number of cells than the header. repeated: names that several
    columns have. epoch: how the file numbers its days, empty if it does not say.
    """

    file: str
    sheet: str | None
    header: list[str]
    opener: Callable[[], Iterator[Row]]
    detected: dict[str, str] = field(default_factory=dict)
    is_ragged: bool = False
    repeated: frozenset[str] = frozenset()
    epoch: str = ""
    left_out: list[int] = field(default_factory=list)

    @property
    def place(self) -> str:
        """File and sheet."""
        return f"{self.file} › {self.sheet}" if self.sheet else self.file

    def rows(self) -> Iterator[Row]:
        """Number in the file (from 1, the header counted) and cells of every row, empty ones and footers left out.

        Once they are read to the end, `left_out` holds the numbers of the rows below all others that are no records.
        """
        filled = (row for row in self.opener() if any(map(is_filled, row[1])))
        return without_footer(filled, len(self.header), self.left_out)

    def column(self, name: str) -> int:
        """The place of a column by its header; SettingsFailure when there is none, or several of that name."""
        wanted = same_name(name)
        places = [place for place, header in enumerate(self.header) if same_name(header) == wanted]
        if wanted in self.repeated:
            numbered = [h for h in self.header if same_name(h).rpartition(" (")[0] == wanted]
            raise SettingsFailure(
                f"{self.place} has {len(numbered)} columns called {name!r}.", where=self.place,
                next_step=f"say which: {', '.join(map(repr, numbered))}, counted from the left",
            )  # fmt: skip
        if not places:
            raise missing_columns(self.place, [name], self.header)
        return places[0]


@dataclass(frozen=True)
class Layout:
    """What is known of a file before it is opened; None is detected. wanted: columns it must have, empty for any."""

    format: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    sheets: tuple[str, ...] = ()
    header_row: int | None = None
    wanted: tuple[str, ...] = ()


def tables(one: FoundFile, layout: Layout) -> Iterator[Table]:
    """The tables of a file. SourceFailure or SettingsFailure for what cannot be read."""
    kind = layout.format or FORMATS.get(one.suffix)
    readers: dict[str, Callable[[FoundFile, Layout], Iterator[Table]]] = {
        "csv": _csv, "xlsx": _xlsx, "parquet": _structured, "jsonl": _structured,
    }  # fmt: skip
    if kind not in readers:
        raise SettingsFailure(
            f"{one.name} is of a kind that is not read.", where=one.name,
            next_step="save it as .csv, .tsv, .xlsx, .parquet or .jsonl, or say  format: csv  in the mapping",
        )  # fmt: skip
    with source_errors(one.name):
        yield from readers[kind](one, layout)


def refuse_mixed_archives(files: Sequence[FoundFile]) -> None:
    """SettingsFailure for an archive of several tables when the path does not say which member is meant.

    Members with one header are parts of one export, and all meant.
    """
    headers: dict[str, dict[str, frozenset[str]]] = {}
    for one in files:
        if one.archive:
            first = next(tables(one, Layout()), None)
            names = frozenset(map(same_name, first.header)) if first else frozenset()
            headers.setdefault(one.archive, {})[one.name] = names
    for archive, members in headers.items():
        if len(set(members.values())) > 1:
            raise SettingsFailure(
                f"{archive} holds several tables, and the path does not say which is meant.", where=archive,
                why=f"It holds: {', '.join(name.removeprefix(archive + '/') for name in members)}.",
                next_step=f"name the member, such as  path: {next(iter(members))}",
            )  # fmt: skip


def same_name(name: str) -> str:
    """A header for comparing: case, spaces and line breaks do not matter."""
    return re.sub(r"\s+", " ", name.replace("\ufeff", "")).strip().casefold()


def _csv(one: FoundFile, layout: Layout) -> Iterator[Table]:
    with one.open() as opened:
        sample = opened.read(SAMPLE_BYTES)
    if not sample.strip():
        raise SourceFailure("The file is empty.", where=one.name, next_step="export it again, or take it away")
    encoding = layout.encoding or encoding_of(one)
    try:
        head = sample.decode(encoding, errors="ignore" if len(sample) == SAMPLE_BYTES else "strict")
    except (UnicodeDecodeError, LookupError) as problem:
        raise SettingsFailure(
            f"{one.name} is not text in {encoding}.", where=one.name, why=str(problem)[:120],
            next_step="set encoding in the mapping, or save the file as UTF-8",
        ) from None  # fmt: skip
    delimiter = layout.delimiter or ("\t" if one.suffix in (".tsv", ".tab") else detect_delimiter(head))

    def records() -> Iterator[Row]:
        with source_errors(one.name), one.open() as opened, io.TextIOWrapper(opened, encoding, newline="") as text:
            yield from enumerate(_records(text, delimiter, one.name), 1)

    detected = {"encoding": encoding, "delimiter": {"\t": "tab"}.get(delimiter, delimiter)}
    yield _table(one.name, None, records, layout, detected, is_ragged=True)


def _records(text: Iterable[str], delimiter: str, name: str) -> Iterator[list[str]]:
    reader = csv.reader((line.replace("\0", "") for line in text), delimiter=delimiter, strict=True)
    try:
        yield from reader
    except csv.Error as problem:
        raise SourceFailure(
            "A quoted cell is broken.", where=f"{name}, line {reader.line_num}", why=str(problem),
            next_step="mend the quotes in that line, or export the file again",
        ) from None  # fmt: skip
    except UnicodeDecodeError as problem:
        raise SourceFailure(
            f"The text is not {problem.encoding} all through.", where=f"{name}, after line {reader.line_num}",
            next_step="set encoding in the mapping, or save the file as UTF-8",
        ) from None  # fmt: skip


def _xlsx(one: FoundFile, layout: Layout) -> Iterator[Table]:
    from connectors.files.workbook import sheets

    with one.open() as opened:
        content = io.BytesIO(opened.read())
    visible = sheets(content, one.name)
    wanted = [name.casefold() for name in layout.sheets]
    chosen = [s for s in visible if not wanted or any(fnmatch(s.name.casefold(), name) for name in wanted)]
    if not chosen:
        raise SettingsFailure(
            f"{one.name} has no visible sheet of that name.", where=one.name,
            next_step=f"set sheet to one of: {', '.join(sheet.name for sheet in visible)}",
        )  # fmt: skip
    skipped: list[SettingsFailure] = []
    given = 0
    for sheet in chosen:
        numbered = list(enumerate(sheet.rows, 1))
        try:
            table = _table(one.name, sheet.name, partial(iter, numbered), layout, {}, epoch=sheet.epoch)
        except MissingColumns as failure:
            if layout.sheets or failure.has_some:
                raise
            skipped.append(failure)
            continue
        given += 1
        yield table
    if not given and skipped:
        raise skipped[0]


def _structured(one: FoundFile, layout: Layout) -> Iterator[Table]:
    is_parquet = (layout.format or FORMATS.get(one.suffix)) == "parquet"
    names, rows = parquet(one) if is_parquet else json_records(one)
    yield _table(one.name, None, lambda: enumerate(itertools.chain([names], rows()), 1), layout, {})


class MissingColumns(SettingsFailure):
    """No row of the table is a header with the columns the mapping names. has_some: one has some of them."""

    has_some = False


def missing_columns(place: str, names: Sequence[str], header: Sequence[str]) -> MissingColumns:
    """The failure that a table lacks columns."""
    return MissingColumns(
        f"{place} has no column {', '.join(map(repr, names))}.", where=place,
        why=f"It has: {', '.join(header)[:400]}.", next_step="mend the mapping, or the header in the file",
    )  # fmt: skip


def _table(
    file: str, sheet: str | None, opener: Callable[[], Iterator[Row]], layout: Layout, detected: dict[str, str],
    *, is_ragged: bool = False, epoch: str = "",
) -> Table:  # fmt: skip
    looked_at = list(itertools.islice(opener(), layout.header_row or LOOKED_AT))
    place = f"{file} › {sheet}" if sheet else file
    at = layout.header_row - 1 if layout.header_row else _header_at([row for _, row in looked_at], layout.wanted)
    if at is None or at >= len(looked_at):
        raise _no_header(place, looked_at, layout.wanted)
    header, repeated = _names(looked_at[at][1])
    missing = [w for w in layout.wanted if same_name(w) not in {*map(same_name, header), *repeated}]
    if missing:
        failure = missing_columns(f"{place}, row {at + 1},", missing, header)
        failure.has_some = len(missing) < len(layout.wanted)
        raise failure
    if at:
        detected = detected | {"header": f"row {at + 1}"}
    first = at + 1
    return Table(
        file, sheet, header, lambda: itertools.islice(opener(), first, None), detected, is_ragged, repeated, epoch
    )  # fmt: skip


def _no_header(place: str, rows: Sequence[Row], wanted: Sequence[str]) -> MissingColumns:
    return MissingColumns(
        f"{place} has no header.", where=place,
        why=f"None of the first {len(rows)} rows has {', '.join(map(repr, wanted)) or 'two filled cells'}.",
        next_step="set header_row in the mapping, or check that this is the right file",
    )  # fmt: skip


def _header_at(rows: Sequence[Sequence[Any]], wanted: Sequence[str]) -> int | None:
    """The row with most of the wanted columns; without any wanted the first wide row of words above wide rows."""
    if wanted:
        found = [len({same_name(plain(c)) for c in row if is_filled(c)} & set(map(same_name, wanted))) for row in rows]
        most = max(found, default=0)
        return found.index(most) if most else None
    widths = [sum(map(is_filled, row)) for row in rows]
    usual = sorted(widths)[len(widths) // 2] if widths else 0
    for at, row in enumerate(rows):
        words = sum(is_filled(cell) and not re.search(r"^[\d\s.,%-]+$", plain(cell)) for cell in row)
        if widths[at] >= max(usual * 0.6, 1) and words >= widths[at] * 0.7 and widths[at]:
            return at
    return 0 if rows else None


def _names(cells: Sequence[Any]) -> tuple[list[str], frozenset[str]]:
    """Unique names, and those that were not: an empty one is called by its place, repeated ones are all numbered."""
    named = list(cells)
    while named and not is_filled(named[-1]):
        named.pop()
    given = [_label(cell) if is_filled(cell) else f"column {place}" for place, cell in enumerate(named, 1)]
    folded = list(map(same_name, given))
    repeated = frozenset(name for name in folded if folded.count(name) > 1)
    names = [
        f"{name} ({folded[: place + 1].count(folded[place])})" if folded[place] in repeated else name
        for place, name in enumerate(given)
    ]
    return names, repeated


def _label(cell: Any) -> str:
    return re.sub(r"\s+", " ", plain(cell).replace("\ufeff", "")).strip()
