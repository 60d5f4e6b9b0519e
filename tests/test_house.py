"""The rules of the house, read from its own files: floors, words, guards, templates, rules that are held."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from app import config as configuration
from app import create_app
from app.config import PROJECT
from app.domain.access import RULES, Action

APP, TESTS = PROJECT / "app", PROJECT / "tests"
TEMPLATES = APP / "templates"
# What other templates stand on, and the one that every error is drawn with.
FRAMES = {"base.html", "screen.html", "components.html", "elevadgang/components.html", "error.html"}
WEB = ("flask", "werkzeug", "jinja2", "wtforms", "flask_wtf", "flask_login", "babel", "app.web")
BELOW_THE_WEB = sorted(
    str(path.relative_to(PROJECT).with_suffix("")).replace("/", ".")
    for folder in ("domain", "models", "protocols")
    for path in (APP / folder).rglob("*.py")
    if path.name != "__init__.py"
)
MODULES = sorted(
    path for folder in (APP, TESTS) for path in folder.rglob("*.py") if "versions" not in path.parts
)
PAGES = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))
BANNED = {"utils", "util", "helpers", "helper", "common", "misc", "core", "base", "manager", "handler"}
LONGEST_MODULE = 450
UNDONE = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
HELD = (
    *(1, 2, 3, 4, 6, 7, 8, 10, 11, 12, 13, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26),
    *(30, 31, 32, 33, 34),
    *(60, 61, 62, 63, 64, 65, 66, 72, 80, 81, 83),
)


def names(paths: list[Path]) -> list[str]:
    """Return paths as a person reads them."""
    return [str(path.relative_to(PROJECT)) for path in paths]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Return the site, whose database nobody asks."""
    folder = tmp_path_factory.mktemp("house")
    made = create_app(configuration.read({"INSTANCE_DIR": str(folder), "LOG_LEVEL": "ERROR"}))
    yield made
    made.extensions["database"].dispose()


def loaded_by(module: str) -> list[str]:
    """Return which parts of the web a module brings along."""
    ask = f"import sys, {module}; print(*(name for name in {WEB} if name in sys.modules))"
    command = [sys.executable, "-W", "error", "-c", ask]
    return subprocess.check_output(command, cwd=PROJECT, text=True, timeout=60).split()


def test_the_login_is_known_without_the_web() -> None:
    assert loaded_by("app.domain.login") == []


def test_nothing_below_the_web_brings_the_web_along() -> None:
    assert loaded_by(", ".join([*BELOW_THE_WEB, "app.db", "app.keys", "app.world", "app.config"])) == []


def test_importing_the_roof_loads_nothing() -> None:
    assert loaded_by("app") == []


def test_every_route_names_its_guard(site: Flask) -> None:
    bare = [
        endpoint
        for endpoint, view in site.view_functions.items()
        if getattr(view, "guard", None) != "public" and not isinstance(getattr(view, "guard", None), Action)
    ]
    assert bare == []


def test_every_action_that_a_route_asks_leave_for_has_a_rule(site: Flask) -> None:
    asked = {getattr(view, "guard", None) for view in site.view_functions.values()} - {"public"}
    assert asked <= set(RULES)
    assert set(RULES) == set(Action)


@pytest.mark.parametrize("page", [page for page in PAGES if page not in FRAMES])
def test_a_page_and_its_endpoint_share_a_name(site: Flask, page: str) -> None:
    assert page.removesuffix(".html").replace("/", ".") in site.view_functions


def test_every_address_of_a_template_is_one_of_ours(site: Flask) -> None:
    asked = {
        (page, endpoint)
        for page in PAGES
        for endpoint in re.findall(r"url_for\(\s*['\"]([\w.]+)['\"]", (TEMPLATES / page).read_text("utf-8"))
    }
    assert asked
    assert {(page, endpoint) for page, endpoint in asked if endpoint not in site.view_functions} == set()


def test_changes_are_posts_and_looking_changes_nothing(site: Flask) -> None:
    """«S-63» No route takes both, nor any other method."""
    for rule in site.url_map.iter_rules():
        methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        assert methods in ({"GET"}, {"POST"}), rule


