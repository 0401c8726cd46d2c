"""Checks of a source that changes under us: it gains a field, keeps an object back, counts after a change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.conformance_outcomes import NotApplicable, NotMet, require
from connectors.contract import Connector, StreamSchema, Window
from connectors.reading_back import Read, key_of, read_pages, value_of

if TYPE_CHECKING:
    from connectors.conformance import Change, Trial


def growth(trial: Trial, _: str) -> str:
    """A field that is new is in the schema, and a read from the beginning fills it for records that did not change."""
    if trial.subject.grow is None:
        raise NotApplicable("nobody can give the source another field here")
    grown = trial.subject.grow()
    connector = trial.subject.open()
    try:
        schema = connector.schema(grown.stream)
        read = _whole(trial, connector, schema)
        schema = read.pages[-1].schema or schema if read.pages else schema
    finally:
        connector.close()
    fields = {field.name: field for field in schema.fields}
    require(grown.field in fields, f"{grown.stream} has no field {grown.field}, which the source has")
    filled = {key_of(r, schema) for r in read.rows(grown.stream) if value_of(r, fields[grown.field]) is not None}
    empty = grown.filled - filled
    require(not empty or read.is_cut, f"{len(empty)} of {len(grown.filled)} records come without {grown.field}")
    return f"{grown.stream}.{grown.field}: {len(grown.filled)} records"


def refusal(trial: Trial, _: str) -> str:
    """A stream that is kept back for good is a failure of its own, and another one can be read."""
    if trial.subject.withheld is None:
        raise NotApplicable("nobody can keep an object back here")
    connector, withheld = trial.subject.withheld()
    try:
        names = connector.streams()
        try:
            _whole(trial, connector, connector.schema(withheld)) if withheld in names else None
        except Exception as error:
            failure = connector.classify(error)
            if failure is None:
                raise NotMet(f"classify does not know {type(error).__name__}") from None
            trial.heard.append(str(failure))
            require(not failure.stops_source, f"{type(failure).__name__} stops the whole source")
            require(bool(failure.what and failure.next_step), "the failure does not say what to do next")
        else:
            told = withheld in {finding.object for finding in connector.findings()}
            require(told, f"{withheld} is kept back, and neither a failure nor a finding says so")
        other = next(name for name in names if name != withheld)
        _whole(trial, connector, connector.schema(other))
    finally:
        connector.close()
    return f"{withheld} kept back, {other} read"


def counting(trial: Trial, schema: StreamSchema, change: Change) -> None:
    """What the source counts after a change is what a table would hold that followed it."""
    whole = trial.whole(change.stream)
    connector = trial.subject.open()
    try:
        now = _whole(trial, connector, schema)
        count = connector.count(schema)
    finally:
        connector.close()
    live = (whole.live(schema) | change.changed) - change.deleted
    if count is not None and not (whole.is_cut or now.is_cut or schema.keeps_history):
        require(count == len(live), f"after a change count() says {count}, the records followed are {len(live)}")


def _whole(trial: Trial, connector: Connector, schema: StreamSchema) -> Read:
    return read_pages(connector, schema, Window(None, connector.clock()), None, trial.subject.rows)
