"""The scorecard in the terminal, and what to look at next."""

from __future__ import annotations

from crmlift.cli.output import results
from crmlift.scorecard import render_scorecard, scorecard_rows
from crmlift.settings_file import Loaded
from crmlift.warehouse.store import published


def show_scorecard(loaded: Loaded) -> None:
    """Verdicts of the published file, and the next three commands a user would want."""
    console = results()
    with published(loaded.places.analytics) as connection:
        render_scorecard(scorecard_rows(connection), console, loaded.settings.company.locale)
    console.print(f"\nTables  {loaded.places.analytics}\nReport  {loaded.places.report / 'index.html'}\n")
    console.print("Next:")
    console.print('  crmlift query "select * from evaluation.kpi_current"      the verdicts as a table')
    console.print("  crmlift kpi show win_rate                                 what a KPI means, and its last values")
    console.print(
        "  crmlift init                                              settings for your own Salesforce and HubSpot"
    )
