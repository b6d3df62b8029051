"""Turn of the month: long over the last and the first sessions of a month.

How many sessions remain is read from the exchange's schedule, known in advance, never from bars that have not happened.
"""

from __future__ import annotations

from datetime import date

from pydantic import Field, model_validator

from ats.signals.history import History
from ats.signals.params import RuleParams
from ats.signals.rule import Rule, RuleCard
from ats.signals.sessions import IsSession, MonthPosition, is_us_equity_session, month_position


class TurnOfMonthParams(RuleParams):
    """How many sessions on each side of the turn to hold."""

    last_sessions: int = Field(1, ge=1, le=10, description="Sessions to hold at the end of a month.")
    first_sessions: int = Field(3, ge=1, le=10, description="Sessions to hold at the start of the next month.")

    @model_validator(mode="after")
    def _leaves_a_middle(self) -> TurnOfMonthParams:
        if self.last_sessions + self.first_sessions > 15:  # noqa: PLR2004 -- the shortest months have 18 or 19 sessions
            raise ValueError("last_sessions and first_sessions together must not be above 15")
        return self


class TurnOfMonth(Rule[TurnOfMonthParams]):
    """Decides after a session's close about the next session: long when that one belongs to the turn. Meant for daily bars.

    `is_session` is the exchange's schedule; the default is the scheduled US equity sessions.
    """

    card = RuleCard(
        key="turn_of_month",
        title="Turn of the month",
        description="Long over the last session and the first three sessions of each month.",
        source="Lakonishok, Smidt, Review of Financial Studies 1 (1988); McConnell, Xu, Financial Analysts Journal 64 (2008).",
        search_space={"last_sessions": (1, 2, 3, 4), "first_sessions": (1, 2, 3, 4)},
    )
    params_model = TurnOfMonthParams

    def __init__(self, is_session: IsSession = is_us_equity_session) -> None:
        self._is_session = is_session
        self._latest = (date.min, MonthPosition(0, 0))

    def warm_up(self, params: TurnOfMonthParams) -> int:  # noqa: ARG002 -- the schedule needs no history
        """The one bar that says which day it is."""
        return 1

    def enters(self, history: History, params: TurnOfMonthParams) -> bool:
        """The next session belongs to the turn."""
        return history.count > 0 and self._is_next_in_turn(history.session_on[-1], params)

    def exits(self, history: History, params: TurnOfMonthParams, bars_held: int) -> bool:  # noqa: ARG002 -- this rule has no holding limit
        """The next session does not belong to the turn."""
        return history.count > 0 and not self._is_next_in_turn(history.session_on[-1], params)

    def _is_next_in_turn(self, on: date, params: TurnOfMonthParams) -> bool:
        asked_on, position = self._latest
        if on != asked_on:
            position = month_position(on, self._is_session)
            self._latest = (on, position)
        return position.left <= params.last_sessions or position.number < params.first_sessions


RULE = TurnOfMonth()
