"""Who may do what: one table from action to the rule that allows it."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto

from app.domain.sessions import Login


class Action(Enum):
    """What a route may ask leave for."""

    SEE_OWN = auto()
    END_OWN_SESSIONS = auto()
    HELP_PUPILS = auto()


Rule = Callable[[Login], bool]


def _anybody(login: Login) -> bool:
    """Whoever is logged in may do this to what is their own."""
    return login.user_id > 0


RULES: dict[Action, Rule] = {
    Action.SEE_OWN: _anybody,
    Action.END_OWN_SESSIONS: _anybody,
    # Which pupils, the domain asks the tables each time (S-40).
    Action.HELP_PUPILS: _anybody,
}


def is_allowed(action: Action, login: Login | None) -> bool:
    """Whether a login, or nobody, may do this."""
    return login is not None and RULES[action](login)
