"""The site over the real content; no database is asked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from app import config as configuration
from app import create_app


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Return the site, which all tests of the content share: it changes nothing."""
    folder = tmp_path_factory.mktemp("content")
    made = create_app(configuration.read({"INSTANCE_DIR": str(folder), "LOG_LEVEL": "ERROR"}))
    yield made
    made.extensions["database"].dispose()
