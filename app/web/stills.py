"""Stills: a guide shows the real screen itself, drawn from its own template with example values."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, current_app, g, url_for
from markupsafe import Markup
from werkzeug.test import create_environ

from app.domain.guides import Guide, Still
from app.domain.library import Library
from app.domain.prose import Prose
from app.web.environment import Templates
from app.web.i18n import gettext as _
from app.web.i18n import language
from app.web.inert import Picture

# Whose login the guides show; nobody has it.
EXAMPLE = "anna1234"

Example = Callable[[], dict[str, Any]]


log = logging.getLogger("app.stills")


class StillError(Exception):
    """A screen cannot be shown as a guide asks: it, its state or the part is gone."""


@dataclass(frozen=True, slots=True)
class Screen:
    """A screen that guides may show: example values for each state by name, the ordinary one first."""

    states: Mapping[str, Example]
    # Whether anybody can open it by its address, without being in the middle of something.
    is_open: bool = False


# What a module of the web offers as `STILLS`: its screens by template.
Screens = Mapping[str, Screen]


@dataclass(frozen=True, slots=True)
class ShownStill:
    """A still as a page shows it."""

    html: Markup
    label: str
    heading: str
    href: str | None


@dataclass(frozen=True)
class Stills:
    """The screens that there are to show, and those that were drawn, by language."""

    app: Flask
    screens: dict[str, Screen]
    drawn: dict[tuple[str, Still], Picture] = field(default_factory=dict)

    def draw(self, still: Still, code: str) -> Picture:
        """Return a screen in a language, drawn once.

        Raises:
            StillError: there is no such screen, state or part.

        """
        found = self.drawn.get((code, still))
        if found is None:
            found = self.drawn[code, still] = self._drawn(still, code)
        return found

    def _drawn(self, still: Still, code: str) -> Picture:
        screen = self.screens.get(still.template)
        if screen is None:
            raise StillError(f"no screen {still.template} is offered to guides")
        if still.state and still.state not in screen.states:
            raise StillError(f"{still.template} has no state «{still.state}»")
        # Without a state it is the first one in which the part is there at all.
        for state in [still.state] if still.state else screen.states:
            picture = Picture(self._block(still.template, screen.states[state], code), still.point_at)
            if picture.has_part:
                return picture
        raise StillError(f"{still.template} has no part «{still.point_at}»")

    def words(self, code: str) -> set[str]:
        """Return every piece of words on any screen in a language, in any state and at any time."""
        return set().union(
            *(
                Picture(self._block(template, example, code), "", is_all_seen=True).labels
                for template, screen in self.screens.items()
                for example in screen.states.values()
            )
        )

    def _block(self, template: str, example: Example, code: str) -> str:
        """Return a template's block, drawn for nobody: a request of its own, so no token of the reader's."""
        with self.app.app_context(), self.app.request_context(create_environ("/")):
            g.language = code
            templates: Templates = self.app.extensions["templates"]
            drawn = templates.get(template)
            inside = drawn.new_context({"errors": False, "told": None, **example()})
            return "".join(drawn.blocks["screen"](inside))


def init(app: Flask, features: Iterable[object]) -> None:
    """Take the screens that the features offer; drawn when they are first asked for."""
    screens: dict[str, Screen] = {}
    for feature in features:
        screens.update(getattr(feature, "STILLS", {}))
    app.extensions["stills"] = Stills(app, screens)


def faults(app: Flask, guides: Iterable[Guide], code: str) -> list[str]:
    """Return where the guides of a language do not fit the screens, a line each with the guide's step.

    A screen, a state or a part may be gone; and each button word of a step that has a screen stands on it.
    """
    stills: Stills = app.extensions["stills"]
    lines = []
    for guide in guides:
        for step in guide.steps:
            place = f"{code}/guides/{guide.slug}.md step {step.number}"
            labels: set[str] = set()
            for still in step.stills:
                try:
                    labels |= stills.draw(still, code).labels
                except StillError as error:
                    lines.append(f"{place}: {error}")
            # An untranslated guide has the Danish words.
            if labels and guide.language == code:
                lines += [
                    f"{place}: «{word}» is not on {', '.join(still.template for still in step.stills)}"
                    for word in step.prose.words
                    if word not in labels
                ]
    return lines


def word_faults(app: Flask, library: Library, code: str) -> list[str]:
    """Return the button words of texts without a screen beside them that stand on none, a line each.

    Danish in the place of a missing translation is told of as Danish; content/screens.toml knows the buttons
    of other sites.
    """
    stills: Stills = app.extensions["stills"]
    known = stills.words(code) | app.extensions["elsewhere"]
    return [
        f"{code}/{place}: «{word}» is on no screen"
        for place, language, prose in _without_screen(library)
        if language == code
        for word in prose.words
        if word not in known
    ]


def _without_screen(library: Library) -> Iterator[tuple[str, str, Prose]]:
    """Return all prose that no screen stands beside, with its place and language."""
    for guide in library.guides.values():
        place = f"guides/{guide.slug}.md"
        yield place, guide.language, guide.introduction
        for step in guide.steps:
            if not step.stills:
                yield f"{place} step {step.number}", guide.language, step.prose
        if guide.troubles:
            yield f"{place} «{guide.troubles.heading}»", guide.language, guide.troubles.prose
    for kind, some in (("questions", library.questions), ("news", library.news)):
        for slug, one in some.items():
            yield f"{kind}/{slug}.md", one.language, one.prose
    for slug, article in library.articles.items():
        for prose in article.proses:
            yield f"pages/{slug}.md", article.language, prose


def show(wanted: Iterable[Still]) -> list[ShownStill]:
    """Return stills for a page, in the reader's language; one that cannot be drawn is left out.

    The words alone still help a reader. Tests and `flask content check` tell whose fault it is.
    """
    stills: Stills = current_app.extensions["stills"]
    shown = []
    for still in wanted:
        try:
            picture = stills.draw(still, language())
        except StillError as error:
            log.warning("still", extra={"kind": str(error)})
        else:
            shown.append(_shown(still, picture, is_open=stills.screens[still.template].is_open))
    return shown


def _shown(still: Still, picture: Picture, *, is_open: bool) -> ShownStill:
    label = _("Skærmbilledet «%(heading)s».", heading=picture.heading)
    if picture.part_name:
        label += " " + _("Pilen viser: %(part)s.", part=picture.part_name)
    endpoint = still.template.removesuffix(".html").replace("/", ".")
    return ShownStill(
        Markup(picture.html),  # noqa: S704 - our own template's, escaped there
        label,
        picture.heading,
        url_for(endpoint, ui_locales=language()) if is_open else None,
    )
