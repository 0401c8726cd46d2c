"""The scorecard in the terminal, and what to look at next."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

from crmlift.cli.output import results
from crmlift.report.catalogue import texts_for
from crmlift.scorecard import render_scorecard, scorecard_rows
from crmlift.settings_file import Loaded
from crmlift.warehouse.store import published


def show_scorecard(loaded: Loaded) -> None:
    """Verdicts of the published file, and the next three commands a user would want."""
    console, locale = results(), loaded.settings.company.locale
    if loaded.settings.rollouts:
        with published(loaded.places.analytics) as connection:
            render_scorecard(scorecard_rows(connection), console, locale)
    else:
        console.print(texts_for(locale)("scorecard.no_rollout", settings=_near(loaded.path)))
    console.print(f"\nTables  {loaded.places.analytics}\nReport  {loaded.places.report / 'index.html'}\n")
    console.print("Next:")
    for arguments, what in (
        ('query "select * from evaluation.kpi_current"', "the verdicts as a table, waves and segments too"),
        ("kpi show win_rate", "what a KPI means, and its last values"),
        ("init", "settings for your own Salesforce and HubSpot"),
    ):
        console.print(f"  {_called(loaded)} {arguments:<46}  {what}", soft_wrap=True)


def _called(loaded: Loaded) -> str:
    """How to call this program again on the same home, as it could be typed here."""
    typed = Path(sys.argv[0])
    program = _near(typed) if typed.name == "crmlift" and not shutil.which("crmlift") else "crmlift"
    is_usual = loaded.places.home == Path.cwd() / "data"
    return program if is_usual else f"CRMLIFT_HOME={shlex.quote(_near(loaded.places.home))} {program}"


def _near(path: Path) -> str:
    """Relative to where the user stands, when it lies below."""
    path = path.absolute()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
