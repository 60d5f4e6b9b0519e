"""Elevadgang: who blocked, from which browser a name was sent, where a claim came from, the live windows."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_elevadgang"
down_revision = "2026_11_22_contact"

IS_LIVE = sa.text("state IN ('OPEN', 'PENDING')")


def upgrade() -> None:
    # SQLite adds a column that refers to another table only in these words.
    type_name = "INTEGER" if op.get_context().dialect.name == "sqlite" else "BIGINT"
    op.execute(
        f'ALTER TABLE "user" ADD COLUMN blocked_by_institution_id {type_name}'
        " CONSTRAINT fk_user_blocked_by_institution_id REFERENCES institution (id)"
    )
    op.add_column("login_flow", sa.Column("asked_from_device_mark", sa.String(64), nullable=True))
    op.add_column("password_window", sa.Column("claim_network_mark", sa.String(64), nullable=True))
    op.create_index(
        "ix_password_window_claim_network_mark_claimed_at",
        "password_window",
        ["claim_network_mark", "claimed_at"],
    )
    op.create_index(
        "ix_password_window_live_ends_at",
        "password_window",
        ["ends_at"],
        sqlite_where=IS_LIVE,
        postgresql_where=IS_LIVE,
    )
