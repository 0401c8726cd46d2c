"""Deals with their course: stages, won and lost, the log of their changes, the products in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from crmlift.simulator.company import Company
from crmlift.simulator.pipedrive.fields import OPTION_IDS, TYPE_KEY, WORTH_KEY
from crmlift.simulator.pipedrive.shapes import BIN_DAYS, Row, alive, number_of, rows_of, v1_time, v2_time

PIPELINE_ID = 1
_CHANGES_A_DEAL = 64


def pipelines(company: Company) -> list[Row]:
    """GET /api/v2/pipelines."""
    start = v2_time(company.as_of - timedelta(days=2000))
    return [
        {
            "id": PIPELINE_ID, "name": "Sales pipeline", "order_nr": 1, "is_deleted": False,
            "is_deal_probability_enabled": True, "add_time": start, "update_time": start,
        }
    ]  # fmt: skip


def stage_ids(company: Company) -> dict[str, int]:
    """Open stage → its id; won and lost are no stages in Pipedrive."""
    listed = [row for row in rows_of(company, "OpportunityStage") if not row["IsClosed"]]
    if listed:
        return {row["ApiName"]: number + 1 for number, row in enumerate(sorted(listed, key=lambda r: r["SortOrder"]))}
    names = {row["StageName"]: None for row in rows_of(company, "Opportunity") if not row.get("IsClosed")}
    return {name: number + 1 for number, name in enumerate(names)}


def stages(company: Company) -> list[Row]:
    """GET /api/v2/stages."""
    start = v2_time(company.as_of - timedelta(days=2000))
    likely = {row["ApiName"]: row["DefaultProbability"] for row in rows_of(company, "OpportunityStage")}
    return [
        {
            "id": number, "order_nr": number, "name": name, "is_deleted": False, "pipeline_id": PIPELINE_ID,
            "deal_probability": likely.get(name, 50), "is_deal_rot_enabled": False, "days_to_rotten": None,
            "add_time": start, "update_time": start,
        }
        for name, number in stage_ids(company).items()
    ]  # fmt: skip


class Deals:
    """All deals of a company at its present; each with the changes Pipedrive logged."""

    def __init__(self, company: Company) -> None:
        self._company, self._stage_ids = company, stage_ids(company)
        self._history: dict[str, list[Row]] = defaultdict(list)
        for row in rows_of(company, "OpportunityHistory"):
            self._history[row["OpportunityId"]].append(row)
        self._owners: dict[str, list[Row]] = defaultdict(list)
        for row in rows_of(company, "OpportunityFieldHistory"):
            if row["Field"] == "Owner" and str(row["OldValue"]).startswith("005"):
                self._owners[row["OpportunityId"]].append(row)
        oldest = company.as_of - timedelta(days=BIN_DAYS)
        rows = rows_of(company, "Opportunity")
        self._rows = [row for row in rows if not row.get("IsDeleted") or row["SystemModstamp"] >= oldest]
        self._by_number = {number_of(row["Id"]): row for row in self._rows}

    def all(self) -> list[Row]:
        """GET /api/v2/deals with every status."""
        return [self._deal(row) for row in self._rows]

    def flow(self, number: int) -> list[Row] | None:
        """GET /v1/deals/{id}/flow, newest first; None for a deal that is not there."""
        row = self._by_number.get(number)
        return None if row is None else [self._entry(row, *each) for each in enumerate(self._changes(row))][::-1]

    def products(self, numbers: list[int]) -> list[Row]:
        """GET /api/v2/deals/products."""
        wanted = set(numbers)
        return [
            {
                "id": number_of(row["Id"]), "deal_id": number_of(row["OpportunityId"]),
                "product_id": number_of(row["Product2Id"]), "name": row["Name"], "item_price": row["UnitPrice"],
                "quantity": row["Quantity"], "sum": row["TotalPrice"], "currency": row.get("CurrencyIsoCode"),
                "discount": 0, "discount_type": "percentage", "tax": 0, "tax_method": "inclusive", "comments": None,
                "is_enabled": True, "product_variation_id": None, "billing_frequency": "one-time",
                "add_time": v2_time(row["CreatedDate"]), "update_time": v2_time(row["SystemModstamp"]),
            }
            for row in alive(self._company, "OpportunityLineItem")
            if number_of(row["OpportunityId"]) in wanted
        ]  # fmt: skip

    def _steps(self, row: Row) -> list[Row]:
        """The history from the oldest on; the record itself where there is none."""
        found = sorted(self._history.get(row["Id"], ()), key=lambda h: (h["CreatedDate"], h["Id"]))
        return found or [row]

    def _deal(self, row: Row) -> Row:
        steps = self._steps(row)
        open_stages = [s["StageName"] for s in steps if s["StageName"] in self._stage_ids]
        stage = row["StageName"] if row["StageName"] in self._stage_ids else next(reversed(open_stages), None)
        entered = _entered(steps)
        is_closed, is_won, is_gone = bool(row.get("IsClosed")), bool(row.get("IsWon")), bool(row.get("IsDeleted"))
        closed_at = v2_time(entered) if is_closed else None
        status = "deleted" if is_gone else "won" if is_won else "lost" if is_closed else "open"
        custom = {TYPE_KEY: OPTION_IDS.get(str(row.get("Type")))}
        if row.get("Amount") is not None:
            custom[WORTH_KEY] = {"value": row["Amount"], "currency": row.get("CurrencyIsoCode")}  # type: ignore[assignment]
        return {
            "id": number_of(row["Id"]), "title": row.get("Name"), "creator_user_id": number_of(row.get("CreatedById")),
            "owner_id": number_of(row.get("OwnerId")), "value": row.get("Amount"),
            "person_id": number_of(row.get("ContactId")), "org_id": number_of(row.get("AccountId")),
            "stage_id": self._stage_ids.get(str(stage), 1), "pipeline_id": PIPELINE_ID,
            "currency": row.get("CurrencyIsoCode") or "EUR", "add_time": v2_time(row["CreatedDate"]),
            "update_time": v2_time(row["SystemModstamp"]), "stage_change_time": v2_time(entered), "status": status,
            "is_deleted": is_gone, "is_archived": False, "archive_time": None, "probability": None,
            "lost_reason": _lost_reason(row), "visible_to": 3, "close_time": closed_at,
            "won_time": closed_at if is_won else None, "lost_time": closed_at if is_closed and not is_won else None,
            "local_won_date": None, "local_lost_date": None, "local_close_date": None,
            "expected_close_date": row["CloseDate"].isoformat() if row.get("CloseDate") else None, "label_ids": [],
            "origin": "ManuallyCreated", "origin_id": None, "channel": None, "channel_id": None,
            "acv": None, "arr": None, "mrr": None, "custom_fields": custom,
        }  # fmt: skip

    def _changes(self, row: Row) -> Iterator[tuple[Any, str, Any, Any, Any]]:
        """(when, field, old, new, who) from the oldest on."""
        steps = self._steps(row)
        yield row["CreatedDate"], "add_time", None, v1_time(row["CreatedDate"]), row.get("CreatedById")
        found = list(self._stage_changes(steps))
        found += [(c["CreatedDate"], "user_id", number_of(c["OldValue"]), number_of(c["NewValue"]), c["CreatedById"])
                  for c in self._owners.get(row["Id"], ())]  # fmt: skip
        yield from sorted(found, key=lambda change: change[0])

    def _stage_changes(self, steps: list[Row]) -> Iterator[tuple[Any, str, Any, Any, Any]]:
        names = [str(step["StageName"]) for step in steps]
        stage = next((name for name in names if name in self._stage_ids), None)
        stage_id, status = self._stage_ids.get(str(stage), 1), "open"
        first = True
        for step, name in zip(steps, names, strict=True):
            at, who = step["CreatedDate"], step.get("CreatedById")
            target = self._stage_ids.get(name)
            now = "open" if target is not None else "won" if _is_won(step, self._company) else "lost"
            if target is not None and target != stage_id and not first:
                yield at, "stage_id", stage_id, target, who
            stage_id = target if target is not None else stage_id
            if now != status:
                yield at, "status", status, now, who
            status, first = now, False

    def _entry(self, row: Row, place: int, change: tuple[Any, str, Any, Any, Any]) -> Row:
        at, key, old, new, who = change
        number = number_of(row["Id"]) or 0
        return {
            "object": "dealChange",
            "timestamp": v1_time(at),
            "data": {
                "id": number * _CHANGES_A_DEAL + place, "item_id": number, "user_id": number_of(who), "field_key": key,
                "old_value": _text(old), "new_value": _text(new), "is_bulk_update_flag": None, "log_time": v1_time(at),
                "change_source": "app", "change_source_user_agent": None, "additional_data": {},
            },
        }  # fmt: skip


def _entered(steps: list[Row]) -> Any:
    """When the last step's stage was entered."""
    last = steps[-1]["StageName"]
    at = steps[-1]["CreatedDate"]
    for step in reversed(steps):
        if step["StageName"] != last:
            break
        at = step["CreatedDate"]
    return at


def _is_won(step: Mapping[str, Any], company: Company) -> bool:
    if "IsWon" in step:
        return bool(step["IsWon"])
    won = {row["ApiName"] for row in rows_of(company, "OpportunityStage") if row["IsWon"]} or {"Closed Won"}
    return step["StageName"] in won


def _lost_reason(row: Mapping[str, Any]) -> str | None:
    if not row.get("IsClosed") or row.get("IsWon"):
        return None
    return "Duplicate" if row["StageName"] == "Duplicate" else row.get("Loss_Reason__c")


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
