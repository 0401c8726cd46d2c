"""The moments at which tests look at company `known` twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EARLIER = datetime(2026, 2, 3, 13, 0, tzinfo=UTC)
LATER = EARLIER + timedelta(days=20)
