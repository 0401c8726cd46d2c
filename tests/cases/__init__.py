"""Small inputs on which the product was once wrong, kept beside the checkout: each must be right, or refused with the cure.

They lie in `../shared/cases`, or where CRMLIFT_CASES says; without them the tests are skipped. `make cases` runs them.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CASES = Path(os.environ.get("CRMLIFT_CASES", ROOT.parent / "shared" / "cases"))


def folder_of(case: str) -> Path:
    """The folder of a case such as `ingest/12`; skips the test where it is missing."""
    group, number = case.split("/")
    found = list((CASES / group).glob(f"{number}-*"))
    if not found:
        pytest.skip(f"{CASES / group}/{number}-* is missing; CRMLIFT_CASES names the folder of cases")
    return found[0]


def numbers_of(group: str) -> set[str]:
    """The numbers of all cases of a group; skips the test where there are none."""
    found = {folder.name.split("-")[0] for folder in (CASES / group).glob("[0-9]*-*")}
    if not found:
        pytest.skip(f"no cases in {CASES / group}")
    return found
