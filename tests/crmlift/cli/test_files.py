"""`connectors map` and `connectors check` on files, as a user runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from crmlift.places import ROOT

SETTINGS = "sources: {{old: {{type: files, path: {folder}, mapping: {folder}/mapping.yml}}}}\n"


def crmlift(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("CRMLIFT_")}
    places = {"CRMLIFT_HOME": str(folder / "home"), "CRMLIFT_CONFIG": str(folder / "crmlift.yml"), "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "-m", "crmlift.cli.main", *arguments],
        cwd=ROOT, env=clean | places | {"NO_COLOR": "1"}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_a_mapping_is_written_checked_and_mended(tmp_path: Path) -> None:
    (tmp_path / "crmlift.yml").write_text(SETTINGS.format(folder=tmp_path))
    (tmp_path / "deals.csv").write_text(
        "deal id;stage;amount;created\nA;won;1 200,50;05.01.2026\nB;lost;much;06.01.2026\n"
    )
    (tmp_path / "costs.csv").write_text("category,from,amount\ntraining,2026-01-01,100\n")
    for name in ("deals.csv", "costs.csv"):
        done = crmlift(
            "connectors", "map", str(tmp_path / name), "--out", str(tmp_path / "mapping.yml"), folder=tmp_path
        )
        assert done.returncode == 0, done.stderr
    checked = crmlift("connectors", "check", "old", folder=tmp_path)
    assert checked.returncode == 13, checked.stderr
    [line] = [line for line in checked.stdout.splitlines() if "is not a number" in line]
    assert line.split()[:4] == ["deals.csv", "3", "amount", "is"], line
    assert "delimiter: ;" in checked.stdout and "amount: decimal comma" in checked.stdout
    assert "1 cells of source old cannot be loaded" in checked.stderr
    (tmp_path / "deals.csv").write_text((tmp_path / "deals.csv").read_text().replace("much", "0"))
    assert crmlift("connectors", "check", "old", folder=tmp_path).returncode == 0
