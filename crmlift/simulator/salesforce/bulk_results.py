"""Result rows of a Bulk query as CSV, rendered in blocks once and kept."""

from __future__ import annotations

import csv
import io
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from threading import Lock

from crmlift.simulator.salesforce.records import csv_column
from crmlift.simulator.salesforce.soql_fields import ResolvedField
from crmlift.simulator.served import Row

DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t", "CARET": "^", "BACKQUOTE": "`"}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
BLOCK_ROWS = 2_000


class BlockCache:
    """Rendered blocks of all jobs, the least used given up beyond a number of bytes."""

    def __init__(self, most_bytes: int = 1 << 30) -> None:
        self.most_bytes, self.used = most_bytes, 0
        self._blocks: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._lock = Lock()

    def get(self, key: tuple[str, int]) -> bytes | None:
        """A block, if still there."""
        with self._lock:
            block = self._blocks.get(key)
            if block is not None:
                self._blocks.move_to_end(key)
            return block

    def put(self, key: tuple[str, int], block: bytes) -> None:
        """Keep a block."""
        with self._lock:
            if key not in self._blocks:
                self._blocks[key] = block
                self.used += len(block)
            while self.used > self.most_bytes and len(self._blocks) > 1:
                self.used -= len(self._blocks.popitem(last=False)[1])

    def drop(self, job_id: str) -> None:
        """Forget a job's blocks."""
        with self._lock:
            for key in [key for key in self._blocks if key[0] == job_id]:
                self.used -= len(self._blocks.pop(key))


class CsvResult:
    """The rows of one job in its CSV dialect; every field is quoted, as Bulk 2.0 does."""

    def __init__(
        self,
        job_id: str,
        columns: Sequence[ResolvedField],
        rows: Sequence[Row],
        cache: BlockCache,
        delimiter: str = "COMMA",
        line_ending: str = "LF",
    ) -> None:
        self.job_id, self.columns, self.rows, self.cache = job_id, columns, rows, cache
        self.delimiter, self.line_ending = DELIMITERS[delimiter], LINE_ENDINGS[line_ending]

    def page(self, start: int, end: int) -> Iterator[bytes]:
        """A header row and the rows [start, end), block by block."""
        yield self._render([[column.name for column in self.columns]])
        at = start
        while at < end:
            block = at // BLOCK_ROWS
            first, after = block * BLOCK_ROWS, min((block + 1) * BLOCK_ROWS, len(self.rows))
            stop = min(after, end)
            if (at, stop) == (first, after):
                yield self._whole_block(block, first, after)
            else:
                yield self._rows(at, stop)
            at = stop

    def _whole_block(self, block: int, first: int, after: int) -> bytes:
        key = (self.job_id, block)
        rendered = self.cache.get(key)
        if rendered is None:
            rendered = self._rows(first, after)
            self.cache.put(key, rendered)
        return rendered

    def _rows(self, start: int, end: int) -> bytes:
        part = self.rows[start:end]
        cells = [csv_column(column, part) for column in self.columns]
        return self._render(zip(*cells, strict=True))

    def _render(self, lines: object) -> bytes:
        buffer = io.StringIO()
        writer = csv.writer(buffer, delimiter=self.delimiter, lineterminator=self.line_ending, quoting=csv.QUOTE_ALL)
        writer.writerows(lines)  # type: ignore[arg-type]
        return buffer.getvalue().encode()
