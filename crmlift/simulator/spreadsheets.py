"""What a company keeps in spreadsheets beside its CRMs: costs, quotas, forecasts, benchmarks, product scores, surveys.

They are written as people write them: another encoding, decimal commas, blanks in thousands, dates with dots. The
figures of others and the scores are made up.
"""

from __future__ import annotations

import csv
import shutil
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from crmlift.simulator.company import Company
from crmlift.simulator.scenario import WAVES
from crmlift.simulator.spreadsheet_surveys import customer_effort, employee_survey
from crmlift.simulator.world import World

MAPPING = Path(__file__).with_suffix(".yml")
SEAT_PRICE_EUR = 55
MADE_UP = "Example Research (made up)"
TO_EUR = {"EUR": 1.0, "USD": 0.9, "UAH": 0.022, "PLN": 0.23}
BEGIN, HORIZON = date(2025, 7, 1), date(2028, 7, 1)

ONE_OFF = (
    ("Впровадження", "2025-08-01", "2025-10-31", 38_400.00, "INV-101"),
    ("Міграція", "2025-09-01", "2025-10-31", 9_650.50, "INV-102"),
    ("Інтеграція", "2025-08-01", "2025-12-31", 14_280.00, "INV-103"),
    ("Навчання", "2025-10-01", "2025-10-31", 6_300.00, "INV-104"),
    ("Навчання", "2025-11-01", "2025-11-30", 6_300.00, "INV-105"),
    ("Навчання", "2026-01-01", "2026-01-31", 6_300.00, "INV-106"),
    ("Управління змінами", "2025-09-01", "2026-03-31", 7_850.75, "INV-107"),
    ("Обладнання", "2025-09-01", "2025-09-30", 0.0, "INV-108"),
    ("Інше", "2025-10-01", "2025-10-31", 1_240.00, "INV-109"),
)
BENCHMARKS = (
    ("ex-win", "win_rate", "close", "median", "0.38", "0.46", "0.55", "share", 412, "2027-12-31"),
    ("ex-cycle", "sales_cycle_days", "close", "median", "24", "38", "61", "days", 412, "2027-12-31"),
    ("ex-lead", "lead_response_minutes", "loose", "median", "", "95", "", "minutes", 180, "2027-06-30"),
    ("ex-reply", "first_response_minutes", "close", "median", "60", "140", "300", "minutes", 260, "2027-06-30"),
    ("ex-solve", "resolution_hours", "loose", "median", "16", "30", "48", "hours", 260, "2027-06-30"),
    ("ex-nps", "nps", "exact", "mean", "", "24", "", "points_-100_100", 5200, "2027-12-31"),
    ("ex-csat", "csat_top2", "exact", "share", "", "0.74", "", "share", 5200, "2027-12-31"),
    ("ex-use", "weekly_active_user_rate", "close", "median", "0.55", "0.68", "0.8", "share", 140, "2027-12-31"),
    ("ex-old", "lead_response_within_1h", "loose", "share", "", "0.37", "", "share", 90, "2019-12-31"),
)
PRODUCTS = (
    ("sf", "Salesforce Sales Cloud", "Salesforce", "Enterprise", 412_000, 0),
    ("hs", "HubSpot Sales Hub", "HubSpot", "Professional", 268_000, 61_000),
    ("alt", "Another CRM", "Example Vendor", "Business", 174_000, 88_000),
)
CRITERIA = (
    ("sales", "", "Selling", "Продажі", 0.4, 0.3, 0.5, "no", None),
    ("pipeline", "sales", "Pipeline and stages", "Воронка та етапи", 0.6, 0.5, 0.7, "yes", (4.4, 4.1, 3.6)),
    ("forecast", "sales", "Forecasting", "Прогнози", 0.4, 0.3, 0.5, "no", (4.3, 3.5, 2.9)),
    ("service", "", "Service", "Підтримка", 0.3, 0.2, 0.4, "no", None),
    ("tickets", "service", "Requests and promises", "Звернення та строки", 0.7, 0.6, 0.8, "no", (3.9, 4.2, 3.1)),
    ("chat", "service", "Chat and telephone", "Чат і телефонія", 0.3, 0.2, 0.4, "no", (3.6, 4.0, 3.7)),
    ("use", "", "Ease of use", "Зручність", 0.3, 0.2, 0.4, "no", None),
    ("learn", "use", "Quick to learn", "Легко навчитися", 0.5, 0.4, 0.6, "no", (3.1, 4.3, 4.0)),
    ("ukrainian", "use", "In Ukrainian", "Українською", 0.5, 0.4, 0.6, "yes", (3.8, 3.9, 4.6)),
)


