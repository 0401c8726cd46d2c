"""The engine: settings, warehouse, SQL runner, the steps of the nightly run, alerts, report, simulator, commands."""

__version__ = "0.1.0"
