"""The tables. Importing this package makes all of them known."""

from app.models import audit, credentials, people, recovery, sso

__all__ = ["audit", "credentials", "people", "recovery", "sso"]
