"""Which CRM fits: weighted scores of products, after what each must have, with the doubt about weights and raters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from metrics.estimate import Columns, Estimate
from metrics.question import Floats

DRAWS = 4000
SEED = 20261123


def crm_fit_score(columns: Columns, params: Mapping[str, Any]) -> list[Estimate]:
    """Points from 0 to 100 a product; unknown for one that misses a must-have or a score."""
    if not len(columns["product_id"]):
        return []
    products, criteria = np.unique(columns["product_id"].astype(str)), np.unique(columns["criterion_id"].astype(str))
    mean, error, raters = _scores(columns, products, criteria)
    first = [int(np.flatnonzero(columns["criterion_id"].astype(str) == name)[0]) for name in criteria]
    weight = columns["weight"].astype(float)[first]
    low = np.minimum(np.nan_to_num(columns["weight_low"].astype(float)[first], nan=0.0), weight)
    high = np.maximum(columns["weight_high"].astype(float)[first], weight)
    must = columns["is_must_have"].astype(bool)[first]
    drawn = _drawn(mean, error, low, weight, high)
    estimates = []
    for i, product in enumerate(products):
        missing = criteria[np.isnan(mean[i])]
        failed = criteria[must & (mean[i] < float(params["must_have_share"]))]
        if len(failed) or len(missing):
            what = f"misses the must-have {failed[0]}" if len(failed) else f"has no score for {missing[0]}"
            estimates.append(Estimate("product", str(product), int(raters[i].max()), None, reason=what))
            continue
        value = 100 * float(mean[i] @ weight) / float(weight.sum())
        bounds = np.quantile(drawn[i], [0.05, 0.95])
        n = int(raters[i].min())
        estimates.append(Estimate("product", str(product), n, value, float(bounds[0]), float(bounds[1])))
    return estimates


def _scores(columns: Columns, products: Any, criteria: Any) -> tuple[Floats, Floats, Floats]:
    """Mean share of the scale, its standard error over raters (0 with one rater), and raters: product × criterion."""
    span = (columns["scale_max"] - columns["scale_min"]).astype(float)
    share = (columns["score"].astype(float) - columns["scale_min"].astype(float)) / span
    shape = (len(products), len(criteria))
    mean, error, raters = np.full(shape, np.nan), np.zeros(shape), np.zeros(shape)
    place = (
        np.searchsorted(products, columns["product_id"].astype(str)),
        np.searchsorted(criteria, columns["criterion_id"].astype(str)),
    )
    for i, j in set(zip(*(p.tolist() for p in place), strict=True)):
        rated = share[(place[0] == i) & (place[1] == j)]
        mean[i, j], raters[i, j] = rated.mean(), len(rated)
        error[i, j] = rated.std(ddof=1) / np.sqrt(len(rated)) if len(rated) > 1 else 0.0
    return mean, error, raters


def _drawn(mean: Floats, error: Floats, low: Floats, weight: Floats, high: Floats) -> Floats:
    """Points of each product (rows) in each draw; all products share a draw's weights."""
    rng = np.random.default_rng(SEED)
    spread = np.maximum(high - low, 1e-12)
    weights = rng.triangular(low, np.clip(weight, low, low + spread), low + spread, (DRAWS, len(weight)))
    shares = mean[:, None, :] + error[:, None, :] * rng.standard_normal((len(mean), DRAWS, mean.shape[1]))
    return np.asarray(100 * np.einsum("pdc,dc->pd", np.clip(shares, 0, 1), weights) / weights.sum(axis=1))
