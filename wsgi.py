"""The app, for a WSGI server and for the `flask` command."""

import sys

from app import create_app, jobs
from app.config import ConfigError
from app.keys import KeysError

try:
    app = create_app()
except (ConfigError, KeysError) as error:
    sys.exit(str(error))
jobs.start(app.extensions["database"], app.extensions["world"].clock)
