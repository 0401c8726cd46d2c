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
    "no_variation": "the figure never moved, so there is no change to see",
    "effect_faded": "it did not last",
    "effect_reversed": "it has turned round since",
    "effect_moving": "it is not the same all the time",
}
MINUS, NARROW, MOST_CAVEATS = "−", 0.1, 5
MOVES = "The change "
"""How the caveat begins that tells the path of an effect; the headline holds it already."""


def explain(verdict: Mapping[str, Any]) -> str:
    """Verdict, before and after, the naive claim, how it was judged, and what to bear in mind."""
    lines = [_headline(verdict) + _path(verdict), _values(verdict), _naive(verdict), _basis(verdict), _mind(verdict)]
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
    without = sum(left_out.values())
    told = f"{without:,} row{'' if without == 1 else 's'} left out ({reasons})"
    parts.append(told if left_out else f"all {used:,} used")
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
        if verdict["diagnostics"].get("unmeasured") and verdict.get("caveats"):
            return f"{head}: {name} could not be estimated. {verdict['caveats'][0]}"
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
    is_points = _is_in_units(verdict)
    keys = ("effect", "effect_ci_low", "effect_ci_high")
    if not is_points:
        keys = ("effect_rel", "effect_rel_ci_low", "effect_rel_ci_high")
    point, low, high = (verdict.get(key) for key in keys)
    if point is None:
        return ""
    say = _number if is_points else _percent
    ends = f"{say(low) if low is not None else 'unbounded'} to {say(high) if high is not None else 'unbounded'}"
    return f"changed by {say(point)} ({100 * level:.3g} % interval {ends})"


def _is_in_units(verdict: Mapping[str, Any]) -> bool:
    """Whether changes are told in the figure's own unit: of scores, and where a share of the base means nothing."""
    return verdict.get("kind") == "nps" or verdict.get("effect_rel") is None


def _path(verdict: Mapping[str, Any]) -> str:
    """` At first +25 %, now +3 % (−6 % to +12 %).`, when the effect is not the same all the time."""
    path = verdict["diagnostics"].get("path")
    if path is None or path["shape"] == "steady" or verdict["verdict"] == "not_comparable":
        return ""
    say = _percent if path["is_relative"] else _number
    early, late = path["early"], path["late"]
    return (
        f" At first (the first {early['weeks']:.0f} weeks that count) {say(early['change'])}, now (the last "
        f"{late['weeks']:.0f}) {say(late['change'])} ({say(late['low'])} to {say(late['high'])})."
    )


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
    """What a dashboard would claim, and why it is another figure when it is far from ours."""
    known = verdict["diagnostics"]
    change, before, after = (known.get(name) for name in ("naive_change_rel", "naive_pre", "naive_post"))
    if before is None or after is None:
        return ""
    if verdict.get("kind") == "nps" or change is None:
        claim = _number((100.0 if verdict.get("kind") == "nps" else 1.0) * (after - before))
    else:
        claim = _percent(change)
    why = (known.get("naive_explained") or {}).get("words")
    return f"Subtracting the plain averages would claim {claim}." + (f" {why}" if why else "")


def _basis(verdict: Mapping[str, Any]) -> str:
    """How it was judged, and the smallest change that could have been found."""
    if verdict.get("method") in (None, "none"):
        return ""
    if _is_controlled(verdict):
        basis = f"Judged against the units that had not changed yet ({_units(verdict['diagnostics'])})."
    else:
        basis = "Judged against its own trend and season; with nothing to compare with, other causes remain possible."
    return f"{basis} {_detectable(verdict)}".rstrip() if verdict["verdict"] == "inconclusive" else basis


def _units(known: Mapping[str, Any]) -> str:
    """How many there are, and how many are only planned to change."""
    planned = known.get("teams_planned")
    more = f", of which {planned} are planned to go live later" if planned else ""
    return f"{known.get('teams', '?')} units{more}"


def _detectable(verdict: Mapping[str, Any]) -> str:
    """The smallest change that would have been found; that none would where that is so."""
    known, mde = verdict["diagnostics"], verdict.get("mde80")
    if known.get("theta_error") is None or verdict.get("reason") == "no_variation":
        return ""
    if mde is not None and not _is_in_units(verdict):
        word = {"fall": "fall", "rise": "rise"}.get(str(known.get("mde80_direction")), "change")
        return f"A {word} of about {_percent(abs(float(mde)), plus='')} would have been found."
    if known.get("mde80_unit") is not None and (mde is not None or known.get("relative_reason")):
        return f"A change of about {_plain(float(known['mde80_unit']))} would have been found."
    return "No change that is possible would have been sure to be found."


def _mind(verdict: Mapping[str, Any]) -> str:
    """The caveats, the weightiest first, but for what the headline says already."""
    caveats = [words for words in verdict.get("caveats") or [] if not words.startswith(MOVES)]
    caveats = caveats[1:] if verdict["diagnostics"].get("unmeasured") else caveats
    more = f" And {len(caveats) - MOST_CAVEATS} more, see --json." if len(caveats) > MOST_CAVEATS else ""
    return "Bear in mind: " + " ".join(caveats[:MOST_CAVEATS]) + more if caveats else ""


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
