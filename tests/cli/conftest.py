"""A terminal at the demo school, and one in production."""

from __future__ import annotations

from dataclasses import replace

import pytest
from click.testing import Result
from flask import Flask

from app.config import Config, Mode
from tests.cli.terminal import Run


@pytest.fixture
def run(app: Flask) -> Run:
    """Return a function that runs a command of the site."""
    runner = app.test_cli_runner()

    def invoke(*words: str) -> Result:
        return runner.invoke(args=list(words))

    return invoke


@pytest.fixture
def production(app: Flask, config: Config) -> Flask:
    """Return the site as if it stood in production."""
    app.extensions["config"] = replace(config, mode=Mode.PRODUCTION)
    return app
