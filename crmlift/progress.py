"""Progress for people: steps log events, and an event that carries `people` is also a line for whoever watches."""

from __future__ import annotations

import logging
from collections.abc import Callable


class ForPeople(logging.Handler):
    """Hands lines to `say(level, line)`; remembers the exit code of a failure that was logged."""

    def __init__(self, say: Callable[[str, str], None]) -> None:
        super().__init__(logging.INFO)
        self.say, self.exit_code = say, 0

    def emit(self, record: logging.LogRecord) -> None:
        """Errors are told whole, other events only by their line for people."""
        text = getattr(record, "people", "")
        if record.levelno >= logging.ERROR:
            self.exit_code, text = getattr(record, "exit_code", 1), record.getMessage()
        for line in text.splitlines():
            self.say(record.levelname, line)


def tell_people(say: Callable[[str, str], None]) -> ForPeople:
    """From now on every event of crmlift that carries a line for people is handed to `say`."""
    handler = ForPeople(say)
    logger = logging.getLogger("crmlift")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    return handler
