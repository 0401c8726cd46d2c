"""What a column does not tell by itself: a question with its readings, and the option that answers each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Reading:
    """One way to read a column. example: what a cell then means. option, value: the key of the mapping that says so.

    option is empty where only the file can answer.
    """

    example: str
    option: str = ""
    value: str = ""


class AmbiguousColumn(ValueError):
    """The whole column can be read in several ways, or its cells contradict each other.

    what: the fact, one sentence without a full stop. readings: the ways, never empty.
    """

    def __init__(self, what: str, readings: Sequence[Reading]) -> None:
        super().__init__(what)
        self.what, self.readings = what, tuple(readings)

    @property
    def options(self) -> list[tuple[str, str]]:
        """Option and value of each reading that an option can answer, each once."""
        return list(dict.fromkeys((r.option, r.value) for r in self.readings if r.option))

    @property
    def why(self) -> str:
        """The readings as one sentence."""
        return "Either " + ", or ".join(reading.example for reading in self.readings) + "."
