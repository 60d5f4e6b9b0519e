"""The login's screens with example values, for the guides."""

from __future__ import annotations

from typing import Any

from app.domain import passwords
from app.models.credentials import ExpiryReason
from app.models.people import PasswordType
from app.web import pictures
from app.web.fields import NewPasswordForm, UsernameForm
from app.web.i18n import date_text, language, time_text
from app.web.login.entering import ways
from app.web.password_rules import shown_rule
from app.web.stills import EXAMPLE, Screen, Screens
from app.web.transaction import config, now
from app.web.wizard import (
    example,
)


def _new_password_example(ids: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "username": EXAMPLE,
        "kind": "pictures" if ids else "words",
        "secret": None if ids else "regnhatbikage",
        "pictures": pictures.named(ids, language()),
        "rhyme": pictures.rhyme(ids, language()) if ids else None,
        "may_choose": not ids,
        "own_choice": False,
        "old_kind": None,
        "new_kind": None,
        "until_text": None,
        "seconds_left": 0,
    }


def _own_password_example() -> dict[str, Any]:
    rules = passwords.rules(PasswordType.WORDS, config().password_profile)
    shown = [shown_rule(rule, config().password_profile) for rule in rules]
    unique = list(dict.fromkeys(shown))
    told = {"failed_rule_texts": [], "has_waits": False, "wait_text": None, "own_choice": False}
    return {**example(), "form": NewPasswordForm(), "rules": unique, **told}


STILLS: Screens = {
    "login/choose.html": Screen(
        {"": lambda: {"choices": ways(None, has_mitid=True), "remembered": None, "destination": ""}},
        is_open=True,
    ),
    "login/username.html": Screen(
        {"": lambda: {"form": UsernameForm(), "plays_home": None, "logged_in_as": None}},
        is_open=True,
    ),
    "login/password.html": Screen(
        {
            "": example,
            "wrong": lambda: {**example(), "problem": "wrong", "errors": True},
            "late": lambda: {**example(), "seconds_left": 180},
        }
    ),
    "login/pictures.html": Screen(
        {
            "": lambda: example(picks=()),
            "two": lambda: example(picks=("elefant", "kage")),
            "four": lambda: example(picks=("elefant", "kage", "cykel", "sol")),
        }
    ),
    "login/new_password.html": Screen(
        {
            "": _new_password_example,
            "pictures": lambda: _new_password_example(("elefant", "kage", "cykel", "sol")),
            "change": lambda: {**_new_password_example(), "old_kind": PasswordType.WORDS.value},
        }
    ),
    "login/approval.html": Screen(
        {
            "": lambda: {
                "username": EXAMPLE,
                "picture": pictures.named(["ugle"], language()),
                "until_text": time_text(now().at),
                "is_guardian": False,
            }
        }
    ),
    "login/own_password.html": Screen({"": _own_password_example}),
    "login/practise.html": Screen({"": example, "pictures": lambda: example(picks=())}),
    "login/warning.html": Screen(
        {
            "": lambda: {
                "username": EXAMPLE,
                "last_date": date_text(now().at),
                "may_postpone": True,
                "reason": ExpiryReason.AGE.value,
                "is_marked": False,
                "new_kind": None,
                "seconds_left": 0,
            }
        }
    ),
}
