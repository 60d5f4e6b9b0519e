"""Elevadgang: teachers and user administrators help pupils to a new password."""

from app.web.elevadgang import acts, administration, listing
from app.web.elevadgang.area import blueprint

__all__ = ["acts", "administration", "blueprint", "listing"]
