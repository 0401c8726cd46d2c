"""Pipedrive through its API v2 (and v1 where v2 has nothing yet). docs/pipedrive.md."""
