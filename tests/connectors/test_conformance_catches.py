"""The conformance checks find what is wrong: the documented connector, broken in one place at a time."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.conformance import CHECKS, Change, Growth, Subject, Trial
from connectors.contract import Checkpoint, Connector, Field, FieldType, Page, StreamSchema, Window
from connectors.errors import SourceFailure, WholeSourceFailure
from connectors.registry import open_connector
from tests.connectors.plugin_fixture import forget, install, tickets

SECRET = "sec-4711-very"
Pages = Iterator[Page]
SETTINGS = {"type": "helpdesk", "page_rows": 7}


class Broken(Connector):
    """The helpdesk's connector with some methods exchanged."""

    system = "helpdesk"

    def __init__(self, good: Connector, **instead: Callable[..., Any]) -> None:
        self.source_id, self.good, self.instead = "desk", good, instead

    def streams(self) -> list[str]:
        return self._call("streams")

    def schema(self, stream: str) -> StreamSchema:
        return self._call("schema", stream)

    def read(self, schema: StreamSchema, window: Window, checkpoint: Checkpoint | None) -> Pages:
        return self._call("read", schema, window, checkpoint)

    def count(self, schema: StreamSchema) -> int | None:
        return self._call("count", schema)

    def _call(self, name: str, *arguments: Any) -> Any:
        return (
            self.instead[name](self.good, *arguments) if name in self.instead else getattr(self.good, name)(*arguments)
        )


def schema_with(**other: Any) -> Callable[..., StreamSchema]:
    return lambda good, stream: replace(good.schema(stream), **other)


def without_ties(good: Connector, schema: StreamSchema, window: Window, checkpoint: Any) -> Pages:
    """`>` where the contract says `>=`."""
    for page in good.read(schema, window, checkpoint):
        rows = [row for row in rows_of(page) if "changed_at" not in row or row["changed_at"] != str_of(window)]
        yield Page.of_rows(page.stream, rows, kind=page.kind, checkpoint=page.checkpoint)


def str_of(window: Window) -> str:
    return window.since.isoformat() if window.since else ""


def rows_of(page: Page) -> list[dict[str, Any]]:
    import json

    return [json.loads(line) for line in b"".join(page.body).splitlines()]


def beyond_the_end(good: Connector, schema: StreamSchema, window: Window, checkpoint: Any) -> Pages:
    return good.read(schema, Window(window.since, good.clock()), checkpoint)


def from_the_start(good: Connector, schema: StreamSchema, window: Window, checkpoint: Any) -> Pages:
    return good.read(schema, window, None)


def one_page_on(good: Connector, schema: StreamSchema, window: Window, checkpoint: Any) -> Pages:
    pages = good.read(schema, window, checkpoint)
    if checkpoint:
        next(pages)
    return pages


def no_deletes(good: Connector, schema: StreamSchema, window: Window, checkpoint: Any) -> Pages:
    return (page for page in good.read(schema, window, checkpoint) if page.kind == "upsert")


def twice(good: Connector, schema: StreamSchema, window: Window, checkpoint: Any) -> Pages:
    for page in good.read(schema, window, checkpoint):
        yield page
        yield page


def boasting(good: Connector, schema: StreamSchema, window: Window, checkpoint: Any) -> Pages:
    return (replace(page, rows=(page.rows or 0) + 1) for page in good.read(schema, window, checkpoint))


def telling(good: Connector, schema: StreamSchema, window: Window, checkpoint: Any) -> Pages:
    logging.getLogger("acme").debug("asking with %s", SECRET)
    return good.read(schema, window, checkpoint)


def remembering(good: Connector, schema: StreamSchema, window: Window, checkpoint: Any) -> Pages:
    place = {k: v for k, v in (checkpoint or {}).items() if k != "token"}
    for page in good.read(schema, window, place):
        yield replace(page, checkpoint={**page.checkpoint, "token": SECRET}) if page.checkpoint else page


def of_the_first_day(good: Connector, schema: StreamSchema) -> int | None:
    """A count kept from when it was asked first."""
    return KEPT.setdefault("count", good.count(schema))


def changes_only(good: Connector, schema: StreamSchema, window: Window, checkpoint: Any) -> Pages:
    """A new field comes with the records that change."""
    for page in good.read(schema, window, checkpoint):
        rows = [{k: v for k, v in row.items() if k != "region"} for row in rows_of(page)]
        yield Page.of_rows(page.stream, rows, kind=page.kind, checkpoint=page.checkpoint)


