"""The scales of survey questions: an answer beyond its scale is a slip or another scale, and no answer of this one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

SCALES: Mapping[str, tuple[float, float]] = {
    "nps": (0, 10), "enps": (0, 10), "csat": (1, 5), "ces": (1, 7), "tam_pu": (1, 7), "tam_peou": (1, 7),
    "sus": (0, 100),
}  # fmt: skip
"""Kind of survey → its usual scale; a mapping may say another. Items of SUS are always 1 to 5."""
SUS_ITEM = (1.0, 5.0)


def off_scale(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Target and reason of each figure of an answer that lies beyond its scale."""
    kind = values.get("survey_kind", "")
    low, high = SCALES.get(kind, (None, None))
    if kind != "sus":
        low, high = _number(values.get("scale_min"), low), _number(values.get("scale_max"), high)
    for name in ("score", *(f"item_{place}" for place in range(1, 11))):
        found = _number(values.get(name), None)
        least, most = SUS_ITEM if kind == "sus" and name != "score" else (low, high)
        beyond = found is not None and ((least is not None and found < least) or (most is not None and found > most))
        if beyond:
            told = [f"{end:g}" if end is not None else "any" for end in (least, most)]
            yield name, f"is off the scale of {' to '.join(told)}"


def _number(text: str | None, otherwise: float | None) -> float | None:
    try:
        return float(text) if text else otherwise
    except ValueError:
        return otherwise
