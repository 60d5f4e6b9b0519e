"""Pupils and their windows as the screens show them: words, clock times, and what has changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from zlib import crc32

from app.domain.elevadgang.pupils import Pupil, Window
from app.domain.elevadgang.windows import Standing, pending_end
from app.models.elevadgang import Doubt
from app.models.people import PasswordType
from app.web import pictures
from app.web.browser import device_text
from app.web.fields import N_
from app.web.i18n import gettext as _
from app.web.i18n import language, moment_text, time_text
from app.web.pictures import Picture

TYPES = {
    PasswordType.PICTURES: N_("Billeder"),
    PasswordType.WORDS: N_("Ord"),
    PasswordType.WORDS_DIGITS: N_("Ord og tal"),
}
COMING = {
    PasswordType.PICTURES: N_("Eleven bliver bedt om at skifte til billeder ved næste login."),
    PasswordType.WORDS: N_("Eleven bliver bedt om at skifte til ord ved næste login."),
    PasswordType.WORDS_DIGITS: N_("Eleven bliver bedt om at skifte til ord og tal ved næste login."),
}
DOUBTS = {
    Doubt.ELSEWHERE: N_("Eleven er et andet sted end dig."),
    Doubt.ASKED_BEFORE: N_("Brugernavnet er skrevet flere gange derfra, før du trykkede."),
    Doubt.MANY_PUPILS: N_("Der er lige skrevet brugernavne for flere elever fra det samme sted."),
    Doubt.OWN_BROWSER: N_("Brugernavnet er skrevet i din egen browser."),
}
# What stands after a UniID whose given name is not the only one of its list.
NAMESAKE = "_"
TAGS = {
    Standing.WAITING: "plain",
    Standing.APPROVAL: "warn",
    Standing.UNDER_WAY: "info",
    Standing.DONE: "ok",
    Standing.EXPIRED: "plain",
    Standing.CANCELLED: "plain",
    Standing.DISOWNED: "warn",
}


@dataclass(frozen=True, slots=True)
class Status:
    """A pupil's status cell; `code` changes whenever anything in it does."""

    code: str
    window_id: int | None
    text: str
    tag: str
    picture: Picture | None
    help: str
    device: str
    asks_for_help: bool
    may_cancel: bool
    may_extend: bool
    may_approve: bool
    disown_id: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """A pupil's row: the type of password is that of the one the pupil has to use now."""

    uni_id: str
    name: str
    given_name: str
    username: str | None
    group_name: str
    has_password: bool
    type_text: str
    coming_text: str
    is_marked: bool
    is_blocked: bool
    may_unblock: bool
    last_login_text: str
    status: Status


def row(pupil: Pupil) -> Row:
    """Return a pupil as a row."""
    has, will_have = pupil.current_type, pupil.password_type
    return Row(
        uni_id=pupil.uni_id,
        name=pupil.name,
        given_name=pupil.given_name,
        username=pupil.username,
        group_name=pupil.group_name,
        has_password=has is not None,
        type_text=_(TYPES[has]) if has else _("Ingen adgangskode"),
        coming_text=_(COMING[will_have]) if has and has is not will_have else "",
        is_marked=pupil.is_marked and has is will_have,
        is_blocked=pupil.is_blocked,
        may_unblock=pupil.may_unblock,
        last_login_text=moment_text(pupil.last_login_at) if pupil.last_login_at else "",
        status=status(pupil.window, asks_for_help=pupil.asks_for_help),
    )


def status(window: Window | None, *, asks_for_help: bool = False) -> Status:
    """Return the words for where a pupil's window stands."""
    text, tag, help, picture, device = "", "plain", "", None, ""
    if window is not None:
        text, tag = _text(window), TAGS[window.standing]
        help, device = _help(window)
        if window.standing is Standing.APPROVAL and window.picture:
            (picture,) = pictures.named([window.picture], language())
    acts = (window.may_extend, window.used_id) if window else ()
    seen = f"{text} {help} {device} {acts} {asks_for_help}"
    standing = window.standing.value if window else 0
    return Status(
        code=f"{standing}{'h' if asks_for_help else ''}-{crc32(seen.encode()):x}",
        window_id=window.id if window else None,
        text=text,
        tag=tag,
        picture=picture,
        help=help,
        device=device,
        asks_for_help=asks_for_help,
        may_cancel=window is not None and window.is_live,
        may_extend=window is not None and window.may_extend,
        may_approve=picture is not None,
        disown_id=window.used_id if window else None,
    )


NOTHING = status(None)


