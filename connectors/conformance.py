"""Does a connector keep the contract? The same checks for every source, on the command line and in pytest.

A `Subject` says how to open the connector and, where whoever runs the source can do it, how to change records, to break
the source and to be refused; what cannot be done is reported as not applicable. `Trial` reads each stream once and
tries the checks of `CHECKS` on it:

    @pytest.mark.parametrize("check", CHECKS)
    def test_it_conforms(check: str) -> None:
        with Trial(Subject(open=lambda: MyConnector("my", {...}, {}))) as trial:
            assert [r for r in trial.results(check) if r.outcome == "failed"] == []
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from connectors.conformance_checks import CHECKS
from connectors.conformance_outcomes import NotApplicable, NotMet
from connectors.contract import Checkpoint, Connector, StreamSchema, Window
from connectors.reading_back import Read, read_pages

Outcome = Literal["passed", "failed", "not applicable"]


@dataclass(frozen=True)
class Change:
    """What `Subject.change` did to a stream: keys of records that are new or other than before, and of those gone."""

    stream: str
    changed: frozenset[Any] = frozenset()
    deleted: frozenset[Any] = frozenset()


@dataclass(frozen=True)
class Growth:
    """What `Subject.grow` did to a stream: a field it did not have, and the keys of records that have a value in it."""

    stream: str
    field: str
    filled: frozenset[Any]


@dataclass(frozen=True)
class Subject:
    """A connector to try.

    open: a connector to the source, a new one at each call. streams: only these. rows: a read is cut after so many.
    secrets: texts that nobody may ever see. change: changes records of the source. stormy: a connector to the same
    source failing now and then, in ways a retry mends. unreachable, refused: one to an address where nobody answers,
    one with wrong credentials. grow: gives a stream a field and old records values in it. withheld: a connector to a
    source that keeps one stream back for good, and that stream.
    """

    open: Callable[[], Connector]
    streams: tuple[str, ...] = ()
    rows: int = 20_000
    resumes: int = 8
    secrets: tuple[str, ...] = ()
    change: Callable[[], Change] | None = None
    stormy: Callable[[], Connector] | None = None
    unreachable: Callable[[], Connector] | None = None
    refused: Callable[[], Connector] | None = None
    grow: Callable[[], Growth] | None = None
    withheld: Callable[[], tuple[Connector, str]] | None = None


@dataclass(frozen=True)
class Result:
    """How one check went; stream is empty for checks of the source as a whole."""

    check: str
    stream: str
    outcome: Outcome
    detail: str = ""


@dataclass
class _Ears(logging.Handler):
    """Keeps what is logged."""

    heard: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(logging.DEBUG)

    def __hash__(self) -> int:
        return id(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage())


class Trial:
    """One subject under test. A context manager: within it everything that is logged is listened to."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.connector = subject.open()
        self.heard: list[str] = []
        self.reads: dict[str, Read] = {}
        self._ears = _Ears(self.heard)
        self._levels: dict[logging.Handler, int] = {}
        self._level = logging.getLogger().level

    def __enter__(self) -> Trial:
        root = logging.getLogger()
        self._levels = {handler: handler.level for handler in root.handlers}
        for handler, level in self._levels.items():
            handler.setLevel(max(level, root.level))  # others hear no more than before
        root.addHandler(self._ears)
        root.setLevel(logging.DEBUG)
        return self

    def __exit__(self, *_: object) -> None:
        root = logging.getLogger()
        root.removeHandler(self._ears)
        root.setLevel(self._level)
        for handler, level in self._levels.items():
            handler.setLevel(level)
        self.connector.close()

    @cached_property
    def streams(self) -> list[str]:
        """Streams under test."""
        names = self.connector.streams()
        return [name for name in names if not self.subject.streams or name in self.subject.streams]

    @cached_property
    def schemas(self) -> dict[str, StreamSchema]:
        """Stream → its shape, asked once, with the time the reads end at."""
        return {name: self.connector.schema(name) for name in self.streams}

    @cached_property
    def until(self) -> datetime:
        """The end of every window."""
        return self.connector.clock()

    def whole(self, stream: str) -> Read:
        """Everything the stream holds, read once."""
        if stream not in self.reads:
            self.reads[stream] = self.read(self.connector, stream, Window(None, self.until))
        return self.reads[stream]

    def read(self, connector: Connector, stream: str, window: Window, checkpoint: Checkpoint | None = None) -> Read:
        """One read of a stream, cut after the subject's number of rows."""
        return read_pages(connector, self.schemas[stream], window, checkpoint, self.subject.rows)

    def results(self, check: str) -> list[Result]:
        """How a check of CHECKS went, one result a stream."""
        function, is_by_stream = CHECKS[check]
        try:
            names = self.streams if is_by_stream else [""]
        except Exception as error:
            return [Result(check, "", "failed", f"the streams cannot be listed: {self._said(error)}")]
        return [self._result(check, function, name) for name in names]

    def all_results(self) -> Iterator[Result]:
        """Every check, in order."""
        for check in CHECKS:
            yield from self.results(check)

    def _result(self, check: str, function: Callable[[Trial, str], str | None], stream: str) -> Result:
        try:
            return Result(check, stream, "passed", function(self, stream) or "")
        except NotApplicable as reason:
            return Result(check, stream, "not applicable", str(reason))
        except NotMet as reason:
            return Result(check, stream, "failed", str(reason))
        except Exception as error:
            return Result(check, stream, "failed", self._said(error))

    def _said(self, error: Exception) -> str:
        failure = self.connector.classify(error)
        text = str(failure) if failure is not None else f"{type(error).__name__}, which classify does not know"
        self.heard.append(text)
        return text


__all__ = ["CHECKS", "Change", "Growth", "Result", "Subject", "Trial"]
