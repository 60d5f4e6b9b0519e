"""Elevadgang: password windows, raised hands, deliveries, and who asked for a name from where."""

import sqlalchemy as sa
from alembic import op

from app.db import UtcTime

revision = "2026_11_22_password_window"
down_revision = "2026_11_22_mitid"

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IS_LIVE = sa.text("state IN ('OPEN', 'PENDING')")


def upgrade() -> None:
    op.create_table(
        "password_window",
        sa.Column("id", INT, nullable=False),
        sa.Column("pupil_id", INT, nullable=False),
        sa.Column("opened_by_id", INT, nullable=False),
        sa.Column("door", sa.String(32), nullable=False),
        sa.Column("institution_id", INT, nullable=True),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("opened_at", UtcTime(), nullable=False),
        sa.Column("ends_at", UtcTime(), nullable=False),
        sa.Column("extensions", INT, nullable=False),
        sa.Column("opener_network_mark", sa.String(64), nullable=False),
        sa.Column("opener_device_mark", sa.String(64), nullable=False),
        sa.Column("claimed_at", UtcTime(), nullable=True),
        sa.Column("claim_mark", sa.String(64), nullable=True),
        sa.Column("form_mark", sa.String(64), nullable=True),
        sa.Column("claim_device_mark", sa.String(64), nullable=True),
        sa.Column("claim_device", sa.String(80), nullable=True),
        sa.Column("claim_network", sa.String(45), nullable=True),
        sa.Column("is_near", sa.Boolean(), nullable=True),
        sa.Column("doubt", sa.String(32), nullable=True),
        sa.Column("picture", sa.String(20), nullable=True),
        sa.Column("approved_at", UtcTime(), nullable=True),
        sa.Column("done_at", UtcTime(), nullable=True),
        sa.Column("credential_id", INT, nullable=True),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.Column("ended_by", sa.String(32), nullable=True),
        sa.Column("disowned_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(["pupil_id"], ["user.id"], name="fk_password_window_pupil_id"),
        sa.ForeignKeyConstraint(["opened_by_id"], ["user.id"], name="fk_password_window_opened_by_id"),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["institution.id"], name="fk_password_window_institution_id"
        ),
        sa.ForeignKeyConstraint(
            ["credential_id"],
            ["credential.id"],
            name="fk_password_window_credential_id",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_password_window"),
    )
    op.create_index("ix_password_window_pupil_id", "password_window", ["pupil_id"])
    op.create_index(
        "ix_password_window_opened_by_id_opened_at", "password_window", ["opened_by_id", "opened_at"]
    )
    op.create_index(
        "ix_password_window_claim_device_mark_claimed_at",
        "password_window",
        ["claim_device_mark", "claimed_at"],
    )
    op.create_index(
        "uq_password_window_live",
        "password_window",
        ["pupil_id"],
        unique=True,
        sqlite_where=IS_LIVE,
        postgresql_where=IS_LIVE,
    )
    op.create_table(
        "help_request",
        sa.Column("id", INT, nullable=False),
        sa.Column("pupil_id", INT, nullable=True),
        sa.Column("name_mark", sa.String(64), nullable=False),
        sa.Column("device_mark", sa.String(64), nullable=False),
        sa.Column("network_mark", sa.String(64), nullable=False),
        sa.Column("raised_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["pupil_id"], ["user.id"], name="fk_help_request_pupil_id"),
        sa.PrimaryKeyConstraint("id", name="pk_help_request"),
    )
    for column in ("pupil_id", "name_mark", "device_mark", "network_mark", "raised_at"):
        op.create_index(f"ix_help_request_{column}", "help_request", [column])
    op.create_table(
        "import_run",
        sa.Column("id", INT, nullable=False),
        sa.Column("institution_id", INT, nullable=False),
        sa.Column("source", sa.String(60), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(["institution_id"], ["institution.id"], name="fk_import_run_institution_id"),
        sa.PrimaryKeyConstraint("id", name="pk_import_run"),
    )
    op.create_index(
        "ix_import_run_institution_id_received_at", "import_run", ["institution_id", "received_at"]
    )
    # SQLite adds a column that refers to another table only in these words.
    type_name = "INTEGER" if op.get_context().dialect.name == "sqlite" else "BIGINT"
    op.execute(
        f"ALTER TABLE login_flow ADD COLUMN password_window_id {type_name}"
        " CONSTRAINT fk_login_flow_password_window_id REFERENCES password_window (id)"
    )
    op.add_column("login_flow", sa.Column("asked_from_mark", sa.String(64), nullable=True))
    op.add_column(
        "login_flow", sa.Column("times_asked", INT, server_default=sa.text("1"), nullable=False)
    )
    op.create_index("uq_login_flow_password_window_id", "login_flow", ["password_window_id"], unique=True)
    op.create_index("ix_login_flow_username_created_at", "login_flow", ["username", "created_at"])
    op.add_column(
        "institution",
        sa.Column("locality", sa.String(32), server_default=sa.text("'CONFIRM'"), nullable=False),
    )
    op.create_index("ix_audit_event_institution_id_id", "audit_event", ["institution_id", "id"])
