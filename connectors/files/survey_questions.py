"""The questions of a wide survey, and who was asked them: by their wording and by the columns beside them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connectors.files.header_match import Profile
from connectors.files.scales import SCALES

_COMMENT = re.compile(r"why|comment|reason|explain|tell us|чому|комент", re.IGNORECASE)
_KINDS = (
    ("enps", re.compile(r"recommend.*(\bwork|employer|workplace)|рекоменд.*робот", re.IGNORECASE)),
    ("nps", re.compile(r"recommend|рекоменд|0 ?(-|–|to) ?10", re.IGNORECASE)),
    ("ces", re.compile(r"effort|easy was it|легко", re.IGNORECASE)),
    ("csat", re.compile(r"satisf|задовол", re.IGNORECASE)),
    ("pulse", re.compile(r"\brate\b|rating|scale|оцін", re.IGNORECASE)),
)
_EMPLOYEES = re.compile(
    r"\bcrm\b|\bat work\b|work(ing)? (here|for|at)|place to work|employer|workplace|coworker|employee"
    r"|(?<!friend or )(?<!friends or )colleague"
    r"|your (job|manager|team lead|tasks)|daily work|\bjob\b|(this|the|the new) (system|tool|software)"
    r"|працю|робоч|на роботі|колег|керівник|працівник|співробітник|сотрудник|систем[аіоуи]",
    re.IGNORECASE,
)
_CUSTOMERS = re.compile(
    r"\bfriends?\b|\bour (product|service|support|company|team|shop|store)|customer|client|purchase|your order|deliver"
    r"|support team"
    r"|your (last|recent) (visit|order|request)|клієнт|замовлен|покупк|доставк|наш\w* (товар|сервіс|послуг)",
    re.IGNORECASE,
)
CUSTOMER_TARGETS = {"account", "contact", "ticket", "opportunity"}
EMPLOYEE_KINDS = {"enps", "sus", "tam_pu", "tam_peou"}


def questions_of(header: Sequence[str], profile: Profile) -> list[dict[str, Any]]:
    """Columns of a wide survey: numbers under a header that reads like a question, with the reason beside it."""
    found: list[dict[str, Any]] = []
    for place, name in enumerate(header):
        column = profile.columns[place]
        kind = next((kind for kind, said in _KINDS if said.search(name)), None)
        if kind is None or not column.filled or column.highest is None:
            continue
        highest = column.highest
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


def asked_of(audience: str | None, questions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The questions, with the recommendations of employees as `enps`: those of customers are another KPI."""
    is_theirs = audience == "employee"
    return [{**one, "kind": "enps"} if is_theirs and one["kind"] == "nps" else dict(one) for one in questions]


def audience_of(
    header: Iterable[str], columns: Mapping[str, str], questions: Sequence[Mapping[str, Any]]
) -> str | None:
    """Who was asked: `customer`, `employee`, or None when the file does not tell."""
    if questions and all(question["kind"] in EMPLOYEE_KINDS for question in questions):
        return "employee"
    said = " ".join(header)
    are_employees = bool(_EMPLOYEES.search(said)) or "user" in columns
    are_customers = bool(_CUSTOMERS.search(said)) or bool(CUSTOMER_TARGETS & set(columns))
    if are_employees == are_customers:
        return None
    return "employee" if are_employees else "customer"
