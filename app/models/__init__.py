"""The tables. Importing this package makes all of them known."""

from app.models import audit, credentials, elevadgang, imports, people, recovery, sso

__all__ = ["audit", "credentials", "elevadgang", "imports", "people", "recovery", "sso"]
