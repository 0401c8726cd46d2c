"""SQL of a KPI's units: local day and the segments the engine knows; their sums by day and clusters."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import duckdb

from crmlift.registry import Kpi
from crmlift.warehouse.store import literal, quoted

ENGINE_COLUMNS = {
    "team": "team_id",
    "region": "region",
    "wave": "wave_id",
    "account_segment": "account_segment",
    "industry": "industry",
    "size_band": "size_band",
    "tenure_band": "tenure_band",
}
"""Segments the engine knows → their column among the prepared units."""
REGION = "coalesce(a.region, t.region)"
WHO = ("team", "region", "wave")
SUMS = (("num",), ("den",), ("num", "num"), ("den", "den"), ("num", "den"))
"""What is summed by day: products of these columns."""
OUTCOMES = ("size_band", "tenure_band", "canonical_stage")
"""Segments that a rollout moves itself: the evaluation must not hold them constant."""
LOCAL_DAY = (
    "case when h.half_day is null then cast(timezone($timezone, u.event_at) as date) "
    "when epoch_us(u.event_at) >= h.turn_us then h.later_day else h.day end"
)
"""As core.half_day tells, or the time zone itself."""
SIZE_BAND = (
    "case when u.amount_base < 1e3 then '1: under 1k' when u.amount_base < 1e4 then '2: 1k to 10k' "
    "when u.amount_base < 1e5 then '3: 10k to 100k' when u.amount_base < 1e6 then '4: 100k to 1m' "
    "when u.amount_base >= 1e6 then '5: 1m and more' end"
)
"""By order of magnitude, so that the bands stay what they are while a company grows."""
TENURE_BAND = (
    "case when u.event_at < u.provisioned_at + interval 3 month then '1: first 3 months' "
    "when u.event_at < u.provisioned_at + interval 12 month then '2: 3 to 12 months' "
    "when u.provisioned_at is not null then '3: a year and more' end"
)


def exact_sum(term: str, most: float = 0.0, only: str = "") -> str:
    """SQL: the sum of a term, the same in whatever order rows come; of decimals, which unlike floats add up exactly.

    Products have more digits before the point and need fewer behind it. most: what the sum cannot exceed; terms whose
    sum would not fit (squares of amounts of 18 digits) are divided by a power of two first, which changes no digit.
    only: a filter.
    """
    scale = 8 if "*" in term else 12
    doublings = math.ceil(math.log2(max(most / 10 ** (37 - scale), 1.0)))
    if not doublings:
        return f"sum(cast({term} as decimal(38, {scale}))) {only}".rstrip()
    by = f"{2.0**doublings!r}::double"
    return f"(sum(cast(({term}) / {by} as decimal(38, {scale}))) {only} * {by})"


@dataclass(frozen=True)
class UnitFacts:
    """What sums of a KPI's units can be made of, the same as of decimals and cheaper.

    A column is `one` (always 1), `flag` (0 or 1), `whole` (small whole numbers) or `any`. segments: segment → column,
    of those the KPI is split by for which any unit has a value. most: the largest num or den; units: how many.
    """

    segments: Mapping[str, str]
    num: str
    den: str
    most: float = 0.0
    units: int = 0

    @property
    def most_squared(self) -> float:
        """What no sum of squares of clusters can exceed."""
        return (self.most * self.units) ** 2

    def sum_of(self, *factors: str) -> str:
        """SQL: the sum of a product of num and den over observed units."""
        kinds = {"num": self.num, "den": self.den}
        left = [factor for factor in factors if kinds[factor] != "one"]
        if len(left) == 2 and left[0] == left[1] and kinds[left[0]] == "flag":
            left = left[:1]
        if not left:
            return "nullif(count(*) filter (where observed), 0)"
        if any(kinds[factor] == "any" for factor in left):
            return exact_sum(" * ".join(left), self.most ** len(left) * self.units, "filter (where observed)")
        return f"sum({' * '.join(f'cast({factor} as bigint)' for factor in left)}) filter (where observed)"


def prepared(kpi: Kpi, segments: Collection[str], scopes: Collection[str]) -> str:
    """The KPI's units with local day and segments; units without a value are unknown, not zero.

    segments: those anybody asks for, the others are NULL. scopes: kinds of members the waves have.
    """
    columns = set(kpi.columns)
    account = "u.account_id" if "account_id" in columns else "cast(null as varchar)"
    source = "u.source_id" if "source_id" in columns else "'all'"
    told = {name: how for name, how in _engine_segments(columns, scopes).items() if name in segments}
    needed = {alias for _, aliases in told.values() for alias in aliases}
    made = "".join(
        f", cast({told[segment][0] if segment in told else 'null'} as varchar) as {column}"
        for segment, column in ENGINE_COLUMNS.items()
        if segment != "team"
    )
    own = "".join(f", cast(u.{quoted(s)} as varchar) as {quoted(s)}" for s in kpi.own_segments)
    return (
        f"with u as ({kpi.sql}) "
        "select cast(u.unit_id as varchar) as unit_id, u.event_at, "
        f"{LOCAL_DAY} as day, u.owner_id, u.team_id, "
        f"{source} as source_id, cast(u.num as double) as num, cast(u.den as double) as den, u.observed, "
        f"cast({'u.cause' if 'cause' in columns else 'null'} as varchar) as cause, "
        f"{_cluster(kpi, account)} as cluster{made}{own} from u "
        + "".join(join for alias, join in _joins(account).items() if alias in needed | {"h"})
        + "where u.event_at < $as_of and u.num is not null and u.den is not null and u.observed is not null"
    )


def _cluster(kpi: Kpi, account: str) -> str:
    """SQL: what a unit of a ratio hangs together with; itself where that is unknown."""
    if kpi.definition.stat_type != "ratio":
        return "cast(null as varchar)"
    of = {"unit": "null", "owner": "u.owner_id", "account": account}[kpi.definition.cluster]
    return f"coalesce({of}, split_part(u.unit_id, '|', 1))"


def _engine_segments(columns: Collection[str], scopes: Collection[str]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Segment → its SQL and the aliases it needs, of those that the columns of a KPI allow."""
    found = {
        "region": (REGION, ("a", "t")),
        "account_segment": ("a.segment", ("a",)),
        "industry": ("a.industry", ("a",)),
    }
    by_scope = {"team": ("wt",), "region": ("t", "wr"), "segment": ("t", "ws"), "user": ("wu",)}
    if used := [aliases for scope, aliases in by_scope.items() if scope in scopes]:
        waves = ", ".join(f"{aliases[-1]}.wave_id" for aliases in used)
        found["wave"] = (f"coalesce({waves}, null)", tuple(alias for aliases in used for alias in aliases))
    if "amount_base" in columns:
        found["size_band"] = (SIZE_BAND, ())
    if "provisioned_at" in columns:
        found["tenure_band"] = (TENURE_BAND, ())
    return found


