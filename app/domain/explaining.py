"""Where the screens are explained, and which buttons the texts may name that stand on other sites."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.domain.content import Faults, read_table
from app.domain.guides import Guide

FILE = "screens.toml"
TROUBLES = "hvis-det-ikke-virker"
STEP = re.compile(r"trin-([1-9])")


@dataclass(frozen=True, slots=True)
class Explaining:
    """What the file says: a guide's slug and the place in it by screen, and the buttons of other sites."""

    help: Mapping[str, tuple[str, str]]
    elsewhere: frozenset[str]


def read(folder: Path, guides: Mapping[str, Guide], screens: Container[str]) -> Explaining:
    """Return where each screen is explained: the first step that shows it, or what the file says instead.

    Raises:
        ContentError: the file names a screen, a guide or a place in it that is not there.

    """
    faults = Faults()
    said = read_table(folder, FILE, faults)
    for key in said.keys() - {"help", "elsewhere"}:
        faults.add(FILE, f"{key}: unknown key")
    found: dict[str, tuple[str, str]] = {}
    for guide in guides.values():
        for step in guide.steps:
            for still in step.stills:
                found.setdefault(still.template, (guide.slug, f"trin-{step.number}"))
    for screen, place in said.get("help", {}).items():
        slug, _, anchor = str(place).partition("#")
        if screen.partition(" ")[0] not in screens:
            faults.add(FILE, f"there is no screen {screen}")
        if slug not in guides or not _is_in(guides[slug], anchor):
            faults.add(FILE, f"{screen}: there is no {place}")
        found[screen] = slug, anchor
    faults.tell()
    return Explaining(found, frozenset(said.get("elsewhere", {})))


def _is_in(guide: Guide, anchor: str) -> bool:
    step = STEP.fullmatch(anchor)
    return int(step[1]) <= len(guide.steps) if step else anchor == TROUBLES and guide.troubles is not None
