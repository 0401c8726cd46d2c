"""The newest value of every KPI: what a report holds while no rollout is declared, and nothing can be judged."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from crmlift.report.catalogue import Texts
from crmlift.report.numbers import UNKNOWN, day, scale_for
from crmlift.report.reading import kpis

NEWEST = """
select v.kpi_id, v.period_grain, v.period_start, v.value, v.ci_low, v.ci_high, v.n, v.data_origin, v.status
from metrics.kpi_value as v
where v.segment_dim = 'all' and v.value is not null
    and (v.source_id = 'all' or v.data_origin = 'legacy_aggregate')
    and v.period_grain in ('month', 'quarter', 'year')
qualify row_number() over (
    partition by v.kpi_id
    order by v.is_mature and v.status = 'ok' and v.n > 0 desc, v.is_mature desc, v.period_end desc,
        v.period_grain <> 'month', v.period_grain <> 'quarter', v.source_id
) = 1
"""


@dataclass(frozen=True)
class ValueLine:
    """One KPI in words."""

    kpi: str
    value: str
    interval: str
    n: str
    period: str
    origin: str
    note: str


def newest_values(connection: duckdb.DuckDBPyConnection, texts: Texts) -> list[ValueLine]:
    """Each KPI that has any value, by family: its newest final month, quarter or year."""
    found = {row[0]: row[1:] for row in connection.execute(NEWEST).fetchall()}
    told = connection.execute("select value from config.setting where name = 'base_currency'").fetchone()
    lines = []
    for kpi in kpis(connection):
        if kpi.kpi_id not in found:
            continue
        grain, start, value, low, high, n, origin, status = found[kpi.kpi_id]
        scale = scale_for(kpi.unit or "", (value,), currency=told[0] if told else "EUR", locale=texts.locale)
        has_interval = low is not None and high is not None
        lines.append(
            ValueLine(
                kpi.name(texts.locale),
                scale(value),
                f"{scale(low)} … {scale(high)}" if has_interval else UNKNOWN,
                UNKNOWN if n is None else str(n),
                f"{texts(f'values.grain_{grain}')} {day(start, texts.locale)}",
                texts.or_plain("values.origin", origin),
                "" if status == "ok" else texts.or_plain("values.status", status),
            )
        )
    return lines
