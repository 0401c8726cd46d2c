"""The results of the verdict benchmark as lines, as a page and as a picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

from benchmarks.tally import Tally

DOCS = Path(__file__).parent.parent / "docs"
OURS = "crmlift"
COLOURS = {
    OURS: "#12714a", "Welch t": "#b0413e", "year over year": "#d98032", "Newey–West": "#8a6d1b",
    "CausalImpact": "#5b4a9c", "CausalImpact, tuned": "#2f6fab", "two-way FE": "#777777",
}  # fmt: skip
HONEST, MIN_CURVE = 0.06, 4
WIDTH, ROW, LEFT, NOMINAL = 960, 22, 250, 0.05


@dataclass(frozen=True)
class Row:
    """One method on one process."""

    process: str
    history: str
    effect: float
    method: str
    tally: Tally


def line(row: Row) -> str:
    """One row for the terminal."""
    t = row.tally
    label = f"{row.process} {row.history}, {row.effect:+.0%}"
    return (
        f"{label:38s} {row.method:20s} covers {t.coverage:6.1%}  called {t.called:6.1%}  "
        f"wrong sign {t.wrong_sign:5.1%}  abstained {t.abstained:6.1%}  width {t.width:6.3f}  bias {t.bias:+.3f}  "
        f"rmse {t.rmse:.3f}  {t.milliseconds:5.0f} ms"
    )


def smallest_found(rows: Sequence[Row], share: float = 0.8) -> float | None:
    """The smallest rise found in `share` of the worlds, between the effects measured; None beyond the largest."""
    curve = sorted((row.effect, row.tally.called) for row in rows if row.effect >= 0)
    for (low, rarely), (high, often) in pairwise(curve):
        if rarely < share <= often:
            return low + (high - low) * (share - rarely) / (often - rarely)
    return None


def _smallest_table(rows: Sequence[Row]) -> str:
    """A line a process and history, for methods that err at most HONEST of the time there; empty without curves."""
    keys = list(dict.fromkeys((row.process, row.history) for row in rows))
    lines = []
    for process, history in keys:
        here = [row for row in rows if (row.process, row.history) == (process, history)]
        if len({row.effect for row in here}) < MIN_CURVE:
            continue
        honest = [row.method for row in here if row.effect == 0 and row.tally.called <= HONEST]
        told = []
        for method in honest:
            found = smallest_found([row for row in here if row.method == method])
            told.append(f"{method} {'over 30 %' if found is None else f'{found:.0%}'}")
        lines.append(f"| {process} | {history} | {'; '.join(told) or 'none'} |\n")
    if not lines:
        return ""
    return (
        "\n## The smallest rise found four times in five\n\n"
        f"Of the methods whose false verdicts are at most {HONEST:.0%} there; all others err too often to be asked.\n\n"
        "| process | history | found |\n|---|---|---|\n" + "".join(lines)
    )


def keep_rows(path: Path, rows: Sequence[Row]) -> None:
    """Add rows to a file of JSON lines."""
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(row)) + "\n" for row in rows)


def read_rows(path: Path) -> list[Row]:
    """The rows of such a file; none when it is not there yet."""
    if not path.exists():
        return []
    found = [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()]
    return [Row(**{**each, "tally": Tally(**each["tally"])}) for each in found]


def write(rows: Sequence[Row], seed: int) -> None:
    """docs/benchmark.md and docs/pictures/benchmark.svg, from these rows alone."""
    head = (
        "# How often the verdict is right\n\n"
        f"Written by `python -m benchmarks.verdict --full --write` (seed {seed}). With 400 worlds a row a rate of 5 % "
        "has a Monte-Carlo error of ±2.1 %, with 200 ±3.0 %, with 100 ±4.3 %. "
        "Every method judges the same draws. "
        "*Called*: share of verdicts of change; where the true effect is 0 those are false, elsewhere they are power. "
        "*Covers*: the 95 % interval holds the truth. Processes: `benchmarks/`; "
        "how verdicts are made: [methods](methods.md).\n\n"
        "![False verdicts of each method](pictures/benchmark.svg)\n\n"
        "| process | history | effect | method | worlds | covers | called | wrong sign | abstained | width | bias "
        "| rmse | ms |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|\n"
    )
    body = "".join(
        f"| {r.process} | {r.history} | {r.effect:+.0%} | {r.method} | {r.tally.worlds} | {r.tally.coverage:.1%} "
        f"| {r.tally.called:.1%} | {r.tally.wrong_sign:.1%} | {r.tally.abstained:.1%} | {r.tally.width:.3f} "
        f"| {r.tally.bias:+.3f} | {r.tally.rmse:.3f} | {r.tally.milliseconds:.0f} |\n"
        for r in rows
    )
    (DOCS / "benchmark.md").write_text(head + body + _smallest_table(rows), encoding="utf-8")
    (DOCS / "pictures").mkdir(exist_ok=True)
    (DOCS / "pictures" / "benchmark.svg").write_text(picture(rows), encoding="utf-8")


def picture(rows: Sequence[Row]) -> str:
    """False-verdict rates: one line a process and history, one dot a method; the promised 5 % as a rule."""
    nulls = [row for row in rows if row.effect == 0 and row.process != "D9"]
    labels = list(dict.fromkeys((row.process, row.history) for row in nulls))
    methods = [name for name in COLOURS if any(row.method == name for row in nulls)]
    height = ROW * (len(labels) + 3)
    across = WIDTH - LEFT - 20

    def place(rate: float) -> float:
        return LEFT + across * rate

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
    ]
    x = 10.0
    for name in methods:
        parts.append(f'<circle cx="{x}" cy="14" r="5" fill="{COLOURS[name]}"/><text x="{x + 9}" y="18">{name}</text>')
        x += 40 + 7 * len(name)
    bottom = height - ROW
    for rate in (0.0, NOMINAL, 0.25, 0.5, 0.75, 1.0):
        x, dash = place(rate), "" if rate == NOMINAL else ' stroke-dasharray="2 4"'
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="30" y2="{bottom}" stroke="#999"{dash}/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{rate:.0%}</text>')
    for k, label in enumerate(labels):
        y = 44 + k * ROW
        parts.append(f'<text x="{LEFT - 10}" y="{y + 4}" text-anchor="end">{label[0]} · {label[1]}</text>')
        for row in sorted(nulls, key=lambda r: r.method == OURS):
            if (row.process, row.history) == label:
                radius = 6 if row.method == OURS else 4
                parts.append(
                    f'<circle cx="{place(row.tally.called):.1f}" cy="{y}" r="{radius}" fill="{COLOURS[row.method]}"/>'
                )
    return "\n".join([*parts, "</svg>", ""])