@pytest.mark.parametrize("page", PAGES)
def test_s_64_templates_trust_no_data_and_hold_no_script_and_no_style(page: str) -> None:
    source = (TEMPLATES / page).read_text("utf-8")
    assert not re.search(r"\|\s*safe\b", source)
    assert not re.search(r"autoescape\s+false|Markup\(", source)
    assert not re.search(r"\sstyle\s*=|<style\b", source)
    assert not re.search(r"<[a-z][^>]*\son[a-z]+\s*=|hx-on|javascript:", source)
    scripts = re.findall(r"<script\b([^>]*)>(.*?)</script>", source, re.S)
    assert all("src=" in attributes and not body.strip() for attributes, body in scripts)
    assert not re.search(r"<[a-z][^>]*\s[a-z-]+=(?![\"'{])[^\s>]*\{\{", source), "attributes are quoted"
    assert not re.search(r"{%-?\s*(import|from)\b", source), "a block drawn alone would not see it"


def test_s_61_nothing_is_fetched_from_anyone_else() -> None:
    sources = [*TEMPLATES.rglob("*.html"), *(APP / "static" / "css").rglob("*.css")]
    pattern = r"(?:src|href)=[\"']https?://|url\(\s*[\"']?(?:https?:)?//|@import"
    assert [path for path in sources if re.search(pattern, path.read_text("utf-8"))] == []


def test_no_module_is_too_long_to_read() -> None:
    long = [path for path in MODULES if len(path.read_text("utf-8").splitlines()) >= LONGEST_MODULE]
    assert names(long) == []


def test_names_are_nouns_not_drawers() -> None:
    drawers = [
        path
        for path in MODULES
        if BANNED & set(path.stem.split("_")) or BANNED & set(path.relative_to(PROJECT).parts[:-1])
    ]
    assert names(drawers) == []


def test_classes_are_nouns_not_drawers() -> None:
    drawers = [
        node.name
        for path in APP.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef) and re.search(r"(Manager|Handler|Helper|Utils?|Mixin)$", node.name)
    ]
    assert drawers == []


def test_nothing_is_left_to_be_done() -> None:
    folders = ("app", "tests", "docs", "bench", "translations")
    kinds = {".py", ".html", ".js", ".css", ".toml", ".md", ".po"}
    left = [
        f"{path.relative_to(PROJECT)}: {found[0]}"
        for folder in folders
        for path in sorted((PROJECT / folder).rglob("*"))
        if path.suffix in kinds and "vendor" not in path.parts
        if (found := UNDONE.search(path.read_text("utf-8")))
    ]
    assert left == []


def test_the_web_asks_the_domain_and_never_the_tables() -> None:
    asked = r"^from sqlalchemy import|^import sqlalchemy|\.execute\(|\.scalars?\("
    asking = [p for p in (APP / "web").rglob("*.py") if re.search(asked, p.read_text("utf-8"), re.M)]
    assert names(asking) == []


def test_only_the_world_has_clock_and_dice() -> None:
    asked = r"datetime\.(now|utcnow|today)\(|date\.today\(|time\.time\(|(import|from) (random|secrets)\b"
    asking = [path for path in APP.rglob("*.py") if re.search(asked, path.read_text("utf-8"))]
    assert set(names(asking)) <= {"app/world.py", "app/demo/chance.py"}


def test_each_feature_has_one_word_on_every_floor() -> None:
    words = {page.partition("/")[0] for page in PAGES if "/" in page}
    assert words
    # A feature that grew is a package of the same word.
    places = {path.stem for path in (APP / "web").iterdir()}
    assert words - places == set()


@pytest.mark.parametrize("number", HELD, ids=lambda number: f"S-{number:02}")
def test_each_rule_is_held_by_a_test_that_names_it(number: int) -> None:
    named = re.compile(rf"S-{number:02}\b|_s_{number:02}(?=_)")
    holding = [
        path
        for path in TESTS.rglob("test_*.py")
        if path != Path(__file__) and named.search(path.read_text("utf-8"))
    ]
    assert names(holding) != []
