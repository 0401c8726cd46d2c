"""A first mapping of a file: the entity it looks like, columns that fit, what was detected, and what must be asked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from connectors.errors import SettingsFailure
from connectors.files.cells import CellFormat, plain
from connectors.files.entities import Entity, Target, entities
from connectors.files.evidence import Answers, ColumnEvidence, format_words
from connectors.files.header_match import ColumnProfile, Profile, is_matrix, likeliest, match_columns
from connectors.files.mapping import MISSING, UNFILLED
from connectors.files.numbers import CODES
from connectors.files.places import find
from connectors.files.questions import AmbiguousColumn
from connectors.files.special import is_filled
from connectors.files.survey_questions import asked_of, audience_of, questions_of
from connectors.files.tables import Layout, Table, refuse_mixed_archives, same_name, tables

WORDS_SHOWN = 60


@dataclass(frozen=True)
class Suggestion:
    """A mapping as YAML text with comments, and what it maps to."""

    text: str
    entity: str
    mapped: int
    unmapped: tuple[str, ...]


@dataclass(frozen=True)
class _File:
    """A file to be mapped. evidence: of targets, how their cells are written; words: of choices, what they say."""

    path: str
    table: Table
    profile: Profile
    entity: Entity
    columns: Mapping[str, str]
    questions: Sequence[Mapping[str, Any]]
    evidence: Mapping[str, ColumnEvidence]
    words: Mapping[str, Counter[str]]

    def column(self, target: str) -> ColumnProfile:
        """What is known of the column of a target."""
        return self.profile.columns[self.table.header.index(self.columns[target])]


def suggest(path: str, entity: str | None = None) -> Suggestion:
    """The first mapping of a file; SettingsFailure when there is none of that name, or nothing tells what it holds."""
    found = find([path], ".")
    if not found:
        raise SettingsFailure(f"There is no file {path}.", next_step="check the path")
    refuse_mixed_archives(found)
    known = entities()
    if entity is not None and entity not in known:
        raise SettingsFailure(f"There is no entity {entity!r}.", next_step=f"choose from: {', '.join(known)}")
    table = next(tables(found[0], Layout()), None)
    if table is None:
        raise SettingsFailure(f"{path} holds no table.", next_step="check the file")
    profile = Profile.of(table)
    questions = questions_of(table.header, profile)
    chosen = known[entity] if entity else _entity_of(path, table, profile, known, len(questions))
    columns = match_columns(chosen, table.header)
    if chosen.name != "survey_response" or "survey_kind" in columns:
        questions = []
    file = _File(path, table, profile, chosen, columns, questions, *_read(table, chosen, columns))
    used = set(columns.values()) | {name for q in questions for name in (q["score"], q.get("comment")) if name}
    unmapped = tuple(name for name in table.header if name not in used)
    return Suggestion(_written(file, unmapped), chosen.name, len(columns) + len(questions), unmapped)


def _read(
    table: Table, entity: Entity, columns: Mapping[str, str]
) -> tuple[dict[str, ColumnEvidence], dict[str, Counter[str]]]:
    """How the cells of every mapped column are written, and the words of choices; the rows are read once more."""
    evidence: dict[str, ColumnEvidence] = {}
    words: dict[str, Counter[str]] = {}
    for name, column in columns.items():
        target = entity.targets[name]
        evidence[name] = ColumnEvidence(
            CellFormat(target.kind, epoch=table.epoch), column, Answers(), frozenset(MISSING)
        )
        if target.words is not None:
            words[name] = Counter()
    places = {name: table.header.index(column) for name, column in columns.items()}
    for number, row in table.rows():
        for name, place in places.items():
            cell = row[place] if place < len(row) else None
            if not is_filled(cell):
                continue
            if name in words:
                words[name][plain(cell)] += 1
            else:
                evidence[name].add(cell, number)
    return evidence, words


def _entity_of(path: str, table: Table, profile: Profile, known: Mapping[str, Entity], questions: int) -> Entity:
    """What a file looks like; SettingsFailure when several entities fit alike, or it is a matrix."""
    if is_matrix(table.header, profile):
        raise SettingsFailure(
            f"{path} looks like a matrix: criteria down, products across.", where=table.place,
            next_step="write one row a product and criterion (product, criterion, score, rater), then map it with  "
            "--entity crm_score",
        )  # fmt: skip
    fitting = likeliest(table.header, known, questions)
    if len(fitting) > 1:
        raise SettingsFailure(
            f"Nothing tells what {path} holds: {' and '.join(e.name for e in fitting)} fit alike.", where=table.place,
            next_step=f"say which, such as  --entity {fitting[0].name}",
        )  # fmt: skip
    return fitting[0]


def _written(file: _File, unmapped: Sequence[str]) -> str:
    entity, table, columns = file.entity, file.table, file.columns
    detected = ", ".join(f"{what} {found}" for what, found in table.detected.items())
    name = re.sub(r"\W+", "_", Path(file.path).name.split(".")[0]).strip("_").lower() or "data"
    lines = [
        f"  {name}:{f'  # {detected}' if detected else ''}",
        f"    path: {_quoted(file.path)}",
        *([f"    sheet: {_quoted(table.sheet)}"] if table.sheet else []),
        f"    entity: {entity.name}  # {entity.about}",
        "    columns:",
    ]
    for target in columns:
        lines += _key_column(file) if target == "id" else _column(file, entity.targets[target])
    missing = [n for n in entity.needs if n not in columns and not (file.questions and n == "survey_kind")]
    lines += [f"      {need}: '{UNFILLED}'  # needed: name the column, or write {{constant: …}}" for need in missing]
    lines += _currency(file) + _audience(file)
    if file.questions:
        lines.append("    questions:  # kind: nps, csat, ces, enps, sus (items), tam_pu, tam_peou or pulse")
        audience = audience_of(file.table.header, file.columns, file.questions)
        lines += [f"      - {_flow(question)}" for question in asked_of(audience, file.questions)]
    if unmapped:
        lines.append(f"    # not mapped: {', '.join(unmapped)}")
    free = [t for t in entity.targets if t not in columns and t not in missing]
    lines.append(f"    # also possible: {', '.join(free)}")
    if "id" in free and not entity.key:
        lines.append("    # no id: rows are told apart by their content, and a corrected row is a new one")
    return "\n".join(lines) + "\n"


def _key_column(file: _File) -> list[str]:
    """The id, if no two rows share it; else the question."""
    column = file.columns["id"]
    place = file.table.header.index(column)
    if file.profile.is_key(place):
        return _column(file, file.entity.targets["id"])
    found = file.profile.columns[place]
    repeats, empty = found.repeats, file.profile.rows - found.filled
    told = [f"repeats {'many' if repeats is None else repeats} times"] if repeats != 0 else []
    told += [f"is empty {empty} times"] if empty else []
    cure = "name a column that is new in every row, or take this line away"
    return [f"      id: '{UNFILLED}'  # {column} {', '.join(told)}: {cure}"]


def _column(file: _File, target: Target) -> list[str]:
    """One line, with what was detected; words of a choice that are not understood are asked for."""
    column = file.columns[target.name]
    if target.words is not None:
        seen = file.words[target.name]
        unknown = [word for word, _ in seen.most_common() if same_name(word) not in target.words][:WORDS_SHOWN]
        if unknown:
            asked = ", ".join(f"{_quoted(word)}: '{UNFILLED}'" for word in unknown)
            told = f"  # each is one of {', '.join(target.choices)}"
            return [f"      {target.name}: {{from: {_quoted(column)}, values: {{{asked}}}}}{told}"]
        return [f"      {target.name}: {_quoted(column)}  # {', '.join(list(seen)[:6])}"]
    try:
        found = file.evidence[target.name].format()
    except AmbiguousColumn as problem:
        return [f"      {target.name}: {_asked(column, problem)}"]
    first = file.column(target.name).first
    sample = f"such as {plain(first)[:40]!r}" if first is not None and target.kind != "text" else ""
    told = ", ".join(filter(None, [format_words(found), sample]))
    return [f"      {target.name}: {_quoted(column)}{f'  # {told}' if told else ''}"]


def _asked(column: str, problem: AmbiguousColumn) -> str:
    """The column with what must be said of it, and the readings beside it."""
    if not problem.options:
        cures = " or ".join(reading.example for reading in problem.readings)
        return f"'{UNFILLED}'  # {column}: {problem.what}; {cures}"
    readings = "; ".join(f"{r.value}: {r.example}" if r.option else r.example for r in problem.readings)
    return f"{{from: {_quoted(column)}, {problem.options[0][0]}: '{UNFILLED}'}}  # {problem.what}. {readings}"


def _currency(file: _File) -> list[str]:
    """The currency that all amounts name, where no column does."""
    if "currency" not in file.entity.targets or "currency" in file.columns:
        return []
    amounts = [target for target in file.columns if file.entity.targets[target].kind == "money"]
    named = {code for target in amounts for code in file.evidence[target].numbers.currencies}
    return [
        f"      currency: {{constant: {code}}}  # as its amounts say"
        for code in named
        if len(named) == 1 and code in CODES
    ]


def _audience(file: _File) -> list[str]:
    """Who was asked, where no column says it."""
    if file.entity.name != "survey_response" or "audience" in file.columns:
        return []
    found = audience_of(file.table.header, file.columns, file.questions)
    if found is None:
        return [f"      audience: {{constant: '{UNFILLED}'}}  # who was asked: customer or employee"]
    return [f"      audience: {{constant: {found}}}  # who was asked, as the questions read"]


def _flow(question: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{k}: {_quoted(v) if isinstance(v, str) else v}" for k, v in question.items()) + "}"


def _quoted(text: str | None) -> str:
    """A scalar that YAML reads as this text, within flow lists too."""
    if text is not None and re.fullmatch(r"[^\W\d][\w ./-]*\w|[^\W\d]", text) and isinstance(yaml.safe_load(text), str):
        return text
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"'
