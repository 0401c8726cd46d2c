"""Charts as inline SVG: an effect with its interval, and a KPI's lines over time. No script, no outside resource.

Colours come from the page's style sheet by class, so that dark mode and print need no second drawing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup, escape

WIDTH, HEIGHT = 440, 190
LEFT, RIGHT, TOP, BOTTOM = 54, 8, 10, 24
BAR_WIDTH, BAR_HEIGHT = 240, 26


@dataclass(frozen=True)
class Line:
    """One group's series: values by the first day of each period. tone: its colour class."""

    tone: str
    points: Sequence[tuple[date, float]]


def effect_bar(
    estimate: float, low: float, high: float, *, reach: float, band: float | None, tone: str, title: str, desc: str,
    is_mirrored: bool = False,
) -> Markup:  # fmt: skip
    """An interval around zero on the scale −reach … +reach; an end beyond it becomes an arrow.

    band: half-width of "too small to matter". tone: class of the colour (a verdict). is_mirrored: draw −x, so that
    good lies to the right for KPIs where less is better.
    """
    if is_mirrored:
        estimate, low, high = -estimate, -high, -low
    middle, half = BAR_WIDTH / 2, BAR_HEIGHT / 2

    def x(value: float) -> float:
        return round(middle + max(-1.0, min(1.0, value / reach)) * (middle - 6), 1)

    parts = [f'<rect class="ground" x="0" y="{half - 7}" width="{BAR_WIDTH}" height="14" rx="3"/>']
    if band:
        parts.append(
            f'<rect class="band" x="{x(-band)}" y="{half - 7}" width="{round(x(band) - x(-band), 1)}" height="14"/>'
        )
    parts.append(f'<line class="zero" x1="{middle}" x2="{middle}" y1="2" y2="{BAR_HEIGHT - 2}"/>')
    parts.append(f'<line class="span {tone}" x1="{x(low)}" x2="{x(high)}" y1="{half}" y2="{half}"/>')
    for end, sign in ((low, -1), (high, 1)):
        tip, back = x(end), round(x(end) - sign * 5, 1)
        if sign * end > reach:
            parts.append(f'<path class="cap {tone}" d="M{back} {half - 5}L{tip} {half}L{back} {half + 5}"/>')
        elif abs(end) <= reach:
            parts.append(f'<path class="cap {tone}" d="M{tip} {half - 5}V{half + 5}"/>')
    if abs(estimate) <= reach:
        parts.append(f'<circle class="dot {tone}" cx="{x(estimate)}" cy="{half}" r="4.5"/>')
    return _svg("effect", BAR_WIDTH, BAR_HEIGHT, title, desc, parts)


def line_chart(
    lines: Sequence[Line], *, marks: Sequence[date], number: Callable[[float, int], str], month: Callable[[date], str],
    title: str, desc: str,
) -> Markup:  # fmt: skip
    """Lines over a common time axis with an upright rule at each of `marks`. Empty without two points in time.

    number: writes an axis label from a value and its decimals. month: writes a date below the axis.
    """
    days = [d for line in lines for d, _ in line.points]
    values = [v for line in lines for _, v in line.points]
    if len(set(days)) < 2:
        return Markup("")
    first, last = min(days), max(days)
    ticks = nice_ticks(min(values), max(values))
    low, high = ticks[0], ticks[-1]
    digits = max(0, -math.floor(math.log10(ticks[1] - ticks[0]) + 1e-9))

    def x(day: date) -> float:
        return round(LEFT + (day - first).days / (last - first).days * (WIDTH - LEFT - RIGHT), 1)

    def y(value: float) -> float:
        return round(TOP + (high - value) / (high - low) * (HEIGHT - TOP - BOTTOM), 1)

    parts = []
    for tick in ticks:
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(tick)}" y2="{y(tick)}"/>')
        parts.append(
            f'<text x="{LEFT - 6}" y="{y(tick) + 4:g}" text-anchor="end">{escape(number(tick, digits))}</text>'
        )
    for day, anchor in ((first, "start"), (first + (last - first) / 2, "middle"), (last, "end")):
        parts.append(f'<text x="{x(day)}" y="{HEIGHT - 6}" text-anchor="{anchor}">{escape(month(day))}</text>')
    for day in marks:
        if first <= day <= last:
            parts.append(f'<line class="golive" x1="{x(day)}" x2="{x(day)}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
    for line in lines:
        path = "L".join(f"{x(day)} {y(value)}" for day, value in line.points)
        parts.append(f'<path class="line {line.tone}" d="M{path}"/>')
    return _svg("series", WIDTH, HEIGHT, title, desc, parts)


def nice_ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round values that enclose [low, high] in steps of 1, 2 or 5 × 10ⁿ; zero is included when it is near."""
    if low > 0 and low < 0.35 * high:
        low = 0.0
    if high <= low:
        low, high = low - (abs(low) or 1) * 0.1, high + (abs(high) or 1) * 0.1
    rough = (high - low) / count
    size = 10 ** math.floor(math.log10(rough))
    step = next(m * size for m in (1, 2, 5, 10) if m * size >= rough * (1 - 1e-9))
    start, end = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 10) for i in range(start, end + 1)]


def _svg(kind: str, width: int, height: int, title: str, desc: str, parts: Sequence[str]) -> Markup:
    head = f"<title>{escape(title)}</title><desc>{escape(desc)}</desc>"
    body = "".join(parts)
    return Markup(f'<svg class="{kind}" viewBox="0 0 {width} {height}" role="img">{head}{body}</svg>')
