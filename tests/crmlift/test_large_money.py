"""Money of up to 18 digits, from the landed page to a KPI's value: exact in core, and never the end of a night."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from connectors.contract import FieldType
from crmlift.unit_rows import exact_sum
from tests.crmlift.raw_night import RawNight, raw_night, sf_deal

WHOLE, CENTS = Decimal("123456789012345678"), Decimal("1234567890123456.78")


def amounts(night: RawNight, column: str = "amount_base") -> list[Decimal]:
    return [value for (value,) in night.rows(f"select {column} from core.opportunity order by opportunity_id")]


def test_amounts_of_18_digits_arrive_exact(tmp_path: Path) -> None:
    with raw_night(tmp_path) as night:
        night.land(
            "salesforce", "Opportunity", [sf_deal(1, Amount=str(WHOLE)), sf_deal(2, Amount=str(CENTS)), sf_deal(3)]
        )
        assert night.rows('select typeof("Amount"), count(*) from raw_salesforce.Opportunity group by 1') == [
            ("DECIMAL(38,4)", 3)
        ]
        night.transform()
        assert amounts(night) == amounts(night, "amount_native") == [WHOLE, CENTS, Decimal(1000)]
        [(total,)] = night.rows("select sum(amount_base) from core.opportunity")
        assert total == WHOLE + CENTS + 1000
        assert night.rows("select sum(amount_base) from core.customer_transaction") == [(total,)]
        night.measure(
            "won_revenue", "avg_deal_size", "win_rate_amount", "pipeline_created", "annual_margin_per_customer"
        )
        found = night.rows(
            "select kpi_id, value from metrics.kpi_value where period_grain = 'year' and segment_dim = 'all' "
            "and source_id = 'all' and kpi_id in ('won_revenue', 'avg_deal_size', 'win_rate_amount') order by kpi_id"
        )
        assert [value for _, value in found] == pytest.approx([float(total) / 3, 1.0, float(total)])


def test_a_column_is_widened_on_the_night_that_needs_it(tmp_path: Path) -> None:
    with raw_night(tmp_path) as night:
        night.land("salesforce", "Opportunity", [sf_deal(1), sf_deal(2)])
        assert night.rows('select distinct typeof("Amount") from raw_salesforce.Opportunity') == [("DECIMAL(18,4)",)]
        night.land("salesforce", "Opportunity", [sf_deal(2, Amount=str(WHOLE)), sf_deal(3, Amount="-0.0001")])
        night.land("salesforce", "Opportunity", [sf_deal(1)])
        assert night.rows('select "Amount" from raw_salesforce.Opportunity order by "Id"') == [
            (Decimal(1000),), (WHOLE,), (Decimal("-0.0001"),),
        ]  # fmt: skip
        assert night.rows("select sum(rows_unchanged), sum(rows_rejected) from ops.load") == [(1, 0)]


def test_what_fits_no_type_of_money_is_told(tmp_path: Path) -> None:
    with raw_night(tmp_path) as night:
        night.land("salesforce", "Opportunity", [sf_deal(1, Amount="9" * 40), sf_deal(2)])
        assert night.rows('select distinct typeof("Amount") from raw_salesforce.Opportunity') == [("DECIMAL(18,4)",)]
        assert night.rows("select field, reason from ops.rejected_row") == [("Amount", "value does not fit its type")]


def test_money_of_another_type_is_money_in_core(tmp_path: Path) -> None:
    """A source may say that an amount is a text, or a number: core has decimals."""
    with raw_night(tmp_path) as night:
        night.land("salesforce", "Opportunity", [sf_deal(1, Amount="12.5")], {"Amount": FieldType.TEXT})
        night.land("hubspot", "deals", [{"id": "1", "amount": 1e15, "hs_is_closed_won": True, "hs_is_closed": True}],
                   {"amount": FieldType.NUMBER})  # fmt: skip
        night.transform()
        assert sorted(amounts(night, "amount_native")) == [Decimal("12.5"), Decimal(10**15)]


def test_squares_of_large_amounts_are_added_as_exactly_as_small_ones() -> None:
    assert exact_sum("num * num", 1e20) == "sum(cast(num * num as decimal(38, 8)))"
    assert "/ 1024.0::double" in exact_sum("num * num", 1e32)
