"""The login wizard: chooser, username, password or pictures, a new password, and on."""

from app.web.login import changing, waiting
from app.web.login.entering import blueprint
from app.web.login.examples import STILLS

__all__ = ["STILLS", "blueprint", "changing", "waiting"]