def _text(window: Window) -> str:
    if window.standing is Standing.WAITING:
        return _("Venter til kl. %(time)s", time=time_text(window.ends_at))
    texts = {
        Standing.APPROVAL: N_("Godkend"),
        Standing.UNDER_WAY: N_("I gang"),
        Standing.DONE: N_("Færdig"),
        Standing.EXPIRED: N_("Tiden er gået"),
        Standing.CANCELLED: N_("Afbrudt"),
        Standing.DISOWNED: N_("Ikke din elev. Giv eleven en ny adgangskode."),
    }
    return _(texts[window.standing])


def _help(window: Window) -> tuple[str, str]:
    """Return a sentence more, and the device's words, where they help to see who it is."""
    if window.standing is Standing.APPROVAL and window.doubt:
        return _(DOUBTS[window.doubt]), device_text(window.device)
    if window.standing is Standing.UNDER_WAY:
        until = _("Senest kl. %(time)s.", time=time_text(pending_end(window.ends_at)))
        far = _("Eleven er et andet sted end dig.")
        return (until if window.is_near else f"{far} {until}"), device_text(window.device)
    return "", device_text(window.device) if window.may_disown else ""


def changes(
    known: Mapping[str, str],
    pupils: list[Pupil],
    *,
    namesakes: Collection[str] = (),
    untold: Collection[str] = (),
) -> tuple[dict[str, Status], list[str]]:
    """Return the cells that differ from what a page has, by UniID, and a sentence for each new standing.

    `known` is what the page has: the codes by UniID. `namesakes` are called by their whole name, and of
    the `untold` nothing is said: whoever pressed is told of them in other words.
    """
    cells, said = {}, []
    there = {pupil.uni_id for pupil in pupils}
    for pupil in pupils:
        cell = status(pupil.window, asks_for_help=pupil.asks_for_help)
        before = known.get(pupil.uni_id, NOTHING.code)
        if cell.code == before:
            continue
        cells[pupil.uni_id] = cell
        if cell.code.partition("-")[0] != before.partition("-")[0]:
            sentence = _sentence(pupil, pupil.name if pupil.uni_id in namesakes else pupil.given_name)
            if sentence and pupil.uni_id not in untold:
                said.append(sentence)
    for uni_id, code in known.items():
        if uni_id not in there and code != NOTHING.code:
            cells[uni_id] = NOTHING
    return cells, said


def _sentence(pupil: Pupil, name: str) -> str:
    texts = {
        Standing.APPROVAL: N_("%(name)s venter på, at du godkender"),
        Standing.UNDER_WAY: N_("%(name)s er i gang"),
        Standing.DONE: N_("%(name)s har fået en ny adgangskode"),
        Standing.EXPIRED: N_("Tiden er gået for %(name)s"),
        Standing.CANCELLED: N_("%(name)s er afbrudt"),
    }
    if pupil.window is not None and pupil.window.standing in texts:
        return _(texts[pupil.window.standing], name=name)
    return _("%(name)s beder om hjælp", name=name) if pupil.asks_for_help else ""


def known(text: str) -> dict[str, str]:
    """Read the codes that a page says it has; what is none is left out."""
    pairs = (part.partition(".") for part in text.split("~"))
    return {
        uni_id: code or NOTHING.code
        for name, _point, code in pairs
        if is_uni_id(uni_id := name.removesuffix(NAMESAKE)) and len(code) <= 16
    }


def known_namesakes(text: str) -> set[str]:
    """Read which of those a page says it has share a given name."""
    names = (part.partition(".")[0] for part in text.split("~"))
    return {name.removesuffix(NAMESAKE) for name in names if name.endswith(NAMESAKE)}


def is_uni_id(text: str) -> bool:
    """Whether a text may be the number that a row is named by."""
    return text.isalnum() and len(text) <= 10


def namesakes(rows: list[Row]) -> set[str]:
    """Return those of a list, by UniID, whose given name somebody else on it has too."""
    times = Counter(row.given_name for row in rows)
    return {row.uni_id for row in rows if times[row.given_name] > 1}


def counts(text: str) -> dict[int, int]:
    """Read how many hands a page says are up in each class."""
    pairs = (part.partition(".") for part in text.split("~"))
    return {
        int(group): int(count)
        for group, _point, count in pairs
        if all(one.isdecimal() and len(one) <= 15 for one in (group, count))
    }


def told(statuses: Mapping[str, Status], namesakes: Collection[str], *, names_all: bool) -> str:
    """Write the codes of a page, for its next question; pupils with none are left out, or named alone.

    Namesakes are named always, with a mark: only the page knows the whole list.
    """
    marks = dict.fromkeys(namesakes, NAMESAKE)
    all_of_them = {**statuses, **{one: NOTHING for one in sorted(namesakes) if one not in statuses}}
    return "~".join(
        uni_id + marks.get(uni_id, "") + ("" if one.code == NOTHING.code else f".{one.code}")
        for uni_id, one in all_of_them.items()
        if names_all or one.code != NOTHING.code or uni_id in marks
    )
