"""Result rows of a Bulk query as CSV, rendered by Arrow in blocks once and kept."""

from __future__ import annotations

import csv
import gzip
import io
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from threading import Lock
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from crmlift.simulator.salesforce.soql_fields import ResolvedField
from crmlift.simulator.served import Row

DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t", "CARET": "^", "BACKQUOTE": "`"}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
BLOCK_ROWS = 5_000
_GZIP_LEVEL = 1


BlockKey = tuple[int, str, str, int, bool]


class BlockCache:
    """Rendered blocks of all results, the least used given up beyond a number of bytes.

    A block belongs to the list of rows it was rendered from, which the cache holds on to, so that its id stays its own.
    """

    def __init__(self, most_bytes: int = 1 << 30) -> None:
        self.most_bytes, self.used = most_bytes, 0
        self._blocks: OrderedDict[BlockKey, tuple[bytes, Sequence[Row]]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: BlockKey) -> bytes | None:
        """A block, if still there."""
        with self._lock:
            found = self._blocks.get(key)
            if found is None:
                return None
            self._blocks.move_to_end(key)
            return found[0]

    def put(self, key: BlockKey, block: bytes, rows: Sequence[Row]) -> None:
        """Keep a block."""
        with self._lock:
            if key not in self._blocks:
                self._blocks[key] = block, rows
                self.used += len(block)
            while self.used > self.most_bytes and len(self._blocks) > 1:
                self.used -= len(self._blocks.popitem(last=False)[1][0])


class CsvResult:
    """Rows of a query in one CSV dialect; every value is quoted, as Bulk 2.0 does."""

    def __init__(
        self,
        columns: Sequence[ResolvedField],
        rows: Sequence[Row],
        cache: BlockCache,
        delimiter: str = "COMMA",
        line_ending: str = "LF",
    ) -> None:
        self.columns, self.rows, self.cache = columns, rows, cache
        self.delimiter, self.line_ending = DELIMITERS[delimiter], LINE_ENDINGS[line_ending]

    def page(self, start: int, end: int, *, is_gzipped: bool = False, before: Sequence[Row] = ()) -> Iterator[bytes]:
        """A header row, the rows `before` and the rows [start, end), block by block; compressed, each block is a gzip
        member.
        """
        header = self._render([[column.name for column in self.columns]]) + self._rendered(before)
        yield gzip.compress(header, _GZIP_LEVEL) if is_gzipped else header
        at = start
        while at < end:
            block = at // BLOCK_ROWS
            first, after = block * BLOCK_ROWS, min((block + 1) * BLOCK_ROWS, len(self.rows))
            stop = min(after, end)
            if (at, stop) == (first, after):
                yield self._whole_block(block, first, after, is_gzipped)
            else:
                rendered = self._rows(at, stop)
                yield gzip.compress(rendered, _GZIP_LEVEL) if is_gzipped else rendered
            at = stop

    def _whole_block(self, block: int, first: int, after: int, is_gzipped: bool) -> bytes:
        key = (id(self.rows), self.delimiter, self.line_ending, block, is_gzipped)
        rendered = self.cache.get(key)
        if rendered is None:
            rendered = self._rows(first, after)
            if is_gzipped:
                rendered = gzip.compress(rendered, _GZIP_LEVEL)
            self.cache.put(key, rendered, self.rows)
        return rendered

    def _rows(self, start: int, end: int) -> bytes:
        return self._rendered(self.rows[start:end])

    def _rendered(self, part: Sequence[Row]) -> bytes:
        if not part:
            return b""
        cells = [_cells(column, part) for column in self.columns]
        if self.line_ending != "\n":  # Arrow ends its lines in LF only
            return self._render(zip(*(column.cast(pa.string()).to_pylist() for column in cells), strict=True))
        table = pa.table(cells, names=[column.name for column in self.columns])
        sink = pa.BufferOutputStream()
        form = arrow_csv.WriteOptions(include_header=False, delimiter=self.delimiter, quoting_style="all_valid")
        arrow_csv.write_csv(table, sink, form)
        return bytes(sink.getvalue())

    def _render(self, lines: Iterable[Iterable[Any]]) -> bytes:
        buffer = io.StringIO()
        csv.writer(buffer, delimiter=self.delimiter, lineterminator=self.line_ending, quoting=csv.QUOTE_ALL).writerows(
            lines
        )
        return buffer.getvalue().encode()


_ARROW_TYPES = {
    "boolean": pa.bool_(), "date": pa.date32(), "datetime": pa.timestamp("ms"), "int": pa.int64(),
    "currency": pa.float64(), "double": pa.float64(), "percent": pa.float64(),
}  # fmt: skip


def _cells(column: ResolvedField, rows: Sequence[Row]) -> pa.Array:
    """One column as Arrow writes it; NULL is nothing at all."""
    read, name = column.read, column.field.name
    values = [read(row) for row in rows] if column.relationships else [row.get(name) for row in rows]
    kind = _ARROW_TYPES.get(column.field.type, pa.string())
    try:
        cells = pa.array(values, kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # given data may not be what its field declares
        return pa.array([None if value is None else str(value) for value in values], pa.string())
    if pa.types.is_timestamp(kind):
        return pc.binary_join_element_wise(pc.replace_substring(cells.cast(pa.string()), " ", "T"), "Z", "")
    if pa.types.is_floating(kind):  # the vendor writes 3.0
        return pc.replace_substring_regex(cells.cast(pa.string()), r"^(-?\d+)$", r"\1.0")
    return cells
