"""The app, for a WSGI server."""

from app import create_app, jobs

app = create_app()
jobs.start(app.extensions["database"], app.extensions["world"].clock)
