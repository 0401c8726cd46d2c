"""The engine's own failures; those of sources are in `connectors.errors`, which also holds their common base."""

from __future__ import annotations

from connectors.errors import ExpectedFailure


class UsageFailure(ExpectedFailure):
    """A command was given something it cannot use."""

    exit_code = 2


class ConfigurationFailure(ExpectedFailure):
    """`crmlift.yml` or the environment is wrong or incomplete."""

    exit_code = 10


class DataCheckFailure(ExpectedFailure):
    """Data broke a rule declared as `fail`; nothing of the step was committed."""

    exit_code = 13


class WarehouseFailure(ExpectedFailure):
    """The DuckDB file could not be opened or written."""

    exit_code = 10
