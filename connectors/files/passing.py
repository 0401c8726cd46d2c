"""Large plain CSV files pass through as they are: their bytes land untouched and the load types the columns.

A file is plain when nothing in it needs understanding: UTF-8, commas, every row as wide as the header, ISO dates,
decimal points, and a mapping that only names columns. Quoted cells are allowed; they take a slower look. One look over
all bytes proves the shape and every cell (`plain_proof`) and takes the hash.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from connectors.contract import Field, FieldType, Page, PageFormat, StreamSchema
from connectors.files.entities import day_field
from connectors.files.last_day import LastDay
from connectors.files.mapping import MISSING, ColumnMap, FileSet
from connectors.files.places import CHUNK_BYTES, FORMATS, FoundFile
from connectors.files.plain_proof import ColumnProof, read_piece
from connectors.files.tables import same_name

LARGE_BYTES = 4 * 1024 * 1024
PART_BYTES = 24 * 1024 * 1024
_STRAY_QUOTE = re.compile(rb'[^,\r\n"]"[^,\r\n"]')
"""A quote that neither begins nor ends a cell, nor is one of a pair: readers differ in what they make of it."""


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
    last_day: LastDay

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
    headers = [_header(file) for file in files]
    header = headers[0]
    if header is None or any(each != header for each in headers):
        return None
    proofs = _proofs(sets[0], header)
    if proofs is None:
        return None
    found: list[PlainFile] = []
    proof = Proof(header, proofs, LastDay(sets[0].entity.name), _column_of(sets[0], header))
    for file in files:
        plain = _inspected(file, proof)
        if plain is None:
            return None
        found.append(plain)
    fields = _fields(sets[0], header, proofs)
    if fields is None:
        return None
    return PlainStream(replace(sets[0].entity.schema, fields=tuple(fields)), tuple(found), proof.last_day)


def _only_names(one: FileSet) -> bool:
    """Whether the mapping says of each column which it is, and nothing else."""
    sources = [column.source for column in one.columns.values()]
    said = (column != ColumnMap(source=column.source) for column in one.columns.values())
    ends = any(one.entity.targets[name].is_end for name in one.columns)
    return (
        "id" in one.columns and None not in sources and len(set(sources)) == len(sources) and not any(said)
        and not ends and one.entity.name != "survey_response" and one.format in (None, "csv")
        and one.header_row in (None, 1) and one.encoding in (None, "utf-8", "utf-8-sig")
        and one.delimiter in (None, ",") and one.missing == frozenset(MISSING)
    )  # fmt: skip


def _header(file: FoundFile) -> list[str] | None:
    """Header of a large CSV file; None for any other file."""
    if FORMATS.get(file.suffix) != "csv" or file.name.lower().endswith((".gz", ".zst")) or ".zip/" in file.name.lower():
        return None
    with file.open() as opened:
        line = opened.readline()
        opened.seek(0, 2)
        if opened.tell() < LARGE_BYTES:
            return None
    try:
        [names] = csv.reader(io.StringIO(line.decode("utf-8-sig"), newline=""))
    except (UnicodeDecodeError, csv.Error, ValueError):
        return None
    header = [name.strip() for name in names]
    if len(header) < 2 or "" in header or len(set(map(same_name, header))) < len(header) or b'"' in line:
        return None
    return header


def _proofs(one: FileSet, header: Sequence[str]) -> dict[str, ColumnProof] | None:
    """A proof for each mapped column, by its place in the header; None when one is not there."""
    place_of = {same_name(name): name for name in header}
    proofs = {}
    for name, column in one.columns.items():
        place = place_of.get(same_name(column.source or ""))
        target = one.entity.targets[name]
        says_per_cent = target.kind == "share" and "%" in (place or "")
        if place is None or says_per_cent:
            return None
        proofs[place] = ColumnProof(target, needed=name == "id" or name in one.entity.needs, is_key=name == "id")
    return proofs


def _fields(one: FileSet, header: Sequence[str], proofs: dict[str, ColumnProof]) -> list[Field] | None:
    """The columns as they stand in the file, mapped ones under their targets; None if a cell needs understanding."""
    target_of = {same_name(column.source or ""): one.entity.targets[name] for name, column in one.columns.items()}
    taken = {field.name for field in one.entity.schema.fields}
    found: list[Field] = []
    for name in header:
        target = target_of.get(same_name(name))
        if target is None:
            found.append(Field(f"{name} (file)" if name in taken or name.startswith("_") else name, label=name))
            continue
        kind = proofs[name].type
        if kind is None:
            return None
        own = day_field(target.name) if target.kind == "moment" and kind is FieldType.DATE else target.name
        found.append(Field(own, kind, source_type=target.kind, label=name))
    return found


@dataclass(frozen=True)
class Proof:
    """What is asked of every piece of the files: the width of its rows, its columns, and its days.

    columns: by their names in the header. column_of: target → that name.
    """

    header: Sequence[str]
    columns: Mapping[str, ColumnProof]
    last_day: LastDay
    column_of: Mapping[str, str]

    def add(self, piece: bytes) -> int | None:
        """Rows of a piece, None when one of them is not plain."""
        import pyarrow as pa

        if not piece:
            return 0
        if _is_doubtful(piece):
            return None
        try:
            table = read_piece(piece, self.header)
        except (pa.ArrowInvalid, UnicodeDecodeError):
            return None
        if not all(proof.add(table.column(name).combine_chunks()) for name, proof in self.columns.items()):
            return None
        self.last_day.add_table(table, self.column_of)
        return int(table.num_rows)


def _column_of(one: FileSet, header: Sequence[str]) -> dict[str, str]:
    """Target → the name of its column in the header."""
    place_of = {same_name(name): name for name in header}
    return {name: place_of[same_name(column.source or "")] for name, column in one.columns.items()}


def _inspected(file: FoundFile, proof: Proof) -> PlainFile | None:
    """One look over all bytes: the hash, the width of every row, every cell, and where to cut."""
    digest, place, rest = hashlib.sha256(), 0, b""
    parts: list[tuple[int, int, int]] = []
    with file.open() as opened:
        head = opened.readline()
        opened.seek(0)
        while chunk := opened.read(PART_BYTES):
            digest.update(chunk)
            whole, rest = _whole_rows(rest + chunk)
            if not place:
                place, whole = len(head), whole[len(head) :]
            rows = proof.add(whole)
            if rows is None:
                return None
            if rows:
                parts.append((place, place + len(whole), rows))
            place += len(whole)
    if rest:
        rows = proof.add(rest)
        if rows is None:
            return None
        parts.append((place, place + len(rest), rows))
    plain_head = head.rstrip(b"\r\n").removeprefix(b"\xef\xbb\xbf")
    return PlainFile(file, plain_head, digest.hexdigest(), tuple(parts))


def _whole_rows(piece: bytes) -> tuple[bytes, bytes]:
    """A piece cut after its last row, and the rest; a line break between quotes ends no row."""
    end = piece.rfind(b"\n") + 1
    while end and b'"' in piece and piece.count(b'"', 0, end) % 2:
        end = piece.rfind(b"\n", 0, end - 1) + 1
    return piece[:end], piece[end:]


def _is_doubtful(piece: bytes) -> bool:
    """Whether readers differ in where its rows and cells end, or in whether an empty line is a row."""
    if b"\0" in piece or (b'"' in piece and _STRAY_QUOTE.search(piece)):
        return True
    is_mixed = b"\r" in piece and piece.count(b"\r") != piece.count(b"\r\n")
    return is_mixed or b"\n\n" in piece or b"\n\r\n" in piece
