"""Whoever is blocked already was so by the institution that the newest block in the audit names."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_blocked_by"
down_revision = "2026_11_23_elevadgang"


def upgrade() -> None:
    op.execute(
        sa.text(
            'UPDATE "user" SET blocked_by_institution_id = ('
            "SELECT audit_event.institution_id FROM audit_event"
            " WHERE audit_event.subject_id = \"user\".id AND audit_event.event = 'BLOCKED'"
            " ORDER BY audit_event.id DESC LIMIT 1"
            ") WHERE blocked_at IS NOT NULL"
        )
    )
