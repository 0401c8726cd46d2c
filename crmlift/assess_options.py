"""What the command line of `crmlift assess` says, and what of it contradicts itself or cannot be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import get_args
from zoneinfo import available_timezones

import numpy as np

from connectors.files.evidence import Answers
from crmlift.assess_table import FileOptions
from crmlift.errors import UsageFailure
from metrics.question import Kind, Period

LONGEST_LEARNING_DAYS = 730


@dataclass(frozen=True)
class AssessOptions:
    """Columns by name. learning_days None: 42 for events, days and weeks, else 0. better None: higher, but for times.

    rows: `events` or `periods`, None is told by the file. gaps: what a period without a row means, `zero` or `unknown`.
    scale: what values are multiplied by. nps_scale: `0-10` (answers) or `coded` (−1, 0, 1).
    """

    date: str
    value: str | None = None
    go_live: str | None = None
    unit: str | None = None
    go_live_column: str | None = None
    treated: str | None = None
    end: str | None = None
    denominator: str | None = None
    kind: str | None = None
    quantile: float | None = None
    period: str = "auto"
    better: str | None = None
    learning_days: int | None = None
    min_important: float | None = None
    covariates: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    mix: tuple[str, ...] = ()
    log: bool = False
    as_of: str | None = None
    rows: str | None = None
    gaps: str | None = None
    scale: float | None = None
    nps_scale: str | None = None
    file: FileOptions = field(default_factory=FileOptions)

    @property
    def named(self) -> dict[str, str | None]:
        """Option → column it names."""
        named = {
            "--date": self.date, "--value": self.value, "--unit": self.unit, "--end": self.end,
            "--go-live-column": self.go_live_column, "--treated": self.treated, "--denominator": self.denominator,
        }  # fmt: skip
        for option, names in (("--covariates", self.covariates), ("--by", self.by), ("--mix", self.mix)):
            named |= {f"{option} {name}": name for name in names}
        return named

    @property
    def is_time(self) -> bool:
        """Whether the value is how long something took."""
        return self.end is not None or self.kind == "duration"


def check_options(options: AssessOptions) -> None:
    """UsageFailure for what contradicts itself or is out of range, before anything is read."""
    _check_dates(options)
    _check_words(options)
    _check_numbers(options)
    _check_kind(options)


def _check_dates(options: AssessOptions) -> None:
    dated = [bool(each) for each in (options.go_live, options.go_live_column, options.treated)]
    if sum(dated) != 1:
        raise UsageFailure(
            "The date of the change is missing." if not any(dated) else "The date of the change was given twice.",
            next_step="give one of --go-live DATE, --go-live-column COLUMN, --treated COLUMN",
        )
    if not options.go_live and not options.unit:
        raise UsageFailure(
            f"{'--treated' if options.treated else '--go-live-column'} says when each unit changed, but no --unit says "
            "which rows belong together.",
            next_step="add --unit COLUMN (team, region, shop …)",
        )
    for option, text in (("--go-live", options.go_live), ("--as-of", options.as_of)):
        if text:
            day_of(text, option)


def _check_words(options: AssessOptions) -> None:
    for name, given, allowed in (
        ("--kind", options.kind, get_args(Kind)),
        ("--period", options.period, get_args(Period)),
        ("--better", options.better, ("higher", "lower")),
        ("--rows", options.rows, ("events", "periods")),
        ("--gaps", options.gaps, ("zero", "unknown")),
        ("--nps-scale", options.nps_scale, ("0-10", "coded")),
    ):
        if given is not None and given not in allowed:
            raise UsageFailure(f"{name} cannot be {given!r}.", next_step=f"use one of: {', '.join(allowed)}")


def _check_numbers(options: AssessOptions) -> None:
    if options.quantile is not None and not 0 < options.quantile < 1:
        raise UsageFailure(f"--quantile cannot be {options.quantile:g}.", next_step="use a share such as 0.5 or 0.9")
    important = options.min_important
    if important is not None and not 0 < important < 1:
        example = f"{important / 100:g} for {important:g} %" if 1 <= important < 100 else "0.05 for 5 %"
        raise UsageFailure(
            f"--min-important {important:g} would be {important * 100:g} %: it is a share between 0 and 1.",
            next_step=f"write {example}",
        )
    days = options.learning_days
    if days is not None and not 0 <= days <= LONGEST_LEARNING_DAYS:
        raise UsageFailure(
            f"--learning-days cannot be {days}.",
            why="They are left out after the go-live, while people learn.",
            next_step=f"use a number from 0 to {LONGEST_LEARNING_DAYS}",
        )
    zone = options.file.timezone
    if zone is not None and zone not in available_timezones():
        raise UsageFailure(f"--timezone cannot be {zone!r}.", next_step="use a name such as Europe/Kyiv")
    if options.scale is not None and not (np.isfinite(options.scale) and options.scale > 0):
        raise UsageFailure(f"--scale cannot be {options.scale:g}.", next_step="such as 0.01 for values in per cent")


def _check_kind(options: AssessOptions) -> None:
    if options.kind == "duration" and not options.end and not options.value:
        raise UsageFailure("A duration needs an end.", next_step="add --end COLUMN, or --value with the time in days")
    if options.quantile is not None and options.kind not in (None, "quantile"):
        raise UsageFailure(
            f"--quantile and --kind {options.kind} contradict each other.", next_step="leave one of them out"
        )
    if options.is_time and options.better is None:
        raise UsageFailure(
            "Is a shorter time better, or a longer one?",
            why="A time until an answer is better when shorter, a time until a customer leaves when longer.",
            next_step="add --better lower or --better higher",
        )
    if options.kind == "nps" and (options.denominator or not options.value):
        raise UsageFailure(
            "An NPS needs one answer a row.", next_step="name its column with --value, without --denominator"
        )
    if options.rows == "periods" and (options.end or not options.value):
        raise UsageFailure(
            "--rows periods says that each row is the figure of a period, but no --value names it.",
            next_step="add --value COLUMN, or leave --rows out",
        )


def checked_answers(
    decimal: str | None, date_format: str | None, first_year: int | None, exchanged_days: str | None
) -> Answers:
    """What the command line says of how the file is written; UsageFailure for a word that is no answer."""
    if decimal is not None and decimal not in (".", ","):
        raise UsageFailure(f"--decimal cannot be {decimal!r}.", next_step="use . or ,")
    if exchanged_days is not None and exchanged_days not in ("yes", "no"):
        raise UsageFailure(f"--exchanged-days cannot be {exchanged_days!r}.", next_step="use yes or no")
    swapped = None if exchanged_days is None else exchanged_days == "yes"
    return Answers(decimal=decimal, date_format=date_format, first_year=first_year, exchanged_days=swapped)


def day_of(text: str, option: str) -> np.datetime64:
    """A date from the command line: 2026-03-02, 2026-03 or 2026."""
    try:
        found = np.datetime64(text.strip(), "D")
    except ValueError as error:
        raise UsageFailure(f"{option} {text!r} is not a date.", next_step="write it as 2026-03-02") from error
    if np.isnat(found):
        raise UsageFailure(f"{option} {text!r} is not a date.", next_step="write it as 2026-03-02")
    return found
