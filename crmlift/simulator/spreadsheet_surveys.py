"""Surveys kept beside the CRMs, as forms export them: what employees think of the CRM, how easy customers found it."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.random import Generator

from crmlift.simulator.clock import DAY, HOUR, SECOND, ZONE, known_instants, local_ms, ms
from crmlift.simulator.scenario import WAVES
from crmlift.simulator.service import simulate_tickets
from crmlift.simulator.world import Person, World

ROUNDS = ("2025-09-08", "2026-02-16", "2026-05-18", "2026-09-14", "2027-02-15", "2027-05-17", "2027-09-13")
"""The first before anybody had the CRM: it asks about the tools of then."""

SUS = (
    "I would like to use it often", "It is needlessly complex", "It is easy to use", "I need somebody's help to use it",
    "Its parts fit together well", "It is too inconsistent", "Most people would learn it quickly", "It is cumbersome",
    "I feel confident using it", "I had to learn a lot first",
)  # fmt: skip
USEFULNESS = ("It makes me faster", "It improves my work", "It makes my work easier", "It is useful to me")
RECOMMEND = "How likely are you to recommend our CRM to a colleague? (0-10)"
HEADER = (
    "Timestamp", "Email Address", "Which branch do you work in?", "Round", RECOMMEND, *SUS, *USEFULNESS,
    "What should we change?", "Theme", "Sentiment",
)  # fmt: skip
WISHES = (
    ("data entry", "negative", "Забагато обов'язкових полів"), ("data entry", "negative", "I type everything twice"),
    ("speed", "negative", "Pages load slowly in the morning"),
    ("speed", "negative", "Довго відкривається картка клієнта"),
    ("training", "neutral", "Потрібне ще одне навчання для новачків"), ("training", "neutral", "More examples, please"),
    ("mobile", "negative", "The app logs me out on the road"), ("reports", "neutral", "Звіти незрозумілі"),
    ("integration", "negative", "Telephone calls do not appear by themselves"),
    ("overview", "positive", "At last I see all my customers in one place"),
    ("overview", "positive", "Зручно бачити історію звернень"), ("support", "positive", "Help answers quickly"),
)  # fmt: skip


def employee_survey(world: World, as_of: datetime, folder: Path) -> None:
    """Write employee_survey.csv and survey_invitations.csv: the rounds up to `as_of`."""
    answers: list[list[str]] = []
    invitations: list[list[str]] = []
    for number, day in enumerate(ROUNDS):
        sent = datetime.fromisoformat(day).replace(hour=9, tzinfo=ZONE)
        if sent >= as_of:
            break
        rng = world.rng(f"survey {day}")
        for person in world.people:
            draws = rng.random(4)
            if person.team < 0 or not person.start <= ms(sent.astimezone(UTC)) < person.end:
                continue
            name = f"{sent.year}-{sent.month:02d}"
            invitations.append([person.email, name, sent.strftime("%d.%m.%Y %H:%M")])
            answered = sent + timedelta(minutes=float(draws[1]) * 9 * 1440)
            row = _answer(world, person, number, sent, draws[2], rng)
            if draws[0] < 0.62 and answered < as_of:
                email = "" if draws[3] < 0.12 else person.email
                stamp = answered.strftime("%d.%m.%Y %H:%M")
                answers.append([stamp, email, world.teams[person.team], name, *row])
    _write(folder / "employee_survey.csv", [list(HEADER), *answers])
    _write(folder / "survey_invitations.csv", [["Email", "Round", "Sent"], *invitations])


def customer_effort(world: World, as_of: datetime, folder: Path) -> None:
    """Write customer_effort.csv: one question after every fourth solved request, asked since the first go-live only."""
    rng = world.rng("customer effort")
    tickets = simulate_tickets(world)
    asked, later, score = rng.random((3, len(tickets.team)))
    answered = tickets.closed + (HOUR + later * 2 * DAY).astype(np.int64) // SECOND * SECOND
    first = local_ms(WAVES[0].go_live)
    shown = np.flatnonzero((asked < 1 / 4) & tickets.is_valid & (answered >= first) & (answered < ms(as_of)))
    grade = 1 + np.searchsorted([0.03, 0.07, 0.13, 0.24, 0.46, 0.76], score[shown])
    rows = [
        [f"CES-{number}", f"{when.astimezone(ZONE):%d.%m.%Y %H:%M}", str(one)]
        for number, when, one in zip(shown.tolist(), known_instants(answered[shown]), grade.tolist(), strict=True)
    ]
    _write(folder / "customer_effort.csv", [["Answer", "Submitted", "They made it easy (1-7)"], *rows])


def _answer(world: World, person: Person, number: int, sent: datetime, liking: float, rng: Generator) -> list[str]:
    """Answers of one person: those whose team has learned the CRM like it better, where the rollout did anything."""
    has_effect = bool(world.scenario.effects)
    learned = world.learned[person.team] <= ms(sent.astimezone(UTC))
    level = 2.9 + 0.9 * (liking - 0.5) + (0.7 if has_effect and learned and number else 0.0)
    items = np.clip(np.rint(level + rng.normal(0, 0.8, 10)), 1, 5)
    items[1::2] = 6 - items[1::2]
    useful = np.clip(np.rint(1.5 * (level - 1) + 1 + rng.normal(0, 0.9, 4)), 1, 7)
    recommend = int(np.clip(round(2.1 * (level - 1) + 1.2 + rng.normal(0, 1.6)), 0, 10))
    cells = [str(int(item)) for item in items]
    if rng.random() < 0.04:
        cells[int(rng.integers(10))] = ""
    happy = WISHES if level > 3 else tuple(w for w in WISHES if w[1] != "positive")
    theme, sentiment, text = happy[int(rng.integers(len(happy)))]
    wish = [text, theme, sentiment] if rng.random() < 0.45 else ["", "", ""]
    return [str(recommend), *cells, *(str(int(answer)) for answer in useful), *wish]


def _write(path: Path, rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as opened:
        csv.writer(opened).writerows(rows)
