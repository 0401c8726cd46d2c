"""Which comparison the dates allow."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from metrics.question import Question

MANY_TEAMS, MANY_TREATED, FEW_TEAMS = 20, 8, 5


@dataclass(frozen=True)
class Design:
    """name: staggered | few_teams | controls | one_date | none.

    is_controlled: some teams tell what would have happened. is_randomised: interval by exchanging dates.
    min_untreated: untouched teams needed at a time for it to be used. caveats: in plain words.
    """

    name: str
    is_controlled: bool
    is_randomised: bool = False
    min_untreated: int = 0
    caveats: tuple[str, ...] = ()


def as_known(question: Question, end: np.datetime64) -> tuple[Question, int]:
    """The question without the go-lives that lie ahead of `end`, and how many units with rows those are.

    A unit whose go-live is only planned has not changed, like one that never will.
    """
    ahead = question.go_live >= end
    if not ahead.any():
        return question, 0
    never = np.datetime64("NaT", "D")
    planned = int((ahead & question.has_rows).sum())
    return replace(question, go_live=np.where(ahead, never, question.go_live)), planned


def choose(question: Question, end: np.datetime64) -> Design:
    """The design the go-live dates and the number of teams with rows allow; `end`: what is known ends here.

    Teams count as treated once they have left their learning window.
    """
    present = question.has_rows
    dates = question.go_live[present]
    live = dates[~np.isnat(dates)]
    treated = int((question.left_learning[present] < end).sum())
    teams, distinct, controls = len(dates), len(np.unique(live)), int(np.isnat(dates).sum())
    if len(live) == 0:
        return Design("none", False, caveats=("No go-live date lies in the data, so there is nothing to compare.",))
    if teams < FEW_TEAMS or (distinct == 1 and controls == 0):
        few = () if teams == 1 or distinct == 1 else ("Too few teams to compare them with each other.",)
        return Design("one_date", False, caveats=few)
    name = "controls" if distinct == 1 else "staggered"
    if teams >= MANY_TEAMS and treated >= MANY_TREATED:
        return Design(name, True, False, 5)
    return Design(name if name == "controls" else "few_teams", True, True, 2)
