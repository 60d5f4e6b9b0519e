"""The help for each kind of reader: Danish decides, and every other language says the same."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from app.config import PROJECT
from app.domain import audiences, site
from app.domain.content import ContentError
from app.domain.site import SiteError

CONTENT = PROJECT / "app" / "content"
SITE = site.read(CONTENT / "site.toml")


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """Return a copy of the content that may be spoiled."""
    for language in ("da", "en"):
        (tmp_path / language).mkdir()
        shutil.copy(CONTENT / language / audiences.FILE, tmp_path / language)
    return tmp_path


def spoil(content: Path, language: str, old: str, new: str) -> None:
    """Change a file, which must hold what is changed."""
    path = content / language / audiences.FILE
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_both_languages_lead_the_same_ways_in_the_same_order() -> None:
    danish, english = (audiences.read(CONTENT, language, SITE) for language in ("da", "en"))
    assert [task.to for task in danish.most_used] == [task.to for task in english.most_used]
    assert len(danish.most_used) == 6
    for slug in audiences.AUDIENCES:
        ours, theirs = danish.audiences[slug], english.audiences[slug]
        assert [task.to for task in ours.tasks] == [task.to for task in theirs.tasks]
        assert ours.title != theirs.title


def test_the_operators_words_stand_in_the_texts() -> None:
    renamed = audiences.read(CONTENT, "da", replace(SITE, brand="Skoleport"))
    said = repr(renamed)
    assert "Mit Skoleport" in said
    assert "Unilogin" not in said
    assert "{" not in said.replace("{'", "")


@pytest.mark.parametrize(
    ("language", "old", "new", "fault"),
    [
        ("en", 'door = "Pupil"\n', "", r"en/audiences\.toml: .* audiences\.elev\.door"),
        ("en", 'door = "Pupil"', 'door = "Pupil"\ndoors = "x"', r"audiences\.elev\.doors"),
        ("en", "[tasks.login]", "[tasks.log_in]", r"tasks\.log_in\.help, .*tasks\.login\.title"),
        ("en", 'door = "Pupil"', "door = Pupil", r"en/audiences\.toml: "),
        ("da", '"new_password", "change"', '"no_password", "change"', "there is no task no_password"),
        ("da", 'to = "login.choose"\n', "", r"da/audiences\.toml: 'to' is missing"),
        ("da", "[front]", "[back]", r"'front' is missing"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(
    content: Path, language: str, old: str, new: str, fault: str
) -> None:
    spoil(content, language, old, new)
    with pytest.raises(ContentError, match=fault):
        audiences.read(content, language, SITE)


def test_a_text_that_neither_language_has_is_told(content: Path) -> None:
    spoil(content, "da", 'door = "Elev"\n', "")
    spoil(content, "en", 'door = "Pupil"\n', "")
    with pytest.raises(ContentError, match=r"audiences\.elev\.door"):
        audiences.read(content, "en", SITE)


def test_an_unknown_placeholder_is_told(content: Path) -> None:
    spoil(content, "da", "Mit {brand}", "Mit {brnad}")
    with pytest.raises(SiteError, match="brnad"):
        audiences.read(content, "da", SITE)


def test_a_language_without_the_file_has_the_help_in_danish(content: Path) -> None:
    (content / "en" / audiences.FILE).unlink()
    found = audiences.read(content, "en", SITE)
    assert found == audiences.read(content, "da", SITE)
    assert found.language == "da"
    assert audiences.read(CONTENT, "en", SITE).language == "en"


def test_a_missing_danish_file_is_told(content: Path) -> None:
    (content / "da" / audiences.FILE).unlink()
    with pytest.raises(ContentError, match=r"da/audiences\.toml"):
        audiences.read(content, "en", SITE)
