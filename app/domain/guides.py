"""Guides: what somebody comes to do, in at most nine steps, each beside the screen it speaks of."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from app.domain.audiences import AUDIENCES
from app.domain.content import Document, Faults
from app.domain.languages import LANGUAGES
from app.domain.prose import Part, Prose, has_first_heading, parts
from app.domain.site import SOURCE

MOST_STEPS = 9
TOPICS = ("login", "elevadgang", "elevadministration", "foraeldre-og-elever")
# What the last heading of a guide is called where it is about trouble, not a step.
TROUBLES = {code: one.troubles for code, one in LANGUAGES.items()}
CODE = re.compile(r"[0-9]{4}")
WORDS = ("title", "lead", "needs")
FACTS = ("audiences", "topics", "minutes", "owner", "reviewed_on", "related", "questions")

Fill = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Still:
    """A screen to draw beside a step: its template, in which state, and the part that the step is about."""

    template: str
    point_at: str
    state: str


@dataclass(frozen=True, slots=True)
class Step:
    """One act."""

    number: int
    heading: str
    prose: Prose
    stills: tuple[Still, ...]


@dataclass(frozen=True, slots=True)
class Guide:
    """A guide in the words of one language; `language` is Danish where there is no translation."""

    slug: str
    language: str
    title: str
    lead: str
    needs: tuple[str, ...]
    audiences: tuple[str, ...]
    topics: tuple[str, ...]
    minutes: int
    code: str
    owner: str
    reviewed_on: date
    related: tuple[str, ...]
    questions: tuple[str, ...]
    introduction: Prose
    steps: tuple[Step, ...]
    troubles: Part | None

    @property
    def proses(self) -> list[Prose]:
        """All its prose, in order."""
        after = [self.troubles.prose] if self.troubles else []
        return [self.introduction, *(step.prose for step in self.steps), *after]


def read(source: Document, words: Document, slug: str, language: str, code: str, fill: Fill) -> Guide:
    """Return a guide: its facts from the Danish file, its words from that of a language.

    What is wrong with it is noted among the faults of the files.
    """
    words.only(*WORDS, *(FACTS if language == SOURCE else ()))
    if has_first_heading(words.body):
        words.faults.add(words.place, "# is the title's heading; a step's is ##")
    introduction, *rest = parts(fill(words.body))
    troubles = rest.pop() if rest and rest[-1].heading == TROUBLES.get(language) else None
    steps = tuple(_step(words, number, part) for number, part in enumerate(rest, 1))
    if not steps:
        words.faults.add(words.place, "there is no step, which begins with ##")
    if len(steps) > MOST_STEPS:
        words.faults.add(words.place, f"{len(steps)} steps are more than {MOST_STEPS}")
    for part in (introduction, troubles):
        if part and part.fences:
            words.faults.add(words.place, "a screen stands beside a step")
    return Guide(
        slug,
        language,
        fill(words.text("title")),
        fill(words.text("lead")),
        tuple(fill(one) for one in words.texts("needs")),
        source.some("audiences", AUDIENCES),
        source.texts("topics", TOPICS),
        source.number("minutes"),
        code,
        source.text("owner"),
        source.date("reviewed_on"),
        source.texts("related"),
        source.texts("questions"),
        introduction.prose,
        steps,
        troubles,
    )


def compare(danish: Guide, other: Guide, place: str, faults: Faults) -> None:
    """Note where a translation has other steps or screens than the Danish guide."""
    if len(danish.steps) != len(other.steps):
        faults.add(place, f"{len(other.steps)} steps, and the Danish has {len(danish.steps)}")
    for ours, theirs in zip(danish.steps, other.steps, strict=False):
        if ours.stills != theirs.stills:
            faults.add(f"{place} step {ours.number}", "other screens than in the Danish step")
    if (danish.troubles is None) != (other.troubles is None):
        faults.add(place, f"only one of the two has the last heading «{TROUBLES.get(other.language)}»")
    if len(danish.needs) != len(other.needs):
        faults.add(place, f"needs: {len(other.needs)} lines, and the Danish has {len(danish.needs)}")


def check_codes(codes: Mapping[str, object], slugs: list[str], place: str, faults: Faults) -> dict[str, str]:
    """Return each guide's short code; a code is for one guide, and every guide has one."""
    found: dict[str, str] = {}
    for code, slug in codes.items():
        if not CODE.fullmatch(code):
            faults.add(place, f"{code}: expected four digits")
        elif slug not in slugs:
            faults.add(place, f"{code}: there is no guide {slug}")
        elif slug in found:
            faults.add(place, f"{slug} has both {found[slug]} and {code}")
        else:
            found[str(slug)] = code
    for slug in slugs:
        if slug not in found:
            faults.add(place, f"{slug} has no code")
            found[slug] = "0000"
    return found


def _step(words: Document, number: int, part: Part) -> Step:
    place = f"{words.place} step {number}"
    stills = [still for fence in part.fences if (still := _still(fence, place, words.faults))]
    return Step(number, part.heading, part.prose, tuple(stills))


def _still(fence: str, place: str, faults: Faults) -> Still | None:
    """Read what a step says of its screen: the template's name on the first line, then TOML."""
    template, _, rest = fence.partition("\n")
    try:
        said = tomllib.loads(rest)
    except tomllib.TOMLDecodeError as error:
        faults.add(place, f"screen: {error}")
        return None
    point_at, state = said.pop("point_at", ""), said.pop("state", "")
    if said or not isinstance(point_at, str) or not isinstance(state, str):
        faults.add(place, "screen: a name of a template, then point_at and perhaps state, in quotes")
        return None
    if not point_at:
        faults.add(place, "screen: point_at is missing")
    return Still(template.strip(), point_at, state)
