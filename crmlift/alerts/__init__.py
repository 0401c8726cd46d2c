"""KPI-drop alerts: rules that look at mature periods, incidents that open and resolve, messages sent once.

`detect` runs in the warehouse writer, `send` afterwards. Here live scoring, calendar, incidents, channels; what a KPI
means stays in `metrics/kpis`, whose `alert:` block chooses the rule.
"""

from crmlift.alerts.detect import detect
from crmlift.alerts.incidents import Alert
from crmlift.alerts.send import send

__all__ = ["Alert", "detect", "send"]
