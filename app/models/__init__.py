"""The tables. Importing this package makes all of them known."""

from app.models import audit, credentials, people, sso

__all__ = ["audit", "credentials", "people", "sso"]
