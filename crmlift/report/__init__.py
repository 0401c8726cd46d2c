"""The report a manager reads, and the words and figures the scorecard and the alerts share with it.

Here live texts, number formats, charts and templates. Nothing here computes a statistic or writes a table.
"""

from crmlift.report.page import write_report

__all__ = ["write_report"]
