"""Elevadgang: teachers and user administrators help pupils to a new password."""

from app.web.elevadgang import acts, administration, listing
from app.web.elevadgang.area import blueprint
from app.web.elevadgang.examples import STILLS

__all__ = ["STILLS", "acts", "administration", "blueprint", "listing"]
