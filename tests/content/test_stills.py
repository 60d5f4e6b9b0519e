"""The screens beside the steps: a screen that changes names the guide, the language and the step."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import ChoiceLoader, DictLoader

from app import config as configuration
from app import create_app
from app.domain.guides import Still
from app.domain.library import Library
from app.web import stills
from app.web.i18n import LANGUAGES
from app.web.stills import StillError, Stills
from tests.pages import parse

TEMPLATES = Path(stills.__file__).resolve().parent.parent / "templates"
USERNAME = "login/username.html"


def new_faults(site: Flask, changed: Flask) -> list[str]:
    """Return every line that is told since a screen was changed."""
    return [line for line in all_faults(changed) if line not in all_faults(site)]


def all_faults(site: Flask) -> list[str]:
    """Return every line that is told of the guides in every language."""
    libraries: dict[str, Library] = site.extensions["library"]
    return [
        line
        for code, library in libraries.items()
        for line in stills.faults(site, library.guides.values(), code)
    ]


@pytest.fixture
def changed(tmp_path: Path) -> Iterator[Flask]:
    """Return another site, whose screens a test may change."""
    made = create_app(configuration.read({"INSTANCE_DIR": str(tmp_path), "LOG_LEVEL": "ERROR"}))
    yield made
    made.extensions["database"].dispose()


def change(site: Flask, template: str, old: str, new: str) -> None:
    """Let a template say something else, as somebody who changes a screen would."""
    source = (TEMPLATES / template).read_text("utf-8")
    assert old in source
    assert site.jinja_loader is not None
    site.jinja_loader = ChoiceLoader([DictLoader({template: source.replace(old, new)}), site.jinja_loader])


def steps_that_show(site: Flask, template: str, word: str = "") -> set[str]:
    """Return which steps show a screen and perhaps name a button, as they are told."""
    libraries: dict[str, Library] = site.extensions["library"]
    return {
        f"{code}/guides/{guide.slug}.md step {step.number}"
        for code, library in libraries.items()
        for guide in library.guides.values()
        for step in guide.steps
        if any(still.template == template for still in step.stills) and (not word or word in step.prose.words)
    }


def test_every_step_of_every_guide_fits_the_screen_beside_it(site: Flask) -> None:
    faults = all_faults(site)
    assert not faults, "\n".join(faults)


def unknown_words(site: Flask) -> list[str]:
    """Return every button that a text names and no screen has, in every language."""
    libraries: dict[str, Library] = site.extensions["library"]
    return [line for code, library in libraries.items() for line in stills.word_faults(site, library, code)]


def test_every_button_that_a_text_without_a_screen_names_stands_on_some_screen(site: Flask) -> None:
    faults = unknown_words(site)
    assert not faults, "\n".join(faults)


def test_a_renamed_button_names_the_texts_without_a_screen_too(changed: Flask) -> None:
    change(changed, "recovery/found.html", '_("Giv et brugernavn")', '"Opret"')
    change(changed, "elevadgang/group.html", '_("Tavle")', '"Lærred"')
    told = unknown_words(changed)
    guide, question = (
        "guides/find-dit-brugernavn-med-mitid.md",
        "questions/jeg-har-ikke-faaet-et-brugernavn.md",
    )
    assert [line for line in told if "Give a" in line or "Giv et" in line] == [
        f"da/{guide} «Hvis det ikke virker»: «Giv et brugernavn» is on no screen",
        f"da/{question}: «Giv et brugernavn» is on no screen",
        f"en/{guide} «If it does not work»: «Give a username» is on no screen",
        f"en/{question}: «Give a username» is on no screen",
    ]
    wall = "guides/giv-en-elev-en-ny-adgangskode.md"
    assert f"en/{wall} «If it does not work»: «Board» is on no screen" in told
    assert {line.partition("/")[0] for line in told} == set(LANGUAGES)


def test_what_other_sites_call_their_buttons_is_listed_and_no_more_than_that(changed: Flask) -> None:
    elsewhere = changed.extensions["elsewhere"]
    changed.extensions["elsewhere"] = frozenset()
    assert {re.findall("«([^«]+)» is on no", line)[0] for line in unknown_words(changed)} == elsewhere


def test_a_renamed_button_names_guide_language_and_step(site: Flask, changed: Flask) -> None:
    change(changed, USERNAME, '_("Næste")', '"Fortsæt"')
    expected = steps_that_show(changed, USERNAME, "Næste") | steps_that_show(changed, USERNAME, "Next")
    told = new_faults(site, changed)
    assert {line.partition(": ")[0] for line in told} == expected
    assert {line.partition("/")[0] for line in told} == set(LANGUAGES)
    assert all(f"is not on {USERNAME}" in line for line in told)
    assert any("«Næste»" in line for line in told)


def test_a_part_that_is_gone_names_guide_language_and_step(site: Flask, changed: Flask) -> None:
    macros = (TEMPLATES / "components.html").read_text("utf-8")
    assert 'data-part="{{ one.key }}"' in macros
    change(changed, "login/choose.html", "ui.way(one, destination)", "one.title")
    told = new_faults(site, changed)
    assert {line.partition(": ")[0] for line in told} == steps_that_show(changed, "login/choose.html")
    assert all("login/choose.html has no part «own»" in line for line in told)


def test_a_screen_that_is_gone_is_told_and_the_guide_still_helps(site: Flask, changed: Flask) -> None:
    del changed.extensions["stills"].screens[USERNAME]
    told = new_faults(site, changed)
    assert {line.partition(": ")[0] for line in told} == steps_that_show(changed, USERNAME)
    slug = next(iter(steps_that_show(changed, USERNAME))).split("/")[2].partition(".")[0]
    public_url = changed.extensions["config"].public_url
    answer = changed.test_client().get(f"/da/vejledninger/{slug}", base_url=public_url)
    assert answer.status_code == 200


def offered(site: Flask) -> Iterator[tuple[str, str, str]]:
    """Return every screen, state and part that a guide may name."""
    screens: Stills = site.extensions["stills"]
    for template, screen in screens.screens.items():
        for state in screen.states:
            for part in re.findall(r'data-part="([a-z-]+)"|part="([a-z-]+)"', _source(template)):
                yield template, state, part[0] or part[1]


def _source(template: str) -> str:
    return (TEMPLATES / template).read_text("utf-8")


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_screen_that_is_offered_is_drawn_and_does_nothing(site: Flask, code: str) -> None:
    drawn = 0
    for template, state, part in offered(site):
        try:
            picture = site.extensions["stills"].draw(Still(template, part, state), code)
        except StillError:
            continue  # a part of another state
        drawn += 1
        root = parse(f"<!doctype html><title>x</title><div>{picture.html}</div>")
        tags = {element.tag for element in root.iter()} - {"html", "head", "title", "body"}
        assert not tags & {"a", "button", "form", "input", "label", "script", "h1", "h2", "details", "main"}
        names = {name for element in root.iter() for name in element.attrib}
        assert names <= {
            *("class", "dir", "lang", "translate", "width", "height", "viewBox", "href", "d", "fill"),
            *("aria-hidden", "colspan", "rowspan", "src", "alt", "data-id", "stroke", "transform"),
        }, (template, names)
        assert picture.html.count("still-arrow") == 1
        assert picture.html.count("is-pointed-at") == 1
        assert picture.heading
    assert drawn >= 20


def test_a_still_holds_no_token_and_leaves_the_readers_session_alone(site: Flask) -> None:
    public_url = site.extensions["config"].public_url
    client = site.test_client()
    answer = client.get("/da/vejledninger/faa-en-ny-adgangskode", base_url=public_url)
    assert 'class="still"' in answer.text
    assert "csrf" not in answer.text
    assert "Set-Cookie" not in answer.headers


def test_a_state_that_is_none_is_told(site: Flask) -> None:
    screens: Stills = site.extensions["stills"]
    with pytest.raises(StillError, match=r"login/username\.html has no state «odd»"):
        screens.draw(Still(USERNAME, "username", "odd"), "da")
    with pytest.raises(StillError, match=r"no screen login/odd\.html is offered"):
        screens.draw(Still("login/odd.html", "username", ""), "da")


def test_without_a_state_it_is_the_first_in_which_the_part_is_there(site: Flask) -> None:
    screens: Stills = site.extensions["stills"]
    assert screens.draw(Still("recovery/choose.html", "forgotten", ""), "da").part_name == "Glemt adgangskode"
    assert screens.draw(Still("recovery/choose.html", "username", ""), "da").part_name == "Brugernavn"


def test_the_screens_speak_the_readers_language(site: Flask) -> None:
    screens: Stills = site.extensions["stills"]
    assert screens.draw(Still(USERNAME, "next", ""), "da").part_name == "Næste"
    assert screens.draw(Still(USERNAME, "next", ""), "en").part_name == "Next"
