"""The cast as the terminal shows it: for machines, and as a small table for people."""

from __future__ import annotations

from collections.abc import Collection

from app.demo.cast import CAST, SUGGESTED
from app.demo.member import Member

CHANGED = "(changed since)"
HOW_TO_START_OVER = f"{CHANGED}: the password does not hold any more; make fresh starts over."
SECOND_BROWSER = "Use a second browser or a private window for the pupil."


def cast() -> list[dict[str, object]]:
    """Return the cast for machines: what `flask demo people --json` prints."""
    return [_row(member) for member in CAST]


def _row(member: Member) -> dict[str, object]:
    pictures = list(member.pictures) or None
    return {
        "username": member.username,
        "name": member.shown_name,
        "role": member.role,
        "institution": member.school.name if member.school else None,
        "institution_number": member.school.number if member.school else None,
        "class": member.class_name,
        "classes": list(member.groups),
        "password_type": member.password_type.name if member.password_type else None,
        "password": pictures or member.password,
        "pictures": pictures,
        "mitid": member.mitid,
        "note": member.note,
    }


def table(changed: Collection[str] = ()) -> list[str]:
    """Return the cast for people, as the lines of a small table; pictures have the names that are typed.

    `changed`: the usernames of those who have another password by now.
    """
    rows = [("name", "username", "password", "role")]
    for member in SUGGESTED:
        secret = ", ".join(picture_name(p) for p in member.pictures) or member.password or ""
        shown = CHANGED if member.username in changed else secret
        rows.append((member.shown_name, member.username or "", shown, member.described_en))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)) for row in rows
    ]
    told = [HOW_TO_START_OVER] if any(CHANGED in row for row in rows) else []
    return [*lines, "", *told, SECOND_BROWSER]


def picture_name(picture: str) -> str:
    """Return a picture's Danish name; its id is the name without the letters beyond ASCII."""
    return picture.replace("ae", "æ").replace("oe", "ø")