def write_spreadsheets(company: Company, world: World, folder: Path) -> None:
    """Write everything known at the company's present, and the mapping, into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    today = company.as_of.date()
    _costs(world, today, folder / "costs.csv")
    _benefits(folder / "benefits.csv")
    _seats(world, today, folder / "licence_seats.csv")
    _plans(company, world, folder)
    _market(folder)
    _ledger(company, world, folder / "ledger.csv")
    employee_survey(world, company.as_of, folder)
    customer_effort(world, company.as_of, folder)
    shutil.copyfile(MAPPING, folder / "mapping.yml")


def _costs(world: World, today: date, path: Path) -> None:
    """Semicolons, Windows-1251, a title row, last days of months; what is still to come is a plan."""
    seats = _seats_by_wave(world)
    rows = [
        [item, _dotted(first), _dotted(last), _money(amount), "", "", "так", "так", "факт", number]
        for item, first, last, amount, number in ONE_OFF
    ]
    rows.append(
        ["Праця", _dotted("2025-08-01"), _dotted("2026-02-28"), "", "620", "28,50", "так", "ні", "оцінка", "INV-110"]
    )
    for place, month in enumerate(_months(date(2025, 10, 1), HORIZON)):
        live = sum(count for wave, count in seats.items() if date.fromisoformat(wave) < _next_month(month))
        basis = "факт" if _next_month(month) <= today else "план"
        last = _next_month(month) - timedelta(days=1)
        span = [_dotted(month), _dotted(last)]
        rows.append(
            ["Ліцензії", *span, _money(live * SEAT_PRICE_EUR), "", "", "ні", "так", basis, f"LIC-{place + 1:03d}"]
        )
        rows.append(["Підтримка", *span, _money(900), "", "", "ні", "так", basis, f"SUP-{place + 1:03d}"])
    header = ["Стаття", "З", "По", "Сума, €", "Години", "Ставка", "Разово", "Додаткові", "Підстава", "Документ"]
    title = [["Витрати на впровадження CRM", *[""] * 9], [""] * 10]
    _write(path, [*title, header, *rows], encoding="cp1251", delimiter=";")


def _benefits(path: Path) -> None:
    header = ["Benefit", "KPI", "Mechanism", "Unit value", "Low", "Likely", "High", "Risk", "Evidence"]
    rows = [
        [
            "margin",
            "won_revenue",
            "margin_from_won_revenue",
            "0.24",
            "40%",
            "60%",
            "80%",
            "15%",
            "management accounts 2024",
        ],
        [
            "service-hours",
            "resolution_hours",
            "hours_saved",
            "0.40",
            "20%",
            "35%",
            "50%",
            "25%",
            "time study of two branches",
        ],
        [
            "lead-hours",
            "lead_response_minutes",
            "cost_avoided",
            "0.02",
            "10%",
            "20%",
            "30%",
            "30%",
            "estimate of the sales head",
        ],
    ]
    _write(path, [header, *rows])


def _seats(world: World, today: date, path: Path) -> None:
    """Seats bought before each wave, a tenth more than people."""
    rows, bought = [], 0
    starts = [*_seats_by_wave(world).items()]
    for place, (go_live, count) in enumerate(starts):
        bought += round(count * 1.1)
        until = starts[place + 1][0] if place + 1 < len(starts) else ""
        if date.fromisoformat(go_live) <= today:
            rows.append(["sf", go_live, until and _dotted(date.fromisoformat(until) - timedelta(days=1)), str(bought)])
    for row in rows:
        row[1] = _dotted(row[1])
    _write(path, [["CRM", "From", "Until", "Seats"], *rows], delimiter="\t")


def _plans(company: Company, world: World, folder: Path) -> None:
    """Quotas of branches by quarter, and what they forecast when the quarter began: a little too much."""
    won = _won_by_quarter(company, world)
    today = company.as_of.date()
    quotas, forecasts = [], []
    for place, team in enumerate(world.teams):
        usual = float(np.median([won[team, q] for q in _quarters(date(2025, 1, 1), date(2025, 10, 1))]))
        for number, start in enumerate(_quarters(date(2024, 10, 1), today)):
            rng = np.random.default_rng([world.seed, place, start.toordinal()])
            end = _next_quarter(start) - timedelta(days=1)
            quota = round(usual * 1.04**number * float(rng.lognormal(0.05, 0.1)), -2)
            heard = won[team, start] if _next_quarter(start) <= today else usual * 1.05
            forecast = round(heard * float(rng.lognormal(0.08, 0.15)), -2)
            told = datetime(start.year, start.month, 3, 9) + timedelta(hours=int(rng.integers(48)))
            quotas.append([team, _dotted(start), _dotted(end), _money(quota)])
            if told.date() < today:
                submitted = told.strftime("%d.%m.%Y %H:%M")
                forecasts.append([team, _dotted(start), _dotted(end), submitted, "commit", _money(forecast)])
    _write(folder / "quotas.csv", [["Branch", "From", "To", "Quota, EUR"], *quotas], delimiter=";")
    header = ["Branch", "From", "To", "Submitted", "Basis", "Forecast, EUR"]
    _write(folder / "forecasts.csv", [header, *forecasts], delimiter=";")


def _market(folder: Path) -> None:
    header = [
        "benchmark_id", "kpi_id", "definition_match", "industry", "region", "company_size", "sales_motion", "statistic",
        "value_low", "value", "value_high", "unit", "sample_n", "period_from", "period_to", "publisher", "is_vendor",
        "source_url", "retrieved_on", "quality_grade", "expires_on", "note",
    ]  # fmt: skip
    rows = [
        [one, kpi, match, "wholesale", "Europe", "50-500", "field", statistic, low, value, high, unit,
         str(n), "2024-01-01", "2024-12-31", MADE_UP, "no",
         f"https://example.com/benchmarks/{one}", "2025-06-02", "C", expires, "made up"]
        for one, kpi, match, statistic, low, value, high, unit, n, expires in BENCHMARKS
    ]  # fmt: skip
    _write(folder / "benchmarks.csv", [header, *rows])
    header = ["product", "name", "vendor", "edition", "priced on", "three years, EUR", "switching, EUR"]
    products = [
        [one, name, who, kind, "2025-06-02", str(tco), str(move)] for one, name, who, kind, tco, move in PRODUCTS
    ]
    _write(folder / "crm_products.csv", [header, *products])
    header = ["criterion", "parent", "name", "назва", "weight", "low", "high", "must have"]
    _write(folder / "crm_criteria.csv", [header, *([str(part) for part in row[:8]] for row in CRITERIA)])
    header = ["product", "criterion", "rater", "score", "evidence", "url", "scored on"]
    rng = np.random.default_rng(2025)
    scores = [
        [product[0], row[0], rater, str(int(np.clip(round(mean + rng.normal(0, 0.6)), 1, 5))), "trial",
         f"https://example.com/trials/{product[0]}/{row[0]}", "2025-06-10"]
        for row in CRITERIA if row[8] is not None
        for product, mean in zip(PRODUCTS, row[8], strict=True)
        for rater in ("sales", "service", "it")
    ]  # fmt: skip
    _write(folder / "crm_scores.csv", [header, *scores])


def _ledger(company: Company, world: World, path: Path) -> None:
    """What the books say was sold in each closed quarter: by their own dates and at their own rates."""
    sold: dict[date, float] = defaultdict(float)
    for (_, start), amount in _won_by_quarter(company, world).items():
        sold[start] += amount
    for row in company.hubspot["deals"].rows:
        when, value = row["closedate"], row["amount_in_home_currency"]
        if row["hs_is_closed_won"] and isinstance(when, datetime) and isinstance(value, (int, float)):
            sold[_quarter_of(when.date())] += value
    ends = {start: _next_quarter(start) for start in _quarters(date(2025, 1, 1), company.as_of.date())}
    rows = [
        [_dotted(start), _dotted(end - timedelta(days=1)), _money(sold[start]), f"GL-{start:%Y-%m}"]
        for start, end in ends.items() if end <= company.as_of.date()
    ]  # fmt: skip
    _write(path, [["From", "To", "Sales, EUR", "Entry"], *rows], delimiter=";")


def _seats_by_wave(world: World) -> dict[str, int]:
    """Go-live date → people of the wave's teams."""
    return {wave.go_live: int(np.isin(world.team_of, world.wave_teams[wave.id]).sum()) for wave in WAVES}


