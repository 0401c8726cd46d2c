"""Large plain CSV files pass through as they are: their bytes land untouched and the load types the columns.

A file is plain when nothing in it needs understanding: UTF-8, commas, every row as wide as the header, ISO dates,
decimal points, and a mapping that only names columns. Quoted cells are allowed; they take a slower look. One look over
all bytes proves the shape and takes the hash; the cells are looked at in a sample, and one that differs later is
rejected by the load.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from connectors.contract import Field, FieldType, Page, PageFormat, StreamSchema
from connectors.files.entities import Target, day_field
from connectors.files.mapping import ColumnMap, FileSet
from connectors.files.places import CHUNK_BYTES, FORMATS, FoundFile
from connectors.files.tables import same_name

LARGE_BYTES = 4 * 1024 * 1024
PART_BYTES = 24 * 1024 * 1024
SAMPLE_BYTES = 512 * 1024
_STRAY_QUOTE = re.compile(rb'[^,\r\n"]"[^,\r\n"]')
"""A quote that neither begins nor ends a cell, nor is one of a pair: readers differ in what they make of it."""
_BROKEN = -(10**12)
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})")


@dataclass(frozen=True)
class PlainFile:
    """A file that passes through. parts: where pieces of whole rows begin and end, and their rows."""

    file: FoundFile
    header: bytes
    sha256: str
    parts: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class PlainStream:
    """Files of one shape, and the stream they make."""

    schema: StreamSchema
    files: tuple[PlainFile, ...]

    def pages(self) -> Iterator[Page]:
        """The bytes in pieces, each with the header."""
        for plain in self.files:
            for first, last, rows in plain.parts:
                yield Page(self.schema.stream, PageFormat.CSV, _Piece(plain, first, last), rows=rows)

    @property
    def fingerprint(self) -> str:
        """One hash of all names and contents."""
        return hashlib.sha256("\0".join(f"{p.file.name}={p.sha256}" for p in self.files).encode()).hexdigest()


class _Piece:
    """Chunks of a part of a file; may be read again, and in another thread."""

    def __init__(self, plain: PlainFile, first: int, last: int) -> None:
        self._plain, self._first, self._last = plain, first, last

    def __iter__(self) -> Iterator[bytes]:
        yield self._plain.header + b"\n"
        with self._plain.file.open() as opened:
            opened.seek(self._first)
            left = self._last - self._first
            while left and (chunk := opened.read(min(CHUNK_BYTES, left))):
                left -= len(chunk)
                yield chunk


def plain_stream(sets: Sequence[FileSet], files: Sequence[FoundFile]) -> PlainStream | None:
    """The stream, if all its files are large and plain, and alike; None when they must be read cell by cell."""
    if len(sets) != 1 or not files or not _only_names(sets[0]):
        return None
    heads = [_head(file) for file in files]
    header = heads[0][0] if heads[0] else None
    if header is None or any(head is None or head[0] != header for head in heads):
        return None
    fields = _fields(sets[0], header, [row for head in heads if head for row in head[1]])
    if fields is None:
        return None
    found = [_inspected(file, header) or _inspected_quoted(file, header) for file in files]
    if any(one is None for one in found):
        return None
    schema = replace(sets[0].entity.schema, fields=tuple(fields))
    return PlainStream(schema, tuple(one for one in found if one is not None))


def _only_names(one: FileSet) -> bool:
    """Whether the mapping says of each column which it is, and nothing else."""
    sources = [column.source for column in one.columns.values()]
    said = (column != ColumnMap(source=column.source) for column in one.columns.values())
    ends = any(one.entity.targets[name].is_end for name in one.columns)
    return (
        "id" in one.columns and None not in sources and len(set(sources)) == len(sources) and not any(said)
        and not ends and one.entity.name != "survey_response" and one.format in (None, "csv")
        and one.header_row in (None, 1) and one.encoding in (None, "utf-8", "utf-8-sig")
        and one.delimiter in (None, ",")
    )  # fmt: skip


def _head(file: FoundFile) -> tuple[list[str], list[list[str]]] | None:
    """Header and first rows of a large CSV file; None for any other."""
    if FORMATS.get(file.suffix) != "csv" or file.name.lower().endswith((".gz", ".zst")) or "/" in file.name:
        return None
    with file.open() as opened:
        sample = opened.read(SAMPLE_BYTES)
        opened.seek(0, 2)
        if opened.tell() < LARGE_BYTES or b"\0" in sample:
            return None
    try:
        text = sample[: sample.rfind(b"\n") + 1].decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text, newline="")))
    except (UnicodeDecodeError, csv.Error):
        return None
    if text.count('"') % 2:
        rows.pop()  # the sample ends inside a quoted cell
    if not rows or any('"' in name or "\n" in name for name in rows[0]):
        return None
    header = [name.strip() for name in rows[0]]
    if len(header) < 2 or "" in header or len(set(map(same_name, header))) < len(header):
        return None
    return header, rows[1:]


def _fields(one: FileSet, header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Field] | None:
    """The columns as they stand in the file, mapped ones under their targets; None if a cell needs understanding."""
    target_of = {same_name(column.source or ""): one.entity.targets[name] for name, column in one.columns.items()}
    if set(target_of) - set(map(same_name, header)) or any(len(row) != len(header) for row in rows):
        return None
    taken = {field.name for field in one.entity.schema.fields}
    found: list[Field] = []
    for place, name in enumerate(header):
        target = target_of.get(same_name(name))
        if target is None:
            found.append(Field(f"{name} (file)" if name in taken or name.startswith("_") else name, label=name))
            continue
        kind = _kind(target, [row[place] for row in rows if row[place]], one.missing)
        if kind is None:
            return None
        own = day_field(target.name) if target.kind == "moment" and kind is FieldType.DATE else target.name
        found.append(Field(own, kind, source_type=target.kind, label=name))
    return found


def _kind(target: Target, cells: Sequence[str], missing: frozenset[str]) -> FieldType | None:
    """The type the load can give these cells as they are; None if there is none."""

    def all_are(pattern: re.Pattern[str]) -> bool:
        return all(map(pattern.fullmatch, cells))

    if any(cell != cell.strip() or (target.kind != "text" and cell.lower() in missing) for cell in cells):
        return None
    days = FieldType.DATE if all_are(_DAY) else None
    numbers = all_are(_NUMBER)
    fitting: Mapping[str, FieldType | None] = {
        "text": FieldType.TEXT,
        "choice": FieldType.TEXT if all(cell.lower() in target.choices for cell in cells) else None,
        "boolean": FieldType.BOOLEAN if all(cell.lower() in ("true", "false") for cell in cells) else None,
        "date": days,
        "moment": days or (FieldType.TIMESTAMP if all_are(_INSTANT) else None),
        "integer": FieldType.INTEGER if numbers and not any("." in cell for cell in cells) else None,
        "money": FieldType.DECIMAL if numbers else None,
        "number": FieldType.NUMBER if numbers else None,
        "share": FieldType.NUMBER if numbers else None,
    }
    return fitting[target.kind]


def _inspected(file: FoundFile, header: Sequence[str]) -> PlainFile | None:
    """One look over all bytes: the hash, whether every row has its commas and none has quotes, and where to cut."""
    digest, commas = hashlib.sha256(), len(header) - 1
    parts: list[tuple[int, int, int]] = []
    place, head, rest = 0, b"", b""
    with file.open() as opened:
        while chunk := opened.read(PART_BYTES):
            digest.update(chunk)
            whole, newline, after = (rest + chunk).rpartition(b"\n")
            whole, rest = whole + newline, after
            if not head:
                head, _, whole = whole.partition(b"\n")
                place = len(head) + 1
                head = head.rstrip(b"\r").removeprefix(b"\xef\xbb\xbf")
            rows = _rows(whole, commas)
            if rows is None:
                return None
            if rows:
                parts.append((place, place + len(whole), rows))
            place += len(whole)
    if rest:
        rows = _rows(rest + b"\n", commas)
        if rows is None:
            return None
        parts.append((place, place + len(rest), rows))
    return PlainFile(file, head, digest.hexdigest(), tuple(parts))


def _inspected_quoted(file: FoundFile, header: Sequence[str]) -> PlainFile | None:
    """The same of a file with quoted cells, record by record; in one piece, for a line may end inside a cell."""
    digest = hashlib.sha256()
    with file.open() as opened:
        head = opened.readline()
        rest = opened.tell()
        opened.seek(0)
        has_quotes, before = False, b"\n"
        while chunk := opened.read(CHUNK_BYTES):
            digest.update(chunk)
            has_quotes = has_quotes or b'"' in chunk
            if b"\0" in chunk or _STRAY_QUOTE.search(before + chunk):
                return None
            before = chunk[-2:]
        size = opened.tell()
        if not has_quotes:
            return None
        opened.seek(0)
        try:
            records = csv.reader(io.TextIOWrapper(opened, "utf-8-sig", newline=""), strict=True)
            rows = sum(1 if len(row) == len(header) else _BROKEN for row in records) - 1
        except (UnicodeDecodeError, csv.Error):
            return None
    if rows < 0:
        return None
    return PlainFile(
        file, head.rstrip(b"\r\n").removeprefix(b"\xef\xbb\xbf"), digest.hexdigest(), ((rest, size, rows),)
    )


def _rows(whole: bytes, commas: int) -> int | None:
    """Rows of a piece, None when one of them is not plain."""
    if not whole:
        return 0
    if b'"' in whole or b"\0" in whole or whole.count(b"\r") not in (0, whole.count(b"\r\n")):
        return None
    try:
        whole.decode("utf-8")
    except UnicodeDecodeError:
        return None
    cells = np.frombuffer(whole, np.uint8)
    ends = np.flatnonzero(cells == ord("\n"))
    before = np.searchsorted(np.flatnonzero(cells == ord(",")), ends)
    return len(ends) if bool((np.diff(before, prepend=0) == commas).all()) else None
