"""A key that comes more than once in one run: counted, and decided by a rule, never by chance.

Rows of equal content are one. Of versions the newest counts, by the stream's version field. Where that does not tell,
the later page counts if pages come in the order of time (`StreamSchema.later_wins`), and no row does otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from crmlift.warehouse.incoming import Incoming
from crmlift.warehouse.raw_table import RawTable
from crmlift.warehouse.set_aside import refuse
from crmlift.warehouse.store import literal, quoted

UNDECIDED = "key is repeated with different content"


@dataclass(frozen=True)
class Repeats:
    """Rows that another one of their key stands for, and rows refused because nobody knows which of them counts."""

    rows_repeated: int = 0
    rows_refused: int = 0


def settle_repeats(connection: duckdb.DuckDBPyConnection, table: RawTable, incoming: Incoming) -> Repeats:
    """Leave one row of each key in `incoming`, or none."""
    key = ", ".join(table.key)
    connection.execute(
        f"create or replace temp table repeated as select {key} from incoming group by {key} having count(*) > 1"
    )
    if not connection.execute("select 1 from repeated limit 1").fetchone():
        return Repeats()
    _rank(connection, table)
    _note(connection, table, incoming)
    connection.execute(
        f"create or replace temp table refused as select n.*, null::varchar as _field, {literal(UNDECIDED)} as _reason "
        "from incoming n inner join rival r on r._seq = n._seq where r._taken = 'none'"
    )
    refused = refuse(connection, table, incoming)
    left = connection.execute(
        "delete from incoming where _seq in (select _seq from rival where _taken <> 'none' and _place > 1)"
    ).fetchone()
    return Repeats(int(left[0]) if left else 0, refused)


def _rank(connection: duckdb.DuckDBPyConnection, table: RawTable) -> None:
    """Temp table `rival`: the repeated rows by key from the newest on (_place), and by what the first is taken."""
    stream, key = table.stream, ", ".join(table.key)
    content = ", ".join([*(quoted(f.name) for f in stream.fields if not f.is_origin), "_deleted", "_unread"])
    unknown = f"list_contains(_unread, {literal(stream.version_field)})" if stream.version_field else "false"
    tie = "'later page'" if stream.later_wins else "'none'"
    connection.execute(
        "create or replace temp table rival as with ranked as ("
        f"select {key}, _seq, {table.record} as _record, {table.version} as _version, hash({content}) as _content, "
        # nobody knows how old a row is whose version cannot be read: it is refused in the end, so it goes first
        f"row_number() over (partition by {key} order by {unknown} desc, {table.version} desc nulls last, _seq desc) "
        f"as _place from incoming semi join repeated using ({key})), "
        f"judged as (select *, count(distinct _content) over of_key as _contents, "
        f"first(_content) over of_key_in_order as _newest, first(_version) over of_key_in_order as _newest_version "
        f"from ranked window of_key as (partition by {key}), "
        f"of_key_in_order as (partition by {key} order by _place)) "
        "select *, case when _contents = 1 then 'equal' "
        "when bool_or(_content <> _newest and not coalesce(_version < _newest_version, false)) "
        f"over (partition by {key}) then {tie} else 'newest version' end as _taken from judged"
    )


def _note(connection: duckdb.DuckDBPyConnection, table: RawTable, incoming: Incoming) -> None:
    """Tell the keys whose rows differ, with what decided; equal rows are only counted."""
    connection.execute(
        "insert into ops.repeated_key by name select _source_id as source_id, $stream as stream, _record as record_id, "
        "count(*) as row_count, _taken as taken, $manifest as manifest, $run as run_id, now() as found_at "
        "from rival where _taken <> 'equal' group by all",
        {"stream": table.stream.stream, "manifest": incoming.name, "run": incoming.run_id},
    )
