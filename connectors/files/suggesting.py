"""A first mapping from a file's header and sample: the entity it looks like, columns that fit, what was detected."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from connectors.errors import SettingsFailure
from connectors.files.cells import AmbiguousDates, CellFormat, canonical_number, detect_format, plain
from connectors.files.entities import Entity, Target, entities
from connectors.files.mapping import UNFILLED
from connectors.files.places import find
from connectors.files.scales import SCALES
from connectors.files.tables import Layout, Table, same_name, tables

SAMPLE_ROWS = 500
WORDS_SHOWN = 12
_SHARED = {"name", "account"}
"""Targets that may be the same column as another one: a company's name is often its only key."""
_COMMENT = re.compile(r"why|comment|reason|explain|tell us|чому|комент", re.IGNORECASE)
_SURVEY = (
    ("enps", re.compile(r"recommend.*(work|employer|workplace)|рекоменд.*робот", re.IGNORECASE)),
    ("nps", re.compile(r"recommend|рекоменд|0 ?(-|–|to) ?10", re.IGNORECASE)),
    ("ces", re.compile(r"effort|easy was it|легко", re.IGNORECASE)),
    ("csat", re.compile(r"satisf|задовол", re.IGNORECASE)),
    ("pulse", re.compile(r"\brate\b|rating|scale|оцін", re.IGNORECASE)),
)


@dataclass(frozen=True)
class Suggestion:
    """A mapping as YAML text with comments, and what it maps to."""

    text: str
    entity: str
    mapped: int
    unmapped: tuple[str, ...]


def suggest(path: str, entity: str | None = None) -> Suggestion:
    """The first mapping of a file; SettingsFailure when there is none of that name or it fits no entity."""
    found = find([path], ".")
    if not found:
        raise SettingsFailure(f"There is no file {path}.", next_step="check the path")
    known = entities()
    if entity is not None and entity not in known:
        raise SettingsFailure(f"There is no entity {entity!r}.", next_step=f"choose from: {', '.join(known)}")
    opened = tables(found[0], Layout())  # closes the file when it goes
    table = next(opened, None)
    if table is None:
        raise SettingsFailure(f"{path} holds no table.", next_step="check the file")
    rows = [row for _, row in _first(table)]
    questions = _questions(table.header, rows)
    chosen = known[entity] if entity else _likeliest(table.header, known, len(questions))
    columns = _columns(chosen, table.header)
    if chosen.name != "survey_response" or "survey_kind" in columns:
        questions = []
    used = set(columns.values()) | {name for q in questions for name in (q["score"], q.get("comment")) if name}
    unmapped = tuple(name for name in table.header if name not in used)
    text = _written(path, table, rows, chosen, columns, questions, unmapped)
    return Suggestion(text, chosen.name, len(columns) + len(questions), unmapped)


def _first(table: Table) -> list[tuple[int, Sequence[Any]]]:
    return [row for row, _ in zip(table.rows, range(SAMPLE_ROWS), strict=False)]


def _words(name: str) -> str:
    return re.sub(r"[\s_.,:;()/-]+", " ", same_name(name)).strip()


def _columns(entity: Entity, header: Sequence[str]) -> dict[str, str]:
    """Target → column: the first of a target's names that is a header, else one that a header begins or ends with."""
    by_words: dict[str, str] = {}
    for name in header:
        by_words.setdefault(_words(name), name)
    found: dict[str, str] = {}
    used: set[str] = set()
    for target in entity.targets.values():
        for word in (_words(target.name), *map(_words, target.names)):
            column = by_words.get(word)
            if column and (column not in used or target.name in _SHARED):
                found[target.name] = column
                used.add(column)
                break
    for target in entity.targets.values():
        for word in () if target.name in found else map(_words, target.names):
            near = [
                c
                for w, c in by_words.items()
                if len(word) > 3 and re.search(rf"(^{re.escape(word)}\b|\b{re.escape(word)}$)", w)
            ]
            if near and near[0] not in used:
                found[target.name] = near[0]
                used.add(near[0])
                break
    return found


def _likeliest(header: Sequence[str], known: Mapping[str, Entity], questions: int) -> Entity:
    """The entity that needs least and takes most of the header."""

    def fit(entity: Entity) -> float:
        columns = _columns(entity, header)
        missing = sum(need not in columns for need in entity.needs)
        asked = 2.0 * questions if entity.name == "survey_response" and "responded_at" in columns else 0.0
        own = 1.5 if {"opportunity": "amount", "cost_item": "category"}.get(entity.name, "-") in columns else 0.0
        named = 1.0 if any(_words(entity.name) + " id" == _words(name) for name in header) else 0.0
        return len(set(columns.values())) - 2.0 * (missing if not asked else 0) + asked + own + named

    return max(known.values(), key=fit)


