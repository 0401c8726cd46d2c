"""Files as people keep them, judged by `crmlift assess`: the verdict, its size and what is said with it."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from crmlift.cli.main import run
from tests.cases import folder_of, numbers_of

pytestmark = pytest.mark.slow

NOT_TOLD = (r"\b(nan|inf)\b", r"bug in", r"[−-](1[1-9]\d|[2-9]\d\d|1\d{3,}) %", r"too little data")
"""What no answer may hold: figures that are none, a fall by more than everything, a wrong reason."""


@dataclass(frozen=True)
class Right:
    """What an answer must hold (patterns), and between which bounds its change in percent lies; refused: exit code 2."""

    holds: Sequence[str] = ()
    change: tuple[float, float] | None = None
    is_refused: bool = False


ALERTS = "17"
"""The case of alerts, in test_alerts.py."""
WEEKLY = "--date week --value"
TEAMS = "--date day --unit team --go-live-column live"
RIGHT: dict[tuple[str, str], Right] = {
    ("01", f"us.csv {WEEKLY} revenue --go-live 2025-07-14"): Right(["Improved", "110 used"], (27, 35)),
    ("01", "de.csv --date Woche --value Umsatz --go-live 2025-07-14"): Right(["1,000", "--decimal"], is_refused=True),
    ("01", "de.csv --date Woche --value Umsatz --go-live 2025-07-14 --decimal ,"): Right(["Improved"], (27, 35)),
    ("01", f"plain.csv {WEEKLY} revenue --go-live 2025-07-14"): Right(["Improved"], (27, 35)),
    ("02", "nps.csv --date date --value score --kind nps --go-live 2025-07-14"): Right(
        [r"Worsened: score changed by −(4[5-9]|5[0-4])\.\d ", "answers of 0 to 10", r"claim −47\.5\."]
    ),
    ("02", "coded.csv --date date --value score --kind nps --go-live 2025-07-14"): Right(
        [r"Worsened: score changed by −(4[5-9]|5[0-4])\.\d ", r"claim −47\.5\."]
    ),
    ("03", "tickets.csv --date created --end closed --go-live 2025-07-14"): Right(["--better lower"], is_refused=True),
    ("03", "tickets.csv --date created --end closed --go-live 2025-07-14 --better lower"): Right(
        ["Worsened"], (40, 130)
    ),
    ("04", "logins.csv --date day --unit user --go-live-column live --min-important 0.05"): Right(
        ["Improved", r"41\.6 a week"], (38, 56)
    ),
    ("04", "logins.csv --date day --unit user --go-live-column live --kind count"): Right(["Improved"], (38, 56)),
    ("05", f"as-exported.csv {WEEKLY} deals --kind count --go-live 2024-06-17"): Right(
        ["Worsened", "13 of 160 weeks", r"after it 1\.38"], (-50, -36)
    ),
    ("05", f"with-zeros.csv {WEEKLY} deals --kind count --go-live 2024-06-17"): Right(["Worsened"], (-50, -36)),
    ("06", "months.csv --date month --value won --kind sum --go-live 2025-07-01 --as-of 2025-11-11"): Right(
        ["Not certain", "1 row left out", "to 2025-10-01"], (-6, 6)
    ),
    ("07", f"dip.csv {WEEKLY} deals --go-live 2024-12-02"): Right(["Not certain", "unusually low"], (-6, 6)),
    ("07", f"rush.csv {WEEKLY} deals --go-live 2024-12-02"): Right(["Not certain", "unusually high"], (-6, 6)),
    ("08", f"controls-gone.csv {TEAMS}"): Right(["Not certain", "8 of 12 units that did not go live"], (-15, 15)),
    ("08", f"treated-gone.csv {TEAMS}"): Right(["Not certain", "5 of 12 units that went live", "dropping out may"]),
    ("09", "tickets.csv --date created --end closed --go-live 2025-07-14 --better lower --quantile 0.5"): Right(
        ["Not certain", "74 with their end before their start"]
    ),
    ("09", "tickets.csv --date created --end closed --go-live 2025-07-14 --better lower"): Right(
        ["Not certain", "74 with their end before their start"]
    ),
    ("11", f"net.csv {WEEKLY} net --go-live 2024-12-02"): Right(
        [r"Improved: net changed by \+(9|10|11)\.\d+ \(95 % interval", "cannot be told from zero"]
    ),
    ("13", f"noise.csv {WEEKLY} v --go-live 2024-12-02 --min-important 5"): Right([r"0\.05 for 5 %"], is_refused=True),
    ("13", f"noise.csv {WEEKLY} v --go-live 2024-12-02 --learning-days -30"): Right(["from 0 to"], is_refused=True),
    ("13", f"noise.csv {WEEKLY} v --go-live 2024-12-02 --as-of 2020-01-01"): Right(
        ["before all rows"], is_refused=True
    ),
    ("14", "deals.csv --date closed --value amount --kind sum --go-live 2024-07-15"): Right(
        ["108 rows repeat another one", "equal in every column"]
    ),
    ("16", f"planned.csv {WEEKLY} v --unit team --go-live-column live"): Right(["Not certain", "22 are planned"]),
    ("16", f"never.csv {WEEKLY} v --unit team --go-live-column live"): Right(["Not certain"]),
    ("20", f"stops.csv {WEEKLY} complaints --kind count --better lower --go-live 2024-07-15"): Right(
        ["Improved", r"interval −100 % to −9\d %"], (-100, -90)
    ),
    ("20", "nps7.csv --date date --value answer --kind nps --go-live 2024-11-18"): Right(
        ["Not certain", "all 7 used", "Only 6 records before"]
    ),
    ("20", f"covariate.csv {WEEKLY} v --covariates new_price --go-live 2024-07-15"): Right(
        ["Not certain", "new_price says the same as the go-live"]
    ),
    ("20", f"flat.csv {WEEKLY} v --go-live 2023-12-04 --min-important 0.05"): Right(["No change that matters"], (0, 0)),
}


@pytest.mark.parametrize(("case", "command"), RIGHT, ids=lambda text: text[:40])
def test_the_answer_is_right_or_a_question(
    case: str, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file, *options = command.split()
    monkeypatch.setattr(sys, "argv", ["crmlift", "assess", str(folder_of(f"analysis/{case}") / file), *options])
    with pytest.raises(SystemExit) as ended:
        run()
    told, right = re.sub(r"\s+", " ", "".join(capsys.readouterr())), RIGHT[case, command]
    assert ended.value.code == (2 if right.is_refused else 0), told
    assert [pattern for pattern in right.holds if not re.search(pattern, told)] == [], told
    assert [pattern for pattern in NOT_TOLD if re.search(pattern, told)] == [], told
    assert right.is_refused or told.startswith("Read as: ")
    if right.change:
        found = re.search(r"changed by ([−+]?[\d.,]+) %", told)
        assert found is not None, told
        change = float(found[1].replace("−", "-").replace(",", ""))
        assert right.change[0] <= change <= right.change[1], told


def test_every_case_has_an_expectation() -> None:
    assert numbers_of("analysis") == {case for case, _ in RIGHT} | {ALERTS}
