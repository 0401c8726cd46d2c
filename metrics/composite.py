"""KPIs made of other KPIs: an expression over their values, and its interval from one joint bootstrap of their units.

The parts of a composite share deals, accounts or people, so their errors hang together. Every replicate weighs each of
them once (Poisson(1), the bootstrap for sums: Hanley and MacGibbon 2006, Computer Methods and Programs in Biomedicine
83(1)) and all parts are computed with the same weights.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from metrics.question import Bools, Floats, Ints

REPLICATES = 100
SEED = 20261123
_OPERATIONS = {ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide}


@dataclass(frozen=True)
class Part:
    """Units of one KPI, once for each cell they count in. cell, cluster: codes from 0. kind: its statistical type.

    is_exact: declared amounts, which every replicate leaves as they are.
    """

    kind: str
    cell: Ints
    cluster: Ints
    num: Floats
    den: Floats
    observed: Bools
    is_exact: bool = False


def evaluated(expr: str, values: Mapping[str, Floats]) -> Floats:
    """The expression (names, numbers, + − × ÷ and brackets) over arrays of one shape; NaN where it is undefined.

    Raises ValueError for anything else in it.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.asarray(_value(ast.parse(expr, mode="eval").body, values), dtype=float)
    return np.where(np.isfinite(found), found, np.nan)


def _value(node: ast.expr, values: Mapping[str, Floats]) -> Floats:
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        return np.asarray(_OPERATIONS[type(node.op)](_value(node.left, values), _value(node.right, values)))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand, values)
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return np.asarray(float(node.value))
    if isinstance(node, ast.Name) and node.id in values:
        return np.asarray(values[node.id])
    raise ValueError(f"a composite may hold names, numbers, + - * / and brackets, not {ast.unparse(node)!r}")


def weights(clusters: int, replicates: int = REPLICATES) -> Floats:
    """How often each cluster is drawn in each replicate; the same for the same number of clusters."""
    return np.random.default_rng(SEED).poisson(1.0, (clusters, replicates)).astype(float)


def replicates(part: Part, drawn: Floats, cells: int) -> Floats:
    """The part's value in every cell (rows) and replicate (columns); NaN where it is unknown."""
    factor = np.ones((len(drawn), drawn.shape[1])) if part.is_exact else drawn
    if part.kind == "duration":
        return _medians(part, factor, cells)
    kept = part.observed
    num = _summed(part.cell[kept], part.cluster[kept], part.num[kept], factor, cells)
    if part.kind in ("sum", "count"):
        return num
    den = _summed(part.cell[kept], part.cluster[kept], part.den[kept], factor, cells)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (100.0 if part.kind == "nps" else 1.0) * num / den


def _summed(cell: Ints, cluster: Ints, amount: Floats, factor: Floats, cells: int) -> Floats:
    found = np.zeros((cells, factor.shape[1]))
    order = np.argsort(cell, kind="stable")
    edges = np.searchsorted(cell[order], np.arange(cells + 1))
    for place in np.unique(cell):
        rows = order[edges[place] : edges[place + 1]]
        found[place] = amount[rows] @ factor[cluster[rows]]
    return found


def _medians(part: Part, factor: Floats, cells: int) -> Floats:
    """Weighted Kaplan–Meier medians; cases censored at the time of an end are still at risk there."""
    found = np.full((cells, factor.shape[1]), np.nan)
    order = np.lexsort((~part.observed, part.num, part.cell))
    cell, edges = part.cell[order], np.searchsorted(part.cell[order], np.arange(cells + 1))
    for place in np.unique(cell):
        rows = order[edges[place] : edges[place + 1]]
        weight = factor[part.cluster[rows]]
        at_risk = np.cumsum(weight[::-1], axis=0)[::-1]
        ends = part.observed[rows]
        with np.errstate(divide="ignore", invalid="ignore"):
            lasting = np.where(at_risk[ends] > 0, 1.0 - weight[ends] / at_risk[ends], 1.0)
        reached = np.cumprod(lasting, axis=0) <= 0.5 + 1e-12
        times = part.num[rows][ends]
        if len(times):
            found[place] = np.where(reached.any(axis=0), times[reached.argmax(axis=0)], np.nan)
    return found


def interval(value: Floats, drawn: Floats) -> tuple[Floats, Floats]:
    """Normal 95 % interval with the replicates' spread, on the log scale where all are positive; NaN where unknown.

    A tenth of the replicates may be undefined (a median not reached); with more there is no interval.
    """
    low, high = np.full(len(value), np.nan), np.full(len(value), np.nan)
    for i, (centre, row) in enumerate(zip(value, drawn, strict=True)):
        kept = row[np.isfinite(row)]
        if not np.isfinite(centre) or len(kept) < 0.9 * len(row):
            continue
        is_positive = centre > 0 and bool((kept > 0).all())
        if is_positive:
            half = 1.959963984540054 * np.log(kept).std(ddof=1)
            low[i], high[i] = centre * np.exp(-half), centre * np.exp(half)
        else:
            half = 1.959963984540054 * kept.std(ddof=1)
            low[i], high[i] = centre - half, centre + half
    return low, high


def joint_interval(
    expr: str, parts: Mapping[str, Part], constants: Mapping[str, float], value: Floats, clusters: int
) -> tuple[Floats, Floats]:
    """The interval of the expression's value in every cell, all parts drawn together."""
    drawn = weights(clusters)
    cells: Sequence[float] = value.tolist()
    made = {name: replicates(part, drawn, len(cells)) for name, part in parts.items()}
    return interval(value, evaluated(expr, {**made, **{k: np.asarray(v) for k, v in constants.items()}}))
