"""Streams set apart: what one of them cannot give must not take the others, or the night, with it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from connectors.contract import Connector, Finding
from connectors.errors import ExpectedFailure, SourceFailure
from crmlift.landed_before import LandedBefore

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ExtractResult:
    """What one source gave. streams_read: without those that were set apart."""

    source_id: str
    rows: int
    streams: int
    streams_read: int
    api_calls: int


class PartlyRead(SourceFailure):
    """Some streams of a source could not be read; the others were landed, and the night goes on with them.

    first: the failure to show, with its own exit code. done: what was landed.
    """

    def __init__(self, first: ExpectedFailure, streams: list[str], done: ExtractResult) -> None:
        also = f" Also not read: {', '.join(streams[1:])}." if len(streams) > 1 else ""
        super().__init__(
            first.what, where=first.where, why=first.why + also, next_step=first.next_step,
            saved="The other streams were landed; what was not read stays as it was.",
        )  # fmt: skip
        self.exit_code, self.done = first.exit_code, done


class Refusals:
    """The streams of one source that were set apart, and why. before: what is known of them from earlier runs."""

    def __init__(self, connector: Connector, before: LandedBefore) -> None:
        self._connector, self._before = connector, before
        self._apart: dict[str, ExpectedFailure] = {}
        self._lacking: dict[str, tuple[str, ...]] = {}
        self._whole: dict[str, tuple[str, ...]] = {}

    @contextmanager
    def apart(self, stream: str) -> Iterator[None]:
        """A failure of this one stream is kept; one of the whole source goes on.

        Streams of files have nothing to do with each other: no failure of one is that of another.
        """
        try:
            with classified(self._connector):
                yield
        except ExpectedFailure as failure:
            if failure.stops_source and not hasattr(self._connector, "fingerprint"):
                for earlier in self._apart.values():
                    log.error("%s", earlier)
                raise
            log.warning("event=set_apart source=%s stream=%s", self._connector.source_id, stream)
            self._apart[stream] = failure
        else:
            self._apart.pop(stream, None)

    @property
    def streams(self) -> list[str]:
        """Streams that were not read."""
        return list(self._apart)

    @property
    def worth_another_try(self) -> list[str]:
        """Those that may be whole when they are asked once more."""
        return [stream for stream, failure in self._apart.items() if failure.is_retryable]

    def note_lacking(self, stream: str, columns: tuple[str, ...]) -> None:
        """Older records of the stream lack these until it was read whole."""
        self._lacking[stream] = columns

    def note_read_whole(self, stream: str, columns: tuple[str, ...]) -> None:
        """All records of the stream were read again for these."""
        if columns:
            self._whole[stream] = columns

    def findings(self) -> list[Finding]:
        """What is to be said of these streams."""
        unread = [
            Finding("unread_object", stream, None, " ".join(
                filter(None, [f"{stream} was not read: {failure.what}", failure.why, self._before.since_text(stream)])
            ))
            for stream, failure in self._apart.items()
        ]  # fmt: skip
        lacking = [
            Finding("missing_field", stream, column, f"Records of {stream} read earlier lack {column} until a run that "
                    "reads all of them is whole; the next one tries.")
            for stream, columns in self._lacking.items()
            for column in columns
        ]  # fmt: skip
        whole = [
            Finding("schema_grew", stream, None, f"{stream} gained {', '.join(columns)}: all of it was read once more.")
            for stream, columns in self._whole.items()
        ]
        return unread + lacking + whole

    def raise_untold(self, done: ExtractResult, others: list[ExpectedFailure]) -> None:
        """PartlyRead when anything was set apart; the failure itself when nothing at all was read."""
        failures = [*self._apart.values(), *others]
        for failure in failures[1:]:
            log.error("%s", failure)
        if failures and not done.streams_read:
            raise failures[0]
        if failures:
            raise PartlyRead(failures[0], self.streams, done)


@contextmanager
def classified(connector: Connector) -> Iterator[None]:
    """Errors of a connector leave as what they mean to people; those it does not know stay what they are."""
    try:
        yield
    except ExpectedFailure:
        raise
    except Exception as error:
        failure = connector.classify(error)
        if failure is None:
            raise
        raise failure from error