KEPT: dict[str, int | None] = {}
TYPED = (
    Field("id"),
    Field("subject", FieldType.NUMBER),
    Field("is_open", FieldType.BOOLEAN),
    Field("changed_at", FieldType.TIMESTAMP),
)
BROKEN: dict[str, tuple[str, dict[str, Callable[..., Any]]]] = {
    "no streams": ("discovery", {"streams": lambda good: []}),
    "a stream twice": ("discovery", {"streams": lambda good: ["tickets", "tickets"]}),
    "another stream's schema": ("discovery", {"schema": schema_with(stream="other")}),
    "a key that is no field": ("schema", {"schema": schema_with(primary_key=("key",))}),
    "no key": ("schema", {"schema": schema_with(primary_key=())}),
    "a field of ours": ("schema", {"schema": schema_with(fields=(Field("id"), Field("_Deleted"), Field("changed_at", FieldType.TIMESTAMP)))}),
    "text as version": ("schema", {"schema": schema_with(version_field="subject")}),
    "types that do not fit": ("values", {"schema": schema_with(fields=TYPED)}),
    "pages twice": ("paging", {"read": twice}),
    "a wrong number of rows": ("paging", {"read": boasting}),
    "records on the border left out": ("windows", {"read": without_ties}),
    "records after the end": ("windows", {"read": beyond_the_end}),
    "resumed from the start": ("resume", {"read": from_the_start}),
    "resumed a page too late": ("resume", {"read": one_page_on}),
    "deletes not told": ("changes and deletes", {"read": no_deletes}),
    "a count of another day": ("changes and deletes", {"count": of_the_first_day}),
    "a new field that is not seen": ("growth", {"schema": schema_with()}),
    "a new field that is not filled": ("growth", {"read": changes_only}),
    "one stream that takes all with it": ("refusal", {"notes": lambda: WholeSourceFailure("No.", next_step="ask")}),
    "a refusal that does not say what to do": ("refusal", {"notes": lambda: SourceFailure("No.")}),
    "a stream kept back in silence": ("refusal", {"notes": lambda: None}),
    "a secret in the log": ("secrets", {"read": telling}),
    "a secret in a checkpoint": ("secrets", {"read": remembering}),
}  # fmt: skip


@pytest.fixture
def subject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Subject]]:
    install(tmp_path, monkeypatch)
    path = tmp_path / "desk.db"
    tickets(path, [(f"t{n:03d}", "Printer", n % 2 == 0, f"2026-01-05T10:0{n // 20}:00+00:00") for n in range(60)])

    def change() -> Change:
        with sqlite3.connect(path) as opened:
            opened.execute("delete from tickets where id = 't001'")
        return Change("tickets", deleted=frozenset({"t001"}))

    def grow() -> Growth:
        region.append("North")
        return Growth("tickets", "region", frozenset(f"t{n:03d}" for n in range(2, 60)))

    def make(**instead: Callable[..., Any]) -> Subject:
        def opened(**more: Callable[..., Any]) -> Connector:
            good = open_connector("desk", {**SETTINGS, "path": str(path)}, {})
            return Broken(good, **({"schema": grown_schema, "read": grown_read} | instead | more))

        def kept_back(good: Connector, stream: str) -> StreamSchema:
            failure = instead.get("notes", lambda: SourceFailure("No.", next_step="ask"))()
            if stream == "notes" and failure is not None:
                raise failure
            return replace(good.schema("tickets"), stream=stream)

        streams = {"streams": lambda good: ["notes", "tickets"], "schema": kept_back}
        return Subject(
            open=opened, secrets=(SECRET,), change=change, grow=grow,
            withheld=lambda: (opened(**streams), "notes"),
        )  # fmt: skip

    region: list[str] = []

    def grown_schema(good: Connector, stream: str) -> StreamSchema:
        schema = good.schema(stream)
        return replace(schema, fields=(*schema.fields, Field("region"))) if region else schema

    def grown_read(good: Connector, schema: StreamSchema, window: Window, checkpoint: Any) -> Pages:
        for page in good.read(schema, window, checkpoint):
            rows = [{**row, "region": region[0]} for row in rows_of(page)] if region else rows_of(page)
            yield Page.of_rows(page.stream, rows, kind=page.kind, checkpoint=page.checkpoint)

    yield make
    KEPT.clear()
    forget()


def outcomes(subject: Subject) -> dict[str, str]:
    """Check → failed if it failed for any stream."""
    with Trial(subject) as trial:
        results = list(trial.all_results())
    return {check: max((r.outcome for r in results if r.check == check), default="none") for check in CHECKS}


def test_the_whole_connector_passes(subject: Callable[..., Subject]) -> None:
    found = outcomes(subject())
    assert {check for check, outcome in found.items() if outcome == "passed"} == CHECKS.keys() - {"storms", "faults"}
    assert "failed" not in found.values()


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_found(subject: Callable[..., Subject], what: str) -> None:
    check, instead = BROKEN[what]
    with Trial(subject(**instead)) as trial:
        results = [r for r in trial.all_results() if r.check == check]
    assert any(r.outcome == "failed" for r in results), results
