"""The quick benchmarks, one after the other: `python -m benchmarks`."""

from __future__ import annotations

import sys

from benchmarks import verdict


def main() -> int:
    """Run each; the first that fails ends it."""
    return verdict.main([])


if __name__ == "__main__":
    sys.exit(main())