def _joins(account: str) -> dict[str, str]:
    """What is looked up for each unit: alias → join, in the order they build on each other."""
    return {
        "h": "left join core.half_day as h on h.half_day = epoch_us(u.event_at) // 43200000000 ",
        "a": f"left join core.account as a on a.account_id = {account} ",
        "t": "left join core.team as t on t.team_id = u.team_id ",
        "wt": "left join wave_member as wt on wt.scope_type = 'team' and wt.scope_value = u.team_id ",
        "wr": "left join wave_member as wr on wr.scope_type = 'region' and wr.scope_value = t.region ",
        "ws": "left join wave_member as ws on ws.scope_type = 'segment' and ws.scope_value = t.segment ",
        "wu": "left join wave_member as wu on wu.scope_type = 'user' and wu.scope_value = u.owner_id ",
    }


def unit_facts(connection: duckdb.DuckDBPyConnection, kpi: Kpi) -> UnitFacts:
    """What the table `unit` holds."""
    wanted = {s: ENGINE_COLUMNS.get(s, s) for s in kpi.definition.segments if s != "all"}
    kinds = ", ".join(
        f"case when bool_and({c} = 1) then 'one' when bool_and({c} in (0, 1)) then 'flag' "
        f"when bool_and({c} = trunc({c}) and abs({c}) < 2e9) then 'whole' else 'any' end"
        for c in ("num", "den")
    )
    counts = "".join(f", count({quoted(column)})" for column in wanted.values())
    found = connection.execute(
        f"select {kinds}, coalesce(greatest(max(abs(num)), max(abs(den))), 0), count(*){counts} from unit"
    ).fetchone() or ("any", "any", 0.0, 0)
    kept = {s: column for (s, column), count in zip(wanted.items(), found[4:], strict=True) if count}
    return UnitFacts(kept, *found[:4])


