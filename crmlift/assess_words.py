"""A verdict in five lines a sales manager understands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HEADS = {
    "improved": "Improved",
    "worsened": "Worsened",
    "no_material_change": "No change that matters",
    "inconclusive": "Not certain",
    "not_comparable": "Not comparable",
}
WHY = {
    "not_enough_data": "there is not enough data to judge by",
    "too_noisy": "the figures vary too much by themselves to tell",
    "diagnostics_disagree": "the checks contradict each other",
    "provisional": "the first planned look has not been reached",
}
MINUS, NARROW = "−", 0.1


def explain(verdict: Mapping[str, Any]) -> str:
    """Verdict, before and after, the naive claim, how it was judged, and what to bear in mind."""
    lines = [_headline(verdict), _values(verdict), _naive(verdict), _basis(verdict), _mind(verdict)]
    segment = "" if verdict.get("segment_dim") in (None, "all") else f"[{verdict['segment_value']}] "
    return segment + "\n".join(line for line in lines if line)


def read_as_line(read_as: Mapping[str, Any]) -> str:
    """How the file was understood, in one line: rows, dates, marks, what is left out, gaps and direction."""
    rows, used = read_as["rows"], read_as["rows_used"]
    parts = [f"{rows:,} rows ({read_as['rows_are']}) from {read_as['first_date']} to {read_as['last_date']}"]
    numbers = dict.fromkeys(told for told in read_as["numbers"].values() if told)
    parts.append(", ".join(filter(None, [f"dates {read_as['dates']}" if read_as["dates"] else "", *numbers])))
    parts.append(read_as["values"])
    left_out = read_as["left_out"]
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in left_out.items())
    parts.append(f"{sum(left_out.values()):,} rows left out ({reasons})" if left_out else f"all {used:,} used")
    parts.append(read_as["gaps"])
    parts.append(f"complete up to {read_as['as_of']}")
    parts.append(f"{read_as['better']} is better" + ("" if read_as["is_better_said"] else " (--better lower if not)"))
    return "Read as: " + "; ".join(part for part in parts if part) + "."


def _headline(verdict: Mapping[str, Any]) -> str:
    """The word, and the change with its interval."""
    word, reason = str(verdict["verdict"]), verdict.get("reason")
    head, change = HEADS[word], _change(verdict)
    name = verdict.get("kpi_id") or "The figure"
    if word == "not_comparable":
        return f"{head}: before and after cannot be compared for {name}."
    if word == "inconclusive":
        if reason == "too_noisy" and verdict.get("min_important_change") is None and _is_narrow(verdict):
            return f"{head}: {name} {change}, so perhaps not at all. Too small to matter? Add --min-important 0.05."
        return f"{head}: {name} {change or 'could not be estimated'}, but {WHY.get(str(reason), 'it is not certain')}."
    if word == "no_material_change":
        return f"{head}: {name} {change}; nothing beyond ±{_percent(verdict['min_important_change'], plus='')}."
    verb = "beyond what the other units did" if _is_controlled(verdict) else "beyond its own history"
    return f"{head}: {name} {change}, {verb}."


def _is_narrow(verdict: Mapping[str, Any]) -> bool:
    """Whether the interval reaches less than NARROW to either side."""
    ends = verdict.get("effect_rel_ci_low"), verdict.get("effect_rel_ci_high")
    return all(end is not None and abs(end) < NARROW for end in ends)


def _change(verdict: Mapping[str, Any]) -> str:
    """`changed by −21 % (95 % interval −27 % to −14 %)`, in the KPI's own unit where shares mean nothing."""
    level = float(verdict["diagnostics"].get("interval_level") or 0.95)
    is_points = verdict.get("kind") == "nps" or verdict.get("effect_rel") is None
    keys = ("effect", "effect_ci_low", "effect_ci_high")
    if not is_points:
        keys = ("effect_rel", "effect_rel_ci_low", "effect_rel_ci_high")
    point, low, high = (verdict.get(key) for key in keys)
    if point is None:
        return ""
    say = _number if is_points else _percent
    ends = f"{say(low) if low is not None else 'unbounded'} to {say(high) if high is not None else 'unbounded'}"
    return f"changed by {say(point)} ({100 * level:.3g} % interval {ends})"


def _values(verdict: Mapping[str, Any]) -> str:
    """Before, after, and what was to be expected."""
    pre, post, base = (verdict.get(key) for key in ("pre_value", "post_value", "counterfactual_value"))
    if pre is None or post is None or base is None:
        return ""
    per = verdict["diagnostics"].get("value_per")
    unit = f" a {per}" if per else ""
    dates = f" ({verdict['pre_start']} to {verdict['pre_end']})" if verdict.get("pre_start") else ""
    return (
        f"Before{dates} it was {_plain(pre)}{unit}, after it {_plain(post)}; "
        f"without the change we would expect {_plain(base)}."
    )


def _naive(verdict: Mapping[str, Any]) -> str:
    """What a dashboard would claim."""
    naive = verdict["diagnostics"].get("naive_change_rel")
    return "" if naive is None else f"Subtracting the plain averages would claim {_percent(naive)}."


def _basis(verdict: Mapping[str, Any]) -> str:
    """How it was judged, and the smallest change that could have been found."""
    if verdict.get("method") in (None, "none"):
        return ""
    if _is_controlled(verdict):
        known = verdict["diagnostics"]
        basis = f"Judged against the units that had not changed yet ({known.get('teams', '?')} units)."
    else:
        basis = "Judged against its own trend and season; with nothing to compare with, other causes remain possible."
    mde = verdict.get("mde80")
    if verdict["verdict"] != "inconclusive" or mde is None or verdict.get("kind") == "nps":
        return basis
    return basis + f" A change of about {_percent(abs(float(mde)), plus='')} would have been found."


def _mind(verdict: Mapping[str, Any]) -> str:
    """The caveats, the weightiest first."""
    caveats = list(verdict.get("caveats") or [])
    return "Bear in mind: " + " ".join(caveats[:3]) if caveats else ""


def _is_controlled(verdict: Mapping[str, Any]) -> bool:
    return str(verdict.get("method", "")).startswith(("imputation", "synthetic"))


def _percent(value: float, plus: str = "+") -> str:
    digits = 1 if abs(value) < 0.0995 else 0
    sign = MINUS if value < 0 else plus if value > 0 else ""
    return f"{sign}{abs(value) * 100:.{digits}f} %"


def _number(value: float) -> str:
    return ("+" if value > 0 else "") + _plain(value)


def _plain(value: float) -> str:
    size = abs(value)
    digits = 0 if size >= 1000 else 1 if size >= 10 else 2 if size >= 1 else 3
    return (MINUS if value < 0 else "") + f"{size:,.{digits}f}"
