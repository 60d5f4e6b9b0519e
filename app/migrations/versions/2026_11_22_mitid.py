"""MitID: trips to it, what was proved there, and who stands behind a half-done login."""

import sqlalchemy as sa
from alembic import op

from app.db import UtcTime

revision = "2026_11_22_mitid"
down_revision = "2026_11_22_ground"

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("user", sa.Column("mitid_uuid", sa.String(200), nullable=True))
    op.create_index("uq_user_mitid_uuid", "user", ["mitid_uuid"], unique=True)
    # SQLite adds a column that refers to another table only in these words.
    type_name = "INTEGER" if op.get_context().dialect.name == "sqlite" else "BIGINT"
    op.execute(
        f"ALTER TABLE login_flow ADD COLUMN authorised_by_id {type_name}"
        ' CONSTRAINT fk_login_flow_authorised_by_id REFERENCES "user" (id)'
    )
    op.create_index("ix_login_flow_authorised_by_id", "login_flow", ["authorised_by_id"], unique=False)
    op.create_table(
        "mitid_trip",
        sa.Column("id", INT, nullable=False),
        sa.Column("token_mark", sa.String(64), nullable=False),
        sa.Column("errand", sa.String(32), nullable=False),
        sa.Column("login_flow_id", INT, nullable=True),
        sa.Column("destination", sa.String(200), nullable=True),
        sa.Column("begun_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("used_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["login_flow_id"], ["login_flow.id"], name="fk_mitid_trip_login_flow_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_mitid_trip"),
        sa.UniqueConstraint("token_mark", name="uq_mitid_trip_token_mark"),
    )
    op.create_index("ix_mitid_trip_expires_at", "mitid_trip", ["expires_at"], unique=False)
    op.create_index("ix_mitid_trip_login_flow_id", "mitid_trip", ["login_flow_id"], unique=False)
    op.create_table(
        "recovery_flow",
        sa.Column("id", INT, nullable=False),
        sa.Column("token_mark", sa.String(64), nullable=False),
        sa.Column("user_id", INT, nullable=False),
        sa.Column("proof_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_recovery_flow_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_recovery_flow"),
        sa.UniqueConstraint("token_mark", name="uq_recovery_flow_token_mark"),
    )
    op.create_index("ix_recovery_flow_expires_at", "recovery_flow", ["expires_at"], unique=False)
    op.create_index("ix_recovery_flow_user_id", "recovery_flow", ["user_id"], unique=False)
