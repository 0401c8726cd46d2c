"""A file as tables of rows: CSV, Excel sheets, Parquet, JSON lines; where the header stands, and what was detected."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any

from connectors.errors import SettingsFailure, SourceFailure
from connectors.files.encodings import SAMPLE_BYTES, detect_delimiter, detect_encoding
from connectors.files.places import FORMATS, FoundFile, source_errors

LOOKED_AT = 40
"""A header stands in the first so many rows, or nowhere."""
csv.field_size_limit(16 * 1024 * 1024)

Row = tuple[int, Sequence[Any]]


@dataclass
class Table:
    """One sheet, or one file without sheets.

    header: names of the columns, unique. rows: number in the file (from 1, the header counted) and cells, read once.
    detected: what was found out, for people. is_ragged: whether rows may have another number of cells than the header.
    """

    file: str
    sheet: str | None
    header: list[str]
    rows: Iterator[Row]
    detected: dict[str, str] = field(default_factory=dict)
    is_ragged: bool = False

    @property
    def place(self) -> str:
        """File and sheet."""
        return f"{self.file} › {self.sheet}" if self.sheet else self.file


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
    """The tables of a file, opened one after the other. SourceFailure or SettingsFailure for what cannot be read."""
    kind = layout.format or FORMATS.get(one.suffix)
    readers: dict[str, Callable[[FoundFile, Layout], Iterator[Table]]] = {
        "csv": _csv, "xlsx": _xlsx, "parquet": _parquet, "jsonl": _json_lines,
    }  # fmt: skip
    if kind not in readers:
        raise SettingsFailure(
            f"{one.name} is of a kind that is not read.", where=one.name,
            next_step="save it as .csv, .tsv, .xlsx, .parquet or .jsonl, or say  format: csv  in the mapping",
        )  # fmt: skip
    with source_errors(one.name):
        yield from readers[kind](one, layout)


def same_name(name: str) -> str:
    """A header for comparing: case, spaces and line breaks do not matter."""
    return re.sub(r"\s+", " ", name.replace("\ufeff", "")).strip().casefold()


def _csv(one: FoundFile, layout: Layout) -> Iterator[Table]:
    with one.open() as opened:
        sample = opened.read(SAMPLE_BYTES)
    if not sample.strip():
        raise SourceFailure("The file is empty.", where=one.name, next_step="export it again, or take it away")
    encoding = layout.encoding or detect_encoding(sample)
    try:
        head = sample.decode(encoding, errors="ignore" if len(sample) == SAMPLE_BYTES else "strict")
    except (UnicodeDecodeError, LookupError) as problem:
        raise SettingsFailure(
            f"{one.name} is not text in {encoding}.", where=one.name, why=str(problem)[:120],
            next_step="set encoding in the mapping, or save the file as UTF-8",
        ) from None  # fmt: skip
    delimiter = layout.delimiter or ("\t" if one.suffix in (".tsv", ".tab") else detect_delimiter(head))
    with one.open() as opened, io.TextIOWrapper(opened, encoding=encoding, newline="") as text:
        numbered = enumerate(_records(text, delimiter, one.name), 1)
        detected = {"encoding": encoding, "delimiter": {"\t": "tab"}.get(delimiter, delimiter)}
        yield _table(one.name, None, numbered, layout, detected, is_ragged=True)


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
    chosen = [
        (name, rows)
        for name, rows in sheets(content, one.name)
        if not layout.sheets or any(fnmatch(name.casefold(), s.casefold()) for s in layout.sheets)
    ]
    if not chosen:
        raise SettingsFailure(
            f"{one.name} has no visible sheet of that name.", where=one.name,
            next_step=f"set sheet to one of: {', '.join(name for name, _ in sheets(content, one.name))}",
        )  # fmt: skip
    skipped: list[SettingsFailure] = []
    given = 0
    for name, rows in chosen:
        try:
            table = _table(one.name, name, enumerate(rows, 1), layout, {}, is_ragged=False)
        except MissingColumns as failure:
            if layout.sheets or failure.has_some:
                raise
            skipped.append(failure)
            continue
        given += 1
        yield table
    if not given and skipped:
        raise skipped[0]


def _parquet(one: FoundFile, layout: Layout) -> Iterator[Table]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with one.open() as opened:
        try:
            file = pq.ParquetFile(io.BytesIO(opened.read()))
        except pa.ArrowInvalid as problem:
            raise SourceFailure("This is no Parquet file.", where=one.name, why=str(problem)[:120]) from None
    header = list(file.schema_arrow.names)

    def rows() -> Iterator[Sequence[Any]]:
        for batch in file.iter_batches(batch_size=20_000):
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)

    yield _table(one.name, None, enumerate(itertools.chain([header], rows()), 1), layout, {}, is_ragged=False)


def _json_lines(one: FoundFile, layout: Layout) -> Iterator[Table]:
    header: dict[str, None] = {}
    with one.open() as opened:
        content = opened.read()
    lines = content.splitlines()
    records = list(_elements(content, one.name) if content.lstrip()[:1] == b"[" else _objects(lines, one.name))
    for record in records:
        header.update(dict.fromkeys(record))
    names = list(header)
    rows = ([_scalar(record.get(name)) for name in names] for record in records)
    yield _table(one.name, None, enumerate(itertools.chain([names], rows), 1), layout, {}, is_ragged=False)


def _elements(content: bytes, name: str) -> list[dict[str, Any]]:
    """The objects of one JSON list."""
    try:
        found = json.loads(content)
    except ValueError as problem:
        raise SourceFailure("The file is no JSON.", where=name, why=str(problem)[:120]) from None
    if not all(isinstance(record, dict) for record in found):
        raise SourceFailure("The list holds something else than objects.", where=name)
    return list(found)


def _objects(lines: Iterable[bytes], name: str) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
        except ValueError as problem:
            raise SourceFailure("A line is no JSON.", where=f"{name}, line {number}", why=str(problem)[:120]) from None
        if not isinstance(record, dict):
            raise SourceFailure("A line is no JSON object.", where=f"{name}, line {number}")
        yield record


def _scalar(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value


class MissingColumns(SettingsFailure):
    """No row of the table is a header with the columns the mapping names. has_some: one has some of them."""

    has_some = False


def _table(
    file: str, sheet: str | None, numbered: Iterator[Row], layout: Layout, detected: dict[str, str], *, is_ragged: bool
) -> Table:
    looked_at = list(itertools.islice(numbered, layout.header_row or LOOKED_AT))
    place = f"{file} › {sheet}" if sheet else file
    at = layout.header_row - 1 if layout.header_row else _header_at([row for _, row in looked_at], layout.wanted)
    if at is None or at >= len(looked_at):
        raise _no_header(place, looked_at, layout.wanted)
    header = _names(looked_at[at][1])
    missing = [w for w in layout.wanted if same_name(w) not in set(map(same_name, header))]
    if missing:
        failure = MissingColumns(
            f"{place} has no column {', '.join(map(repr, missing))}.", where=f"{place}, row {at + 1}",
            why=f"It has: {', '.join(header)[:400]}.", next_step="mend the mapping, or the header in the file",
        )  # fmt: skip
        failure.has_some = len(missing) < len(layout.wanted)
        raise failure
    if at:
        detected = detected | {"header": f"row {at + 1}"}
    rest = itertools.chain(looked_at[at + 1 :], numbered)
    rows = ((number, row) for number, row in rest if any(_filled(cell) for cell in row))
    return Table(file, sheet, header, rows, detected, is_ragged)


def _no_header(place: str, rows: Sequence[Row], wanted: Sequence[str]) -> MissingColumns:
    return MissingColumns(
        f"{place} has no header.", where=place,
        why=f"None of the first {len(rows)} rows has {', '.join(map(repr, wanted)) or 'two filled cells'}.",
        next_step="set header_row in the mapping, or check that this is the right file",
    )  # fmt: skip


def _header_at(rows: Sequence[Sequence[Any]], wanted: Sequence[str]) -> int | None:
    """The row with most of the wanted columns; without any wanted the first wide row of words above wide rows."""
    if wanted:
        found = [len({same_name(str(c)) for c in row if _filled(c)} & set(map(same_name, wanted))) for row in rows]
        most = max(found, default=0)
        return found.index(most) if most else None
    widths = [sum(_filled(cell) for cell in row) for row in rows]
    usual = sorted(widths)[len(widths) // 2] if widths else 0
    for at, row in enumerate(rows):
        words = sum(isinstance(cell, str) and _filled(cell) and not re.search(r"^[\d\s.,%-]+$", cell) for cell in row)
        if widths[at] >= max(usual * 0.6, 1) and words >= widths[at] * 0.7 and widths[at]:
            return at
    return 0 if rows else None


def _names(cells: Sequence[Any]) -> list[str]:
    """Unique names: an empty one is called by its place, a repeated one is numbered."""
    names: list[str] = []
    named = list(cells)
    while named and not _filled(named[-1]):
        named.pop()
    for place, cell in enumerate(named, 1):
        name = re.sub(r"\s+", " ", str(cell).replace("\ufeff", "")).strip() if _filled(cell) else f"column {place}"
        number = sum(same_name(n.rsplit(" (", 1)[0] if n.endswith(")") else n) == same_name(name) for n in names)
        names.append(f"{name} ({number + 1})" if same_name(name) in set(map(same_name, names)) and number else name)
    return names


def _filled(cell: Any) -> bool:
    return cell is not None and (not isinstance(cell, str) or bool(cell.strip()))
