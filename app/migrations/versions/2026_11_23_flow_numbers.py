"""No number of a half-done login is given twice, on SQLite too: whoever still acts on one that is gone acts on none."""

import sqlalchemy as sa
from alembic import op

from app.db import UtcTime

revision = "2026_11_23_flow_numbers"
down_revision = "2026_11_23_blocked_by"

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# Removed with the table they refer to, so they are kept beside it meanwhile.
KEPT = {
    "login_flow": "SELECT * FROM login_flow",
    "pending_password": "SELECT * FROM pending_password",
    "mitid_trip": "SELECT * FROM mitid_trip WHERE login_flow_id IS NOT NULL",
}


def upgrade() -> None:
    if op.get_context().dialect.name != "sqlite":
        return
    for name, rows in KEPT.items():
        op.execute(f"CREATE TABLE kept_{name} AS {rows}")
    op.drop_table("login_flow")
    table = op.create_table(
        "login_flow",
        sa.Column("id", INT, nullable=False),
        sa.Column("token_mark", sa.String(64), nullable=False),
        sa.Column("proved_mark", sa.String(64), nullable=True),
        sa.Column("username", sa.String(80), nullable=False),
        sa.Column("user_id", INT, nullable=True),
        sa.Column("password_type", sa.String(32), nullable=False),
        sa.Column("destination", sa.String(200), nullable=True),
        sa.Column("is_change", sa.Boolean(), nullable=False),
        sa.Column("proof", sa.String(32), nullable=True),
        sa.Column("proof_at", UtcTime(), nullable=True),
        sa.Column("proved_credential_id", INT, nullable=True),
        sa.Column("authorised_by_id", INT, nullable=True),
        sa.Column("password_window_id", INT, nullable=True),
        sa.Column("asked_from_mark", sa.String(64), nullable=True),
        sa.Column("asked_from_device_mark", sa.String(64), nullable=True),
        sa.Column("times_asked", INT, server_default=sa.text("1"), nullable=False),
        sa.Column("has_postponed", sa.Boolean(), nullable=False),
        sa.Column("wrong_tries", INT, nullable=False),
        sa.Column("sealed_picks", sa.String(300), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("finished_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_login_flow_user_id"),
        sa.ForeignKeyConstraint(
            ["proved_credential_id"],
            ["credential.id"],
            name="fk_login_flow_proved_credential_id",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(["authorised_by_id"], ["user.id"], name="fk_login_flow_authorised_by_id"),
        sa.ForeignKeyConstraint(
            ["password_window_id"], ["password_window.id"], name="fk_login_flow_password_window_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_login_flow"),
        sa.UniqueConstraint("token_mark", name="uq_login_flow_token_mark"),
        sa.UniqueConstraint("proved_mark", name="uq_login_flow_proved_mark"),
        sqlite_autoincrement=True,
    )
    for column in ("user_id", "authorised_by_id", "expires_at"):
        op.create_index(f"ix_login_flow_{column}", "login_flow", [column])
    op.create_index("ix_login_flow_username_created_at", "login_flow", ["username", "created_at"])
    op.create_index("uq_login_flow_password_window_id", "login_flow", ["password_window_id"], unique=True)
    columns = ", ".join(column.name for column in table.columns)
    op.execute(f"INSERT INTO login_flow ({columns}) SELECT {columns} FROM kept_login_flow")
    for name in ("pending_password", "mitid_trip"):
        op.execute(f"INSERT INTO {name} SELECT * FROM kept_{name}")
    for name in KEPT:
        op.drop_table(f"kept_{name}")
