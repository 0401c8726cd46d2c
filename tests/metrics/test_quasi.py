"""Counts and shares in sparse slots: the quasi-likelihood fit, and series with weeks without any record."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm

from metrics import quasi
from metrics.question import Question
from metrics.verdict import judge
from tests.metrics.worlds import START


@pytest.fixture(name="made")
def _made() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    x = np.column_stack([np.ones(60), np.arange(60) >= 40]).astype(float)
    den = rng.integers(3, 30, 60).astype(float)
    num = rng.binomial(den.astype(int), np.where(x[:, 1] > 0, 0.3, 0.15)).astype(float)
    return num, den, x


@pytest.mark.filterwarnings("ignore:The Log link function")
@pytest.mark.parametrize("is_share", [False, True])
def test_the_working_response_regresses_to_the_generalised_linear_model(
    made: tuple[np.ndarray, np.ndarray, np.ndarray], is_share: bool
) -> None:
    num, den, x = made
    found = quasi.working(num, den, x, is_share)
    assert found is not None
    response, weight = found
    assert weight.mean() == pytest.approx(1)
    slope = np.linalg.solve(x.T @ (x * weight[:, None]), x.T @ (weight * response))
    if is_share:
        family = sm.families.Binomial(link=sm.families.links.Log())
        oracle = sm.GLM(np.column_stack([num, den - num]), x, family=family).fit()
    else:
        oracle = sm.GLM(num, x, family=sm.families.Poisson(), offset=np.log(den)).fit()
    assert slope == pytest.approx(oracle.params, abs=1e-6)


def test_nothing_counted_has_no_fit(made: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    num, den, x = made
    assert quasi.working(0 * num, den, x, False) is None


def rare(effect: float, seed: int, kind: str = "count") -> Question:
    """Nine records a week; for shares twelve, of which a tenth succeed, so that many weeks see none."""
    rng = np.random.default_rng(seed)
    weeks = np.arange(156)
    counts = rng.poisson(
        9 * np.where(weeks >= 100, 1 + effect, 1.0) * (weeks % 9 > 0) if kind == "count" else np.full(156, 12.0)
    )
    week = np.repeat(weeks, counts)
    num = np.ones(len(week))
    if kind == "proportion":
        num = (rng.random(len(week)) < 0.1 * np.where(week >= 100, 1 + effect, 1.0)).astype(float)
    return Question(
        kind=kind, better="higher", at=(START + 7 * week + rng.integers(0, 7, len(week))).astype("datetime64[s]"),
        unit=np.zeros(len(week), np.int64), num=num, den=np.ones(len(week)), observed=np.ones(len(week), bool),
        go_live=np.array([START + 700]), as_of=START + 7 * 156, alpha_policy="single",
    )  # type: ignore[arg-type]  # fmt: skip


@pytest.mark.parametrize(("kind", "name"), [("count", "quasi-Poisson"), ("proportion", "quasi-binomial")])
def test_weeks_without_a_record_are_no_hindrance(kind: str, name: str) -> None:
    found = judge(rare(1.0, 3, kind))
    assert (found.verdict, found.diagnostics["likelihood"], found.diagnostics["scale"]) == ("improved", name, "log")
    assert found.effect_rel_ci_low is not None
    assert found.effect_rel_ci_low < 1.0 < (found.effect_rel_ci_high or 0)
    assert judge(rare(0.0, 4, kind)).verdict == "inconclusive"


def test_a_share_above_one_is_no_share() -> None:
    asked = rare(0.0, 5, "proportion")
    assert judge(replace(asked, num=asked.num * 30)).diagnostics["likelihood"] == "normal"
