"""The mapping of a source: which files, to which entity, which column to what. YAML or the settings file itself."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from connectors.errors import SettingsFailure
from connectors.files.entities import Entity, entities
from connectors.files.evidence import NOTHING_SAID, Answers

SET_KEYS = {
    "path", "entity", "sheet", "columns", "questions", "key", "header_row", "skip_rows", "encoding", "delimiter",
    "decimal", "thousands", "date_format", "first_year", "exchanged_days", "missing", "format",
}  # fmt: skip
COLUMN_KEYS = {
    "from", "constant", "values", "default", "decimal", "thousands", "date_format", "first_year", "exchanged_days",
    "scale", "last_day",
}  # fmt: skip
ANSWERS = ("decimal", "thousands", "date_format", "first_year", "exchanged_days", "scale")
"""Keys that answer what a column does not tell; but for scale they may also stand for all columns of a set."""
QUESTION_KEYS = {"kind", "id", "score", "comment", "items", "min", "max", "theme", "sentiment", "survey_id"}
UNFILLED = "???"
"""Stands in a first mapping for what its reader must say; nothing is read until it is said."""
MISSING = ("", "-", "–", "—", "n/a", "na", "null", "none", "nan")
_YES_NO = {"yes": True, "true": True, "no": False, "false": False}


@dataclass(frozen=True)
class ColumnMap:
    """Where a target comes from, and what is said of how its cells are written.

    last_day: `included` or `excluded`, for ends of periods; None is detected.
    """

    source: str | None = None
    constant: str | None = None
    values: Mapping[str, str] | None = None
    default: str | None = None
    last_day: str | None = None
    answers: Answers = NOTHING_SAID


@dataclass(frozen=True)
class FileSet:
    """Files with one layout, mapped to one entity.

    columns: target → where it comes from. sheets: patterns of sheet names, empty for all visible ones. key: targets
    that name a record. only_if: a row with none of these targets is no record (an unanswered question).
    """

    name: str
    paths: tuple[str, ...]
    entity: Entity
    columns: Mapping[str, ColumnMap]
    sheets: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    header_row: int | None = None
    encoding: str | None = None
    delimiter: str | None = None
    format: str | None = None
    missing: frozenset[str] = frozenset(MISSING)
    only_if: tuple[str, ...] = ()

    @property
    def wanted(self) -> list[str]:
        """Columns the files must have."""
        return list(dict.fromkeys(c.source for c in self.columns.values() if c.source is not None))


def read_mapping(path: Path) -> Mapping[str, Any]:
    """The `files:` section of a mapping file; SettingsFailure with the line of a mistake."""
    try:
        text = path.read_text(encoding="utf-8")
        given = yaml.safe_load(text)
    except yaml.MarkedYAMLError as problem:
        line = problem.problem_mark.line + 1 if problem.problem_mark else "?"
        raise SettingsFailure(
            "The mapping is not valid YAML.", where=f"{path}, line {line}", why=str(problem.problem)
        ) from None
    except (OSError, UnicodeDecodeError) as problem:
        raise SettingsFailure(
            "The mapping cannot be read.", where=str(path), why=type(problem).__name__,
            next_step="check its path; crmlift connectors map FILE --out mapping.yml  writes a first one",
        ) from None  # fmt: skip
    found = given.get("files") if isinstance(given, dict) else None
    if not isinstance(found, dict) or not found:
        raise SettingsFailure("The mapping has no section files.", where=str(path), next_step="see docs/files.md")
    if unfilled := _unfilled(found, "files"):
        quoted = re.compile(r"""(['"])\?\?\?\1""")
        lines = [str(number) for number, line in enumerate(text.splitlines(), 1) if quoted.search(line)]
        _refuse_unfilled(unfilled, f"{path}, line {', '.join(lines)}" if lines else str(path))
    return found


def file_sets(given: Mapping[str, Any], where: str) -> list[FileSet]:
    """The file sets of a mapping, questions unfolded; SettingsFailure names the key that is wrong."""
    _refuse_unfilled(_unfilled(given, "files"), where)
    found: list[FileSet] = []
    for name, entry in given.items():
        place = f"{where}: files.{name}"
        try:
            found += _file_sets(str(name), entry, place)
        except (TypeError, ValueError, AttributeError) as error:
            raise SettingsFailure(
                "A value of the mapping is of the wrong kind.", where=place, why=f"{error}.",
                next_step="docs/files.md shows what each key takes",
            ) from error  # fmt: skip
    return found


def _file_sets(name: str, entry: Any, where: str) -> list[FileSet]:
    if not isinstance(entry, Mapping):
        raise SettingsFailure("A file set must be a mapping.", where=where, next_step="see docs/files.md")
    _refuse_unknown(entry, SET_KEYS, where)
    known = entities()
    if entry.get("entity") not in known:
        raise _unknown(
            f"There is no entity {entry.get('entity')!r}.", str(entry.get("entity")), known, f"{where}.entity"
        )
    entity = known[entry["entity"]]
    if not entry.get("path"):
        raise SettingsFailure("A file set names no files.", where=f"{where}.path", next_step="give a path or a pattern")
    defaults = {key: entry[key] for key in ANSWERS if key in entry}
    columns = {
        str(target): _column(entity, str(target), column, defaults, f"{where}.columns.{target}")
        for target, column in (entry.get("columns") or {}).items()
    }
    base = FileSet(
        name=name, paths=_listed(entry["path"]), entity=entity, columns=columns, sheets=_listed(entry.get("sheet")),
        key=_listed(entry.get("key")) or tuple(name for name in entity.key if name in columns),
        header_row=entry.get("header_row"), encoding=entry.get("encoding"),
        delimiter={"tab": "\t"}.get(str(entry.get("delimiter")), entry.get("delimiter")), format=entry.get("format"),
        missing=frozenset(m.lower() for m in _listed(entry.get("missing"))) | {""} if "missing" in entry
        else frozenset(MISSING),
    )  # fmt: skip
    sets = [_question(base, q, number, defaults, where) for number, q in enumerate(entry.get("questions") or ())] or [
        base
    ]
    for one in sets:
        _refuse_incomplete(one, where)
    return sets


def _column(entity: Entity, target: str, given: Any, defaults: Mapping[str, Any], where: str) -> ColumnMap:
    if target not in entity.targets:
        raise _unknown(f"{entity.name} has no column {target}.", target, entity.targets, where)
    column = given if isinstance(given, Mapping) else {"from": given}
    _refuse_unknown(column, COLUMN_KEYS, where)
    if ("from" in column) == ("constant" in column):
        raise SettingsFailure("A column is either from a column of the file or a constant.", where=where)
    values = column.get("values")
    constant = column.get("constant")
    allowed = entity.targets[target].words
    targets_named = [*(values or {}).values(), *([constant] if constant is not None else [])]
    if allowed:
        for word in map(str, targets_named):
            if word.lower() not in allowed:
                raise _unknown(f"{word!r} is no {target}.", word, dict.fromkeys(entity.targets[target].choices), where)
    return ColumnMap(
        source=_text(column.get("from")),
        constant=_text(constant),
        values={_text(k) or "": _text(v) or "" for k, v in values.items()} if values else None,
        default=_text(column.get("default")),
        last_day=_text(column.get("last_day")),
        answers=_answers({**defaults, **{key: column[key] for key in ANSWERS if key in column}}, where),
    )


def _answers(given: Mapping[str, Any], where: str) -> Answers:
    """What is said of how cells are written; SettingsFailure for a word that is no answer."""
    swapped = _text(given.get("exchanged_days"))
    if swapped is not None and swapped.lower() not in _YES_NO:
        raise _unknown("exchanged_days is yes or no.", swapped, {"yes": True, "no": False}, f"{where}.exchanged_days")
    if given.get("decimal") is not None and str(given["decimal"]) not in (".", ","):
        raise _unknown("decimal is a point or a comma.", str(given["decimal"]), {".": 1, ",": 1}, f"{where}.decimal")
    return Answers(
        decimal=_text(given.get("decimal")), thousands=_text(given.get("thousands")),
        date_format=_text(given.get("date_format")),
        first_year=None if given.get("first_year") is None else int(given["first_year"]),
        exchanged_days=None if swapped is None else _YES_NO[swapped.lower()],
        scale=None if given.get("scale") is None else float(given["scale"]),
    )  # fmt: skip


def _question(base: FileSet, given: Any, number: int, defaults: Mapping[str, Any], where: str) -> FileSet:
    """One question of a wide survey: a set of its own over the same files, whose rows are its answers."""
    where = f"{where}.questions[{number}]"
    if base.entity.name != "survey_response" or not isinstance(given, Mapping):
        raise SettingsFailure("Questions belong to survey_response, each a mapping.", where=where)
    _refuse_unknown(given, QUESTION_KEYS, where)
    items = _listed(given.get("items"))
    parts: dict[str, Any] = {f"item_{place}": column for place, column in enumerate(items, 1)}
    parts |= {name: given[name] for name in ("score", "comment", "theme", "sentiment") if given.get(name) is not None}
    constants = {"survey_kind": given.get("kind", "pulse"), "question": given.get("id", f"q{number + 1}")}
    constants |= {name: given[key] for name, key in (("scale_min", "min"), ("scale_max", "max")) if key in given}
    constants |= {"survey_id": given["survey_id"]} if "survey_id" in given else {}
    parts |= {name: {"constant": value} for name, value in constants.items()}
    columns = {
        target: _column(base.entity, target, column, defaults, f"{where}.{target}") for target, column in parts.items()
    }
    only_if = tuple(t for t in columns if t in ("score", "comment") or t.startswith("item_"))
    return replace(
        base, name=f"{base.name}.{constants['question']}", columns={**base.columns, **columns}, only_if=only_if
    )


def _unfilled(given: Any, place: str) -> list[str]:
    """Where something is still to be said."""
    if isinstance(given, Mapping):
        return [found for key, value in given.items() for found in _unfilled(value, f"{place}.{key}")]
    if isinstance(given, (list, tuple)):
        return [found for value in given for found in _unfilled(value, place)]
    return [place] if given == UNFILLED else []


def _refuse_unfilled(places: Sequence[str], where: str) -> None:
    if places:
        raise SettingsFailure(
            f"The mapping is not filled in: {UNFILLED} stands for {', '.join(places)}.",
            where=where, next_step="write what the comment beside it asks for, then run the same command again",
        )  # fmt: skip


def _refuse_incomplete(one: FileSet, where: str) -> None:
    missing = [target for target in one.entity.needs if target not in one.columns]
    if missing:
        raise SettingsFailure(
            f"A mapping to {one.entity.name} needs {', '.join(missing)}.", where=f"{where}.columns",
            next_step=f"say which column it is, or  {missing[0]}: {{constant: …}}",
        )  # fmt: skip


def _refuse_unknown(given: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    for key in given:
        if key not in known:
            raise _unknown(f"There is no key {key}.", str(key), dict.fromkeys(sorted(known)), where)


def _unknown(what: str, word: str, known: Mapping[str, Any], where: str) -> SettingsFailure:
    near = difflib.get_close_matches(word, list(known), n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
    return SettingsFailure(what, where=where, next_step=hint)


def _listed(given: Any) -> tuple[str, ...]:
    if given is None:
        return ()
    return tuple(map(str, given)) if isinstance(given, (list, tuple)) else (str(given),)


def _text(given: Any) -> str | None:
    if given is None:
        return None
    return str(given).lower() if isinstance(given, bool) else str(given)