def judged_segments(kpi: Kpi, segments: Mapping[str, str]) -> dict[str, str]:
    """The segments the evaluation asks about; without those that say who works on it, which it has by itself."""
    if kpi.definition.no_effect not in (None, "on_goal_only"):
        return {}
    return {segment: column for segment, column in segments.items() if segment not in (*WHO, *OUTCOMES)}


def segment_sets(segments: Mapping[str, str]) -> str:
    """SQL: the table `segment_set`, one row for each set of segments that occurs together among the units."""
    columns = ", ".join(quoted(column) for column in segments.values())
    names = ", ".join(literal(segment) for segment in segments)
    values = ", ".join(f"coalesce({quoted(column)}, 'unknown')" for column in segments.values())
    return (
        f"create or replace temp table segment_set as select {columns}, map([{names}], [{values}]) as segments, "
        f"cast(row_number() over (order by {columns}) as integer) as segment_set "
        f"from (select distinct {columns} from unit)"
    )


def cells(facts: UnitFacts) -> str:
    """SQL: sums by day and segment value. Sources are told apart for everybody together only."""
    columns = ["source_id", *facts.segments.values()]
    sets = ", ".join(["(day)", *(f"(day, {quoted(c)})" for c in columns)])
    dim, value = _place(facts.segments)
    return (
        f"insert into metrics.kpi_cell select $kpi, day, {dim}, {value}, "
        "case when grouping(source_id) = 0 then source_id else 'all' end, "
        "count(*) filter (where observed), count(*) filter (where not observed), "
        + ", ".join(facts.sum_of(*factors) for factors in SUMS)
        + ", max(num) filter (where observed)"
        + f" from unit where day is not null group by grouping sets ({sets}) "
        "having grouping(source_id) = 1 or source_id <> 'all'"
    )


def clusters(facts: UnitFacts) -> str:
    """SQL: what a ratio's clustered variance needs, by period and segment: squares and products of the clusters' sums.

    Weeks for everybody, teams and waves only. Quarters and years add up months.
    """
    short = {segment: column for segment, column in facts.segments.items() if segment in ("team", "wave")}
    cell = "period_key, segment_dim, segment_value, source_id"
    return (
        "insert into metrics.kpi_cluster with "
        f"month as materialized ({_cluster_sums(facts, facts.segments, 'month')}), "
        "later as (select distinct m.period_key as month_key, p.period_key from core.calendar as m "
        "inner join core.calendar as p on p.day = m.day and p.period_grain in ('quarter', 'year') "
        "where m.period_grain = 'month' and m.day = m.period_start), "
        f"summed as ({_cluster_sums(facts, short, 'week')} union all from month union all "
        "select l.period_key, m.segment_dim, m.segment_value, m.source_id, m.cluster, sum(m.num), sum(m.den) "
        "from month as m inner join later as l on l.month_key = m.period_key group by all), "
        f"placed as (select {cell}, cast(num as double) as num, cast(den as double) as den from summed) "
        f"select $kpi, {cell}, count(*), "
        + ", ".join(exact_sum(f"{one} * {other}", facts.most_squared) for one, other in SUMS[2:])
        + f" from placed group by {cell}"
    )


def _cluster_sums(facts: UnitFacts, segments: Mapping[str, str], grain: str) -> str:
    columns = [*segments.values(), "source_id"]
    sets = ", ".join(["(period_key, cluster)", *(f"(period_key, cluster, {quoted(c)})" for c in columns)])
    dim, value = _place(segments)
    return (
        f"select period_key, {dim} as segment_dim, {value} as segment_value, "
        "case when grouping(source_id) = 0 then source_id else 'all' end as source_id, cluster, "
        f"{facts.sum_of('num')} as num, {facts.sum_of('den')} as den "
        f"from unit as u inner join core.calendar as p on p.day = u.day and p.period_grain = '{grain}' "
        f"where observed group by grouping sets ({sets}) having grouping(source_id) = 1 or source_id <> 'all'"
    )


def _place(segments: Mapping[str, str]) -> tuple[str, str]:
    """SQL: the segmentation and the segment a grouping set is of."""
    if not segments:
        return "'all'", "'all'"
    dims = " ".join(f"when grouping({quoted(c)}) = 0 then '{s}'" for s, c in segments.items())
    values = " ".join(
        f"when grouping({quoted(c)}) = 0 then coalesce({quoted(c)}, 'unknown')" for c in segments.values()
    )
    return f"case {dims} else 'all' end", f"case {values} else 'all' end"
