"""`flask content`: what the editors are told."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.config import PROJECT
from app.web import library
from tests.cli.terminal import Run, done, refused
from tests.conftest import SetClock

pytestmark = pytest.mark.sqlite_only


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """Return a copy of the content that may be changed."""
    folder = tmp_path / "content"
    shutil.copytree(PROJECT / "app" / "content", folder)
    return folder


def test_the_guides_are_listed_with_code_review_and_owner(app: Flask, run: Run) -> None:
    lines = done(run("content", "check")).splitlines()
    for guide in app.extensions["library"]["da"].guides.values():
        assert f"{guide.code}  {guide.reviewed_on}  {guide.owner}  {guide.slug}" in lines
    assert not [line for line in lines if line.startswith("warning")]


def test_a_search_is_answered_and_measured(run: Run) -> None:
    assert done(run("content", "search", "glemt", "kode")).splitlines()[0] == "guide:faa-en-ny-adgangskode"
    assert done(run("content", "search", "--language", "en", "xyzzy")) == ""
    lines = done(run("content", "search", "--measure")).splitlines()
    assert [line[:6] for line in lines] == ["half a", "half b", "half c", "half d"]
    assert ["tuned on" in line for line in lines] == [True, True, True, False]
    assert "unseen when measured" in lines[3]
    assert all("right page first " in line and " ms of CPU a search" in line for line in lines)
    assert refused(run("content", "search", "--language", "xx", "kode")).endswith("no content in xx")


def test_searches_without_a_hit_are_listed(app: Flask, run: Run, client: FlaskClient) -> None:
    assert done(run("content", "misses")) == ""
    client.get("/en/soeg?q=xyzzy")
    assert done(run("content", "misses")).split()[::2] == ["1", "en"]


def test_what_is_old_is_warned_of(app: Flask, run: Run, clock: SetClock) -> None:
    clock.forward(days=500)
    lines = done(run("content", "check")).splitlines()
    old = [line for line in lines if "more than 12 months ago" in line]
    assert len(old) == sum(
        len(getattr(app.extensions["library"]["da"], kind)) for kind in ("guides", "questions")
    )


def test_what_is_not_translated_is_warned_of(app: Flask, run: Run, content: Path) -> None:
    (content / "en" / "guides" / "log-ind-med-billeder.md").unlink()
    library.init(app, content)
    warning = "warning: en/guides/log-ind-med-billeder.md is not there: readers get the Danish"
    assert warning in done(run("content", "check")).splitlines()


@pytest.mark.parametrize(
    ("name", "old", "new", "fault"),
    [
        (
            "da/questions/hvem-kan-faa-unilogin.md",
            "\n+++\n",
            "\n+++\n" + "institutionsadministrationen " * 60,
            "da/questions/hvem-kan-faa-unilogin.md: LIX 60",
        ),
        (
            "da/guides/log-ind-med-billeder.md",
            "## Hvis det ikke virker\n",
            "## Hvis det ikke virker\nSkriv din kode.\n\n",
            "da/guides/log-ind-med-billeder.md: «kode» has another name here",
        ),
        (
            "en/news/fire-forskellige-billeder.md",
            "\n+++\n",
            "\n+++\nClick it.\n\n",
            "en/news/fire-forskellige-billeder.md: «click» has another name here",
        ),
        (
            "da/pages/om.md",
            "\n+++\n",
            "\n+++\nSe [her](front:).\n\n",
            "da/pages/om.md: the link «her» does not say where it leads",
        ),
        (
            "da/guides/log-ind-med-billeder.md",
            "**«Slet»**",
            "**«Fjern»**",
            "da/guides/log-ind-med-billeder.md «Hvis det ikke virker»: «Fjern» is on no screen",
        ),
        (
            "da/audiences.toml",
            '"login.choose"',
            '"login.chose"',
            "da/audiences.toml: «Log ind» leads to login.chose, which is not there",
        ),
    ],
)
def test_words_that_are_too_hard_or_not_ours_are_faults(
    app: Flask, run: Run, content: Path, name: str, old: str, new: str, fault: str
) -> None:
    text = (content / name).read_text("utf-8")
    at = text.rindex(old)
    (content / name).write_text(text[:at] + new + text[at + len(old) :], "utf-8")
    library.init(app, content)
    result = run("content", "check")
    assert result.exit_code == 1
    assert [line for line in result.stderr.splitlines() if line.startswith(fault)], result.stderr
    assert "faults in the content" in result.stderr


def test_a_screen_that_does_not_fit_is_a_fault(app: Flask, run: Run, content: Path) -> None:
    path = content / "en" / "guides" / "log-ind-med-billeder.md"
    text = path.read_text("utf-8")
    path.write_text(text.replace("«Next»", "«Onwards»"), "utf-8")
    library.init(app, content)
    result = run("content", "check")
    assert result.exit_code == 1
    assert "en/guides/log-ind-med-billeder.md step " in result.stderr
    assert "«Onwards» is not on login/username.html" in result.stderr
