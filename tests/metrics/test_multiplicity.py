"""Benjamini–Hochberg over goals, and what it does to verdicts."""

from __future__ import annotations

import numpy as np
import pytest

from metrics.multiplicity import benjamini_hochberg, correct
from metrics.question import Verdict


def verdict(p: float, word: str = "improved", reason: str | None = None) -> Verdict:
    """A ratio effect of +10 % whose 95 % interval is +1 % to +20 %."""
    return Verdict(
        method="imputation_ratio", look="single", verdict=word, reason=reason, p_value=p, pre_value=100.0,  # type: ignore[arg-type]
        post_value=110.0, counterfactual_value=100.0, effect=10.0, effect_rel=0.1,
        effect_ci_low=1.0, effect_ci_high=18.0, effect_rel_ci_low=0.01, effect_rel_ci_high=0.2,
        diagnostics={"alpha": 0.05, "theta": np.log(1.1), "theta_low": np.log(1.01), "theta_high": np.log(1.2),
                     "theta_df": 20.0, "is_multiplicative": True},
    )  # fmt: skip


def test_q_values_agree_with_statsmodels() -> None:
    from statsmodels.stats.multitest import multipletests

    p = np.array([0.001, 0.2, 0.03, 0.012, 0.9, 0.03])
    assert benjamini_hochberg(p) == pytest.approx(multipletests(p, method="fdr_bh")[1])


def test_a_lone_weak_finding_among_many_is_withdrawn_and_its_interval_holds_zero() -> None:
    others = [verdict(p, "inconclusive", "too_noisy") for p in (0.3, 0.5, 0.7, 0.9)]
    out = correct([verdict(0.03), *others], [True] * 5)
    assert (out[0].verdict, out[0].reason) == ("inconclusive", "too_noisy")
    assert out[0].q_value == pytest.approx(0.15)
    assert out[0].effect_rel_ci_low is not None
    assert out[0].effect_rel_ci_low < 0 < 0.2 < (out[0].effect_rel_ci_high or 0)
    assert out[0].effect_ci_low is not None
    assert out[0].effect_ci_low < 0
    assert "5 goals" in out[0].caveats[0]


def test_strong_findings_stand() -> None:
    out = correct([verdict(0.001), verdict(0.004), verdict(0.6, "inconclusive", "too_noisy")], [True] * 3)
    assert [each.verdict for each in out] == ["improved", "improved", "inconclusive"]


def test_only_goals_are_corrected_and_what_was_not_judged_does_not_count() -> None:
    lacking = verdict(0.5, "inconclusive", "not_enough_data")
    barred = verdict(0.5, "not_comparable", "placebo")
    out = correct([verdict(0.03), lacking, barred, verdict(0.04)], [True, True, True, False])
    assert out[0].q_value == pytest.approx(0.03)
    assert [each.q_value for each in out[1:]] == [None, None, None]
    assert out[3].verdict == "improved"


def test_nothing_to_correct() -> None:
    assert correct([], []) == []
