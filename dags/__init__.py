"""Schedules: wiring only. No SQL, no HTTP; what a task does lives in `crmlift.pipeline`."""
