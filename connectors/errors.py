"""Failures a user can do something about, shared by every source and by the engine.

Each says what happened, where, why, what to do next and what was saved, and carries the exit code of the command.
"""

from __future__ import annotations


class ExpectedFailure(Exception):
    """A failure with a cure.

    what: one sentence, ending with a full stop. where: stream, file or setting. why: the cause if known.
    next_step: the command or edit that mends it. saved: what was kept ("Nothing was committed." by default).
    None of them may hold a token, a password, a payload or a person's data.

    stops_source: whether the source's other streams cannot be read either. One that does not is set apart when it
    comes from one stream, and told when the others are read.
    """

    exit_code = 1
    is_retryable = False
    stops_source = True

    @property
    def is_refusal(self) -> bool:
        """Whether it is a no for good to one thing, which the rest can be had without."""
        return not self.stops_source and not self.is_retryable

    def __init__(self, what: str, *, where: str = "", why: str = "", next_step: str = "", saved: str = "") -> None:
        self.what, self.where, self.why, self.next_step, self.saved = what, where, why, next_step, saved
        super().__init__(str(self))

    def __str__(self) -> str:
        lines = [" ".join(filter(None, [self.what, f"({self.where})" if self.where else ""]))]
        lines += [part for part in (self.why, self.saved) if part]
        if self.next_step:
            lines.append(f"Next: {self.next_step}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        """Airflow and process pools carry exceptions between processes by pickling."""
        return (_rebuild, (type(self), dict(self.__dict__)))


def _rebuild(cls: type[ExpectedFailure], state: dict[str, object]) -> ExpectedFailure:
    failure = cls.__new__(cls)
    failure.__dict__.update(state)
    Exception.__init__(failure, str(failure))
    return failure


class CredentialsFailure(ExpectedFailure):
    """The source refused who we are: wrong, expired or too weak credentials."""

    exit_code = 11


class SourceFailure(ExpectedFailure):
    """The source answered something a retry will not mend; raised for one stream, it is that stream's own."""

    exit_code = 12
    stops_source = False


class WholeSourceFailure(SourceFailure):
    """No stream of the source can be read: nobody answers there, or the account is closed."""

    stops_source = True


class AccessRefused(SourceFailure):
    """The source knows who we are, and does not let us read this object."""


class SchemaChanged(SourceFailure):
    """The stream is not what `schema` said it was: ask for its schema again, and begin the read anew."""


class TransientSourceFailure(WholeSourceFailure):
    """The source is busy or broken for now; the run may be started again and goes on where it was."""

    is_retryable = True


class IncompleteAnswer(TransientSourceFailure):
    """What one stream was answered was never whole, however often it was asked for; other streams may fare better."""

    stops_source = False


class BudgetReached(WholeSourceFailure):
    """The share of the source's limits this run may use is used up; it stopped at a checkpoint."""

    is_retryable = True


class LandingFailure(ExpectedFailure):
    """The landing zone could not be written or read: disk full, no permission, damaged file."""

    exit_code = 12


class SettingsFailure(ExpectedFailure):
    """A setting of a source or of the landing zone is missing or cannot be used."""

    exit_code = 10
