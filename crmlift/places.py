"""Where the rooms a user edits lie: the checkout's own folders."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "transforms"
KPIS = ROOT / "metrics" / "kpis"
DAGS = ROOT / "dags"
