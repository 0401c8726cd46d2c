"""The statistics of crmlift, pure functions: numbers in, verdicts out.

What may live here: functions of arrays (`judge`, `correct` and what they are made of) and `kpis/`, the definitions of
the KPIs. What may not: files, databases, networks, clocks, settings, anything of `crmlift` or `connectors`. Randomness
is seeded by the question itself, so the same data gives the same verdict. The method: docs/methods.md.
"""
