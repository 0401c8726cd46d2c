"""The statistics of crmlift, pure functions: numbers in, verdicts out.

What may live here: functions of arrays (`judge.judge`, `multiplicity.correct` and what they are made of) and `kpis/`,
the definitions of the KPIs. What may not: files, databases, networks, clocks, settings, anything of `crmlift` or
`connectors`. Randomness is seeded by the question, so the same data gives the same verdict. See docs/methods.md.
"""
