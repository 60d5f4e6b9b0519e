"""Elevadgang's screens with example values, for the guides."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from app.domain.elevadgang.pupils import Pupil, Window
from app.domain.elevadgang.windows import Standing
from app.models.elevadgang import Doubt
from app.models.people import PasswordType
from app.web.elevadgang import shown
from app.web.stills import EXAMPLE, Screen, Screens

# 10.35 in Denmark, in winter.
ENDS_AT = datetime(2026, 11, 23, 9, 35, tzinfo=UTC)
NAMES = (("Anna", EXAMPLE), ("Emil", "emil1234"), ("Noor", "noor1234"))


def _start() -> dict[str, Any]:
    return {
        "is_logged_in": False,
        "name": "",
        "is_administrator": True,
        "has_mitid": True,
        "administrator_href": "",
    }


def _group(standing: Standing | None = None) -> dict[str, Any]:
    window = None
    if standing is not None:
        window = Window(
            id=1,
            standing=standing,
            ends_at=ENDS_AT,
            picture="ugle" if standing is Standing.APPROVAL else None,
            doubt=Doubt.ELSEWHERE if standing is Standing.APPROVAL else None,
            is_near=standing is not Standing.APPROVAL,
            device="Chrome, iPad",
            may_extend=standing is Standing.WAITING,
            may_disown=standing is Standing.DONE,
            used_id=1 if standing is Standing.DONE else None,
        )
    rows = [
        shown.row(
            Pupil(
                uni_id=f"1000{number:06}",
                given_name=name,
                name=name,
                username=username,
                group_name="2.B",
                password_type=PasswordType.PICTURES,
                current_type=PasswordType.PICTURES,
                is_marked=False,
                is_blocked=False,
                may_unblock=False,
                last_login_at=None,
                asks_for_help=False,
                window=window if number == 0 else None,
            )
        )
        for number, (name, username) in enumerate(NAMES)
    ]
    return {
        "place": "1",
        "title": "2.B",
        "institution": "Egeskolen",
        "is_administrator": False,
        "ways": [],
        "groups": [],
        "rows": rows,
        "found": len(rows),
        "total": len(rows),
        "search": "",
        "chosen": "",
        "is_hidden": False,
        "page_number": 1,
        "pages": 1,
        "poll": None,
        "news": None,
        "waiting": [],
        "count": 0,  # the guides name the button as it is before anybody is ticked
        "problem": None,
        "names": [],
        "ticked": {rows[0].uni_id} if standing is None else set(),
    }


STILLS: Screens = {
    "elevadgang/start.html": Screen({"": _start}, is_open=True),
    "elevadgang/group.html": Screen(
        {
            "": _group,
            "waiting": lambda: _group(Standing.WAITING),
            "approval": lambda: _group(Standing.APPROVAL),
            "done": lambda: _group(Standing.DONE),
            "administrator": lambda: {**_group(), "is_administrator": True},
        }
    ),
}
