"""SQL of a KPI's units: local day and the segments the engine knows; their sums by day and clusters."""

from __future__ import annotations

from collections.abc import Mapping

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
WHO = ("team", "region", "wave")
OUTCOMES = ("size_band", "tenure_band", "canonical_stage")
"""Segments that a rollout moves itself: the evaluation must not hold them constant."""
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


def exact_sum(term: str) -> str:
    """SQL: the sum of a term, the same in whatever order rows come; of decimals, which unlike floats add up exactly.

    Products have more digits before the point and need fewer behind it.
    """
    scale = 8 if "*" in term else 12
    return f"sum(cast({term} as decimal(38, {scale})))"


BOTH = f"cast({exact_sum('u.num')} as double), cast({exact_sum('u.den')} as double)"
SUMS = ("num", "den", "num * num", "den * den", "num * den")


def prepared(kpi: Kpi) -> str:
    """The KPI's units with local day and the segments the engine knows; units without a value are unknown, not zero."""
    columns = set(kpi.columns)
    account = "u.account_id" if "account_id" in columns else "cast(null as varchar)"
    source = "u.source_id" if "source_id" in columns else "'all'"
    cause = "cast(u.cause as varchar)" if "cause" in columns else "cast(null as varchar)"
    size = SIZE_BAND if "amount_base" in columns else "cast(null as varchar)"
    tenure = TENURE_BAND if "provisioned_at" in columns else "cast(null as varchar)"
    cluster = {
        "unit": "split_part(u.unit_id, '|', 1)", "owner": "coalesce(u.owner_id, split_part(u.unit_id, '|', 1))",
        "account": f"coalesce({account}, split_part(u.unit_id, '|', 1))",
    }[kpi.definition.cluster]  # fmt: skip
    own = "".join(f", cast(u.{quoted(s)} as varchar) as {quoted(s)}" for s in kpi.own_segments)
    return (
        f"with u as ({kpi.sql}) "
        "select cast(u.unit_id as varchar) as unit_id, u.event_at, "
        "cast(timezone($timezone, u.event_at) as date) as day, u.owner_id, u.team_id, "
        f"{source} as source_id, cast(u.num as double) as num, cast(u.den as double) as den, u.observed, "
        "coalesce(a.region, t.region) as region, a.segment as account_segment, a.industry, "
        f"coalesce(wt.wave_id, wr.wave_id, wu.wave_id) as wave_id, {cause} as cause, {size} as size_band, "
        f"{tenure} as tenure_band, {cluster} as cluster{own} from u "
        f"left join core.account as a on a.account_id = {account} "
        "left join core.team as t on t.team_id = u.team_id "
        "left join wave_member as wt on wt.scope_type = 'team' and wt.scope_value = u.team_id "
        "left join wave_member as wr "
        "on wr.scope_type = 'region' and wr.scope_value = coalesce(a.region, t.region) "
        "left join wave_member as wu on wu.scope_type = 'user' and wu.scope_value = u.owner_id "
        "where u.event_at < $as_of and u.num is not null and u.den is not null and u.observed is not null"
    )


def segments_with_values(connection: duckdb.DuckDBPyConnection, kpi: Kpi) -> dict[str, str]:
    """Segment → column, of those this KPI is split by for which any unit has a value."""
    wanted = {s: ENGINE_COLUMNS.get(s, s) for s in kpi.definition.segments if s != "all"}
    if not wanted:
        return {}
    counts = ", ".join(f"count({quoted(column)})" for column in wanted.values())
    found = connection.execute(f"select {counts} from unit").fetchone() or ()
    return {s: column for (s, column), count in zip(wanted.items(), found, strict=True) if count}


def segments_map(segments: Mapping[str, str]) -> str:
    """SQL: segment → value of a unit; without those that say who works on it, which the evaluation has by itself."""
    kept = {segment: column for segment, column in segments.items() if segment not in (*WHO, *OUTCOMES)}
    names = ", ".join(literal(segment) for segment in kept)
    values = ", ".join(f"coalesce({quoted(column)}, 'unknown')" for column in kept.values())
    return f"map([{names}]::varchar[], [{values}]::varchar[])"


def cells(segments: Mapping[str, str]) -> str:
    """SQL: sums by day and segment value. Sources are told apart for everybody together only."""
    columns = ["source_id", *segments.values()]
    sets = ", ".join(["(day)", *(f"(day, {quoted(c)})" for c in columns)])
    dim, value = _place(segments)
    return (
        f"insert into metrics.kpi_cell select $kpi, day, {dim}, {value}, "
        "case when grouping(source_id) = 0 then source_id else 'all' end, "
        "count(*) filter (where observed), count(*) filter (where not observed), "
        + ", ".join(f"{exact_sum(term)} filter (where observed)" for term in SUMS)
        + ", max(num) filter (where observed)"
        + f" from unit where day is not null group by grouping sets ({sets}) "
        "having grouping(source_id) = 1 or source_id <> 'all'"
    )


def clusters(segments: Mapping[str, str]) -> str:
    """SQL: what a ratio's clustered variance needs, by period and segment: squares and products of the clusters' sums.

    Weeks for everybody, teams and waves only.
    """
    short = {segment: column for segment, column in segments.items() if segment in ("team", "wave")}
    long = {segment: column for segment, column in segments.items() if segment not in short}
    parts = [
        f"select p.period_key, 'all', 'all', 'all', {BOTH} from unit as u "
        "inner join core.calendar as p on p.day = u.day where u.observed and p.period_grain <> 'day' "
        "group by p.period_key, u.cluster",
        _cluster_sums(short, "'week', 'month', 'quarter', 'year'", with_sources=True),
    ]
    if long:
        parts.append(_cluster_sums(long, "'month', 'quarter', 'year'", with_sources=False))
    return (
        "insert into metrics.kpi_cluster select $kpi, period_key, segment_dim, segment_value, source_id, count(*), "
        f"{exact_sum('num * num')}, {exact_sum('den * den')}, {exact_sum('num * den')} from "
        f"({' union all '.join(parts)}) as c(period_key, segment_dim, segment_value, source_id, num, den) group by all"
    )


def _cluster_sums(segments: Mapping[str, str], grains: str, *, with_sources: bool) -> str:
    columns = [*segments.values(), *(["source_id"] if with_sources else [])]
    sets = ", ".join(f"(p.period_key, u.cluster, {quoted(c)})" for c in columns)
    dim, value = _place(segments)
    source = "'all'" if not with_sources else "case when grouping(source_id) = 0 then source_id else 'all' end"
    having = "" if not with_sources else " having grouping(source_id) = 1 or source_id <> 'all'"
    return (
        f"select p.period_key, {dim}, {value}, {source}, {BOTH} "
        "from unit as u inner join core.calendar as p on p.day = u.day "
        f"where u.observed and p.period_grain in ({grains}) group by grouping sets ({sets}){having}"
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
