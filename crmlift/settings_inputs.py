"""Sections of `crmlift.yml` for what people bring along: costs, benefits, benchmarks."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field, model_validator

from crmlift.source_settings import Section

CostCategory = Literal[
    "licence", "implementation", "integration", "data_migration", "training", "internal_labour", "change_management",
    "support", "hardware", "other",
]  # fmt: skip


class CostSettings(Section):
    """One cost of a rollout: an amount, or hours at a rate, over a period."""

    id: str
    rollout: str
    category: CostCategory
    period_start: date
    period_end: date | None = Field(None, description="first day after it; the month of its start if not given")
    amount: float | None = None
    currency: str | None = Field(None, pattern="^[A-Z]{3}$")
    hours: float | None = Field(None, ge=0)
    hourly_rate: float | None = Field(None, ge=0)
    incremental: bool = True
    one_off: bool = False
    certainty: str | None = None
    source: str | None = Field(None, description="invoice or document it is from")

    @model_validator(mode="after")
    def _has_a_sum(self) -> CostSettings:
        if self.amount is None and (self.hours is None or self.hourly_rate is None):
            raise ValueError(f"cost {self.id!r} needs an amount, or hours and hourly_rate")
        return self


class BenefitSettings(Section):
    """What a change of a KPI is worth in money, and how much of it is the CRM's doing."""

    id: str
    rollout: str
    kpi: str
    mechanism: str
    unit_value: float
    attribution_low: float = Field(0.0, ge=0, le=1)
    attribution: float = Field(1.0, ge=0, le=1)
    attribution_high: float = Field(1.0, ge=0, le=1)
    risk_adjustment: float = Field(0.0, ge=0, le=1)
    evidence: str | None = None


class BenchmarkSettings(Section):
    """A figure of others, with where it is from."""

    id: str
    kpi: str
    definition_match: Literal["exact", "close", "loose"] = "loose"
    industry: str | None = None
    region: str | None = None
    company_size: str | None = None
    sales_motion: str | None = None
    statistic: str | None = None
    value_low: float | None = None
    value: float | None = None
    value_high: float | None = None
    unit: str | None = None
    sample_n: int | None = None
    period_from: date | None = None
    period_to: date | None = None
    publisher: str
    is_vendor: bool | None = None
    source_url: str
    retrieved_on: date | None = None
    quality_grade: str | None = None
    expires_on: date | None = None
    note: str | None = None
