"""The app, for a WSGI server and for the `flask` command."""

import multiprocessing
import signal
import sys

from app import create_app, jobs
from app.config import ConfigError
from app.domain.content import ContentError
from app.domain.site import SiteError
from app.keys import KeysError

if multiprocessing.parent_process() is not None:
    # Ctrl-C reaches every process of the terminal, and the server then tells its workers to stop as
    # well. Of two signals at once a worker can miss both, and hang; so it leaves the first to others.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})

try:
    app = create_app()
except (ConfigError, ContentError, KeysError, SiteError) as error:
    sys.exit(str(error))
world = app.extensions["world"]
jobs.start(app.extensions["database"], world.clock, world.mail)
