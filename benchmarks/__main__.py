"""The benchmark that takes minutes: `python -m benchmarks`. Those of the connectors have commands of their own."""

from __future__ import annotations

import sys

from benchmarks import verdict


def main() -> int:
    """How often the verdict is right."""
    return verdict.main([])


if __name__ == "__main__":
    sys.exit(main())
