"""Searches without a hit, counted for the editors."""

import sqlalchemy as sa
from alembic import op

from app.db import UtcTime

revision = "2026_11_22_searches"
down_revision = "2026_11_22_password_window"

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "search_miss",
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("words", sa.String(80), nullable=False),
        sa.Column("times", INT, nullable=False),
        sa.Column("last_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("language", "words", name="pk_search_miss"),
    )
    op.create_index("ix_search_miss_last_at", "search_miss", ["last_at"], unique=False)
