"""One home, one simulated company, and time that does not run back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crmlift.demo import SERVED, DemoSpec, run_demo
from crmlift.errors import ConfigurationFailure


def served(home: Path, **identity: object) -> Path:
    (home / SERVED).parent.mkdir(parents=True)
    (home / SERVED).write_text(json.dumps(identity))
    return home


@pytest.mark.parametrize(
    "other", [DemoSpec(company="null"), DemoSpec(seed=8), DemoSpec(size="medium"), DemoSpec(data=Path(__file__).parent)]
)
def test_another_company_is_not_merged_into_the_first_ones_tables(tmp_path: Path, other: DemoSpec) -> None:
    home = served(tmp_path, company="known", seed=7, size="small", as_of="2026-11-02T00:00:00+00:00")
    spec = DemoSpec(other.company, other.seed, other.size, None, home, other.data)
    with pytest.raises(ConfigurationFailure, match="company known, seed 7, size small") as refused:
        run_demo(spec, with_airflow=False)
    assert "--out" in str(refused.value)
    assert sorted(path.name for path in home.iterdir()) == ["simulator"]


def test_an_earlier_day_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    home = served(tmp_path, company="known", seed=7, size="small", as_of="2026-11-03T00:00:00+00:00")
    with pytest.raises(ConfigurationFailure, match="2026-11-02 lies before"):
        run_demo(DemoSpec(as_of="2026-11-02", home=home), with_airflow=False)
    assert not (home / "landing").exists()


def test_a_folder_that_is_not_there_is_said_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationFailure, match="There is no folder"):
        run_demo(DemoSpec(home=tmp_path, data=tmp_path / "gone"), with_airflow=False)
