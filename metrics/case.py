"""All that is known when the word of a verdict is chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from metrics.designs import Design
from metrics.finding import Finding
from metrics.gates import Bar
from metrics.looks import Look
from metrics.question import Question


@dataclass(frozen=True)
class Case:
    """bars: Gate 0. lacking: Gate 1. against: checks that contradict. caveats: what to bear in mind."""

    question: Question
    look: Look
    design: Design
    finding: Finding | None = None
    bars: tuple[Bar, ...] = ()
    lacking: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    diagnostics: Mapping[str, Any] = field(default_factory=dict)
