"""Files from elsewhere are the ones we looked at, and their makers are named."""

import re
import tomllib
from hashlib import sha256
from itertools import chain

import pytest

from app.config import PROJECT

PINS = PROJECT / "app" / "static" / "vendor" / "vendored.toml"
FOLDERS = [PROJECT / "app" / folder for folder in ("static/vendor", "static/img", "wordlists")]
FILES: list[dict[str, str]] = tomllib.loads(PINS.read_text(encoding="utf-8"))["file"]
# How NOTICE writes what `licence` abbreviates.
LICENCES = {"0BSD": "Zero-Clause BSD", "Apache-2.0": "Apache License", "MIT": "MIT License"}


def test_every_file_in_these_folders_is_listed_once() -> None:
    found = chain.from_iterable(folder.rglob("*") for folder in FOLDERS)
    there = sorted(str(path.relative_to(PROJECT)) for path in found if path.is_file() and path != PINS)
    assert sorted(file["path"] for file in FILES) == there


@pytest.mark.parametrize("file", FILES, ids=lambda file: file["path"])
def test_a_file_is_the_one_that_was_listed(file: dict[str, str]) -> None:
    assert sha256((PROJECT / file["path"]).read_bytes()).hexdigest() == file["sha256"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file["path"])
def test_notice_names_the_package_and_its_licence(file: dict[str, str]) -> None:
    if file["package"] == "own":
        assert file["licence"] == "MIT"
        return
    notice = (PROJECT / "NOTICE").read_text(encoding="utf-8")
    section = next(part for part in re.split(r"\n-{20,}\n", notice) if file["path"] in part)
    assert f"{file['package']} {file['version']}" in section
    assert LICENCES[file["licence"]] in section


def test_every_picture_and_icon_is_there_under_its_own_id() -> None:
    for name, count in (("pictures.svg", 24), ("icons.svg", 24)):
        sprite = (PROJECT / "app" / "static" / "img" / name).read_text(encoding="utf-8")
        ids = re.findall(r' id="([^"]+)"', sprite)
        assert len(ids) == len(set(ids)) == sprite.count("<symbol ") == count
        # Nothing the content security policy would stop, and nothing to fetch.
        assert not re.search(r"<(?:script|style|image|foreignObject)|style=|href|url\(", sprite)