def _won_by_quarter(company: Company, world: World) -> dict[tuple[str, date], float]:
    """Roughly what each branch won in each quarter, in euros."""
    roles = {row["Id"]: str(row["Name"]) for row in company.salesforce["UserRole"].rows}
    team = {row["Id"]: roles.get(row["UserRoleId"], "") for row in company.salesforce["User"].rows}
    won: dict[tuple[str, date], float] = defaultdict(float)
    for row in company.salesforce["Opportunity"].rows:
        closed, amount = row["CloseDate"], row["Amount"]
        if row["IsWon"] and isinstance(closed, date) and isinstance(amount, (int, float)):
            won[team.get(row["OwnerId"], ""), _quarter_of(closed)] += amount * TO_EUR.get(
                str(row["CurrencyIsoCode"]), 1.0
            )
    return won


def _months(first: date, last: date) -> Iterable[date]:
    while first < last:
        yield first
        first = _next_month(first)


def _quarters(first: date, last: date) -> Iterable[date]:
    while first < last:
        yield first
        first = _next_quarter(first)


def _next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _next_quarter(day: date) -> date:
    return _next_month(_next_month(_next_month(day)))


def _quarter_of(day: date) -> date:
    return date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)


def _dotted(day: date | str) -> str:
    day = date.fromisoformat(day) if isinstance(day, str) else day
    return day.strftime("%d.%m.%Y")


def _money(amount: float) -> str:
    """`38 400,00` with a blank that does not break."""
    return f"{amount:,.2f}".replace(",", "\u00a0").replace(".", ",")


def _write(path: Path, rows: Sequence[Sequence[Any]], *, encoding: str = "utf-8-sig", delimiter: str = ",") -> None:
    with path.open("w", encoding=encoding, newline="") as opened:
        csv.writer(opened, delimiter=delimiter).writerows(rows)
