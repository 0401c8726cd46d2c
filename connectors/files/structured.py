"""Files whose cells have types of their own: Parquet and JSON."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from connectors.errors import SourceFailure
from connectors.files.places import FoundFile

Rows = Callable[[], Iterator[Sequence[Any]]]
"""Opens the rows of a table anew."""


def parquet(one: FoundFile) -> tuple[list[str], Rows]:
    """Names and rows of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with one.open() as opened:
        try:
            file = pq.ParquetFile(io.BytesIO(opened.read()))
        except pa.ArrowInvalid as problem:
            raise SourceFailure("This is no Parquet file.", where=one.name, why=str(problem)[:120]) from None

    def rows() -> Iterator[Sequence[Any]]:
        for batch in file.iter_batches(batch_size=20_000):
            yield from zip(*(map(_scalar, column.to_pylist()) for column in batch.columns), strict=True)

    return list(file.schema_arrow.names), rows


def json_records(one: FoundFile) -> tuple[list[str], Rows]:
    """Names and rows of JSON lines, or of one JSON list of objects."""
    with one.open() as opened:
        content = opened.read()
    is_list = content.lstrip()[:1] == b"["
    records = list(_elements(content, one.name) if is_list else _objects(content.splitlines(), one.name))
    names = list(dict.fromkeys(name for record in records for name in record))
    return names, lambda: ([_scalar(record.get(name)) for name in names] for record in records)


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
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, (dict, list)) else value
