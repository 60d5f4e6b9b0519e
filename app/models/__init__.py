"""The tables. Importing this package makes all of them known."""

from app.models import (
    audit,
    clock,
    contact,
    credentials,
    elevadgang,
    imports,
    people,
    recovery,
    searches,
    sso,
)

__all__ = [
    "audit",
    "clock",
    "contact",
    "credentials",
    "elevadgang",
    "imports",
    "people",
    "recovery",
    "searches",
    "sso",
]