def _questions(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """Columns of a wide survey: whole numbers under a header that reads like a question, with the reason beside it."""
    found: list[dict[str, Any]] = []
    for place, name in enumerate(header):
        answers = [_number(row[place]) for row in rows if place < len(row) and _is_filled(row[place])]
        kind = next((kind for kind, words in _SURVEY if words.search(name)), None)
        if kind is None or not answers or None in answers:
            continue
        highest = max(a for a in answers if a is not None)
        if kind == "nps" and any(q["kind"] == "nps" for q in found):
            kind = "pulse"
        question: dict[str, Any] = {"kind": kind, "score": name}
        if kind == "pulse":
            question |= {"min": 0 if highest > 7 else 1, "max": 10 if highest > 7 else 7 if highest > 5 else 5}
        elif kind in ("csat", "ces") and highest > SCALES[kind][1]:
            question |= {"min": 1, "max": 7 if highest <= 7 else 10 if highest <= 10 else 100}
        if place + 1 < len(header) and _COMMENT.search(header[place + 1]):
            question["comment"] = header[place + 1]
        found.append(question)
    return found


def _number(cell: Any) -> float | None:
    try:
        return float(canonical_number(plain(cell), ".", ","))
    except ValueError:
        return None


def _written(
    path: str, table: Table, rows: Sequence[Sequence[Any]], entity: Entity, columns: Mapping[str, str],
    questions: Sequence[Mapping[str, Any]], unmapped: Sequence[str],
) -> str:  # fmt: skip
    detected = ", ".join(f"{what} {found}" for what, found in table.detected.items())
    name = re.sub(r"\W+", "_", Path(path).name.split(".")[0]).strip("_").lower() or "data"
    lines = [
        f"  {name}:{f'  # {detected}' if detected else ''}",
        f"    path: {_quoted(path)}",
        *([f"    sheet: {_quoted(table.sheet)}"] if table.sheet else []),
        f"    entity: {entity.name}  # {entity.about}",
        "    columns:",
    ]
    for target, column in columns.items():
        lines += _column(entity.targets[target], column, table, rows)
    missing = [n for n in entity.needs if n not in columns and not (questions and n == "survey_kind")]
    lines += [f"      {need}: '{UNFILLED}'  # needed: name the column, or write {{constant: …}}" for need in missing]
    if questions:
        lines.append("    questions:  # kind: nps, csat, ces, enps, sus (items), tam_pu, tam_peou or pulse")
        lines += [f"      - {_flow(question)}" for question in questions]
    if unmapped:
        lines.append(f"    # not mapped: {', '.join(unmapped)}")
    free = [t for t in entity.targets if t not in columns and t not in missing]
    lines.append(f"    # also possible: {', '.join(free)}")
    return "\n".join(lines) + "\n"


def _column(target: Target, column: str, table: Table, rows: Sequence[Sequence[Any]]) -> list[str]:
    """One line, with what was detected; words of a choice that are not understood are asked for."""
    place = table.header.index(column)
    cells = [row[place] for row in rows if place < len(row) and _is_filled(row[place])]
    if target.words is not None:
        seen = Counter(plain(cell) for cell in cells)
        unknown = [word for word, _ in seen.most_common() if same_name(word) not in target.words][:WORDS_SHOWN]
        if unknown:
            asked = ", ".join(f"{_quoted(word)}: '{UNFILLED}'" for word in unknown)
            told = f"  # each is one of {', '.join(target.choices)}"
            return [f"      {target.name}: {{from: {_quoted(column)}, values: {{{asked}}}}}{told}"]
        return [f"      {target.name}: {_quoted(column)}  # {', '.join(list(seen)[:6])}"]
    try:
        found = detect_format(CellFormat(target.kind), cells, header=column, delimiter=table.detected.get("delimiter"))
    except AmbiguousDates:
        told = "  # day or month first? say DD/MM/YYYY or MM/DD/YYYY"
        return [f"      {target.name}: {{from: {_quoted(column)}, date_format: '{UNFILLED}'}}{told}"]
    sample = f"such as {plain(cells[0])[:40]!r}" if cells and target.kind != "text" else ""
    marks = {
        "money": f"decimal {found.decimal!r}", "number": f"decimal {found.decimal!r}",
        "share": f"decimal {found.decimal!r}", "date": f"order {found.date_order}",
        "moment": f"order {found.date_order}",
    }.get(target.kind, "")  # fmt: skip
    told = ", ".join(filter(None, [marks, sample]))
    return [f"      {target.name}: {_quoted(column)}{f'  # {told}' if told else ''}"]


def _flow(question: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{k}: {_quoted(v) if isinstance(v, str) else v}" for k, v in question.items()) + "}"


def _quoted(text: str | None) -> str:
    """A scalar that YAML reads as this text, within flow lists too."""
    if text is not None and re.fullmatch(r"[^\W\d][\w ./-]*\w|[^\W\d]", text) and isinstance(yaml.safe_load(text), str):
        return text
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _is_filled(cell: Any) -> bool:
    return cell is not None and bool(str(cell).strip())
