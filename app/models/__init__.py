"""The tables. Importing this package makes all of them known."""

from app.models import audit, contact, credentials, elevadgang, imports, people, recovery, searches, sso

__all__ = [
    "audit",
    "contact",
    "credentials",
    "elevadgang",
    "imports",
    "people",
    "recovery",
    "searches",
    "sso",
]
