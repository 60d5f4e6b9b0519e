"""Contact: cases, the outbox, feedback, the count of what is sent, and notices of operations."""

import sqlalchemy as sa
from alembic import op

from app.db import UtcTime

revision = "2026_11_22_contact"
down_revision = "2026_11_22_searches"

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "support_case",
        sa.Column("id", INT, nullable=False),
        sa.Column("number", sa.String(8), nullable=False),
        sa.Column("operation_mark", sa.String(64), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=False),
        sa.Column("language", sa.String(5), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("mail", sa.String(254), nullable=False),
        sa.Column("writer", sa.String(32), nullable=False),
        sa.Column("institution", sa.String(120), nullable=False),
        sa.Column("subject", sa.String(32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_support_case"),
        sa.UniqueConstraint("number", name="uq_support_case_number"),
        sa.UniqueConstraint("operation_mark", name="uq_support_case_operation_mark"),
    )
    op.create_index("ix_support_case_received_at", "support_case", ["received_at"])
    op.create_table(
        "outgoing_mail",
        sa.Column("id", INT, nullable=False),
        sa.Column("message_id", sa.String(320), nullable=False),
        sa.Column("recipient", sa.String(254), nullable=False),
        sa.Column("reply_to", sa.String(254), nullable=True),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("written_at", UtcTime(), nullable=False),
        sa.Column("next_at", UtcTime(), nullable=False),
        sa.Column("tries", INT, nullable=False),
        sa.Column("turn", INT, nullable=True),
        sa.Column("sent_at", UtcTime(), nullable=True),
        sa.Column("failed_at", UtcTime(), nullable=True),
        sa.Column("fault", sa.String(80), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_outgoing_mail"),
        sa.UniqueConstraint("message_id", name="uq_outgoing_mail_message_id"),
        sa.UniqueConstraint("turn", name="uq_outgoing_mail_turn"),
    )
    for column in ("written_at", "next_at"):
        op.create_index(f"ix_outgoing_mail_{column}", "outgoing_mail", [column])
    op.create_table(
        "feedback",
        sa.Column("id", INT, nullable=False),
        sa.Column("operation_mark", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("slug", sa.String(120), nullable=False),
        sa.Column("language", sa.String(5), nullable=False),
        sa.Column("has_helped", sa.Boolean(), nullable=False),
        sa.Column("body", sa.String(1000), nullable=False),
        sa.Column("answered_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_feedback"),
        sa.UniqueConstraint("operation_mark", name="uq_feedback_operation_mark"),
    )
    op.create_index("ix_feedback_answered_at", "feedback", ["answered_at"])
    op.create_table(
        "sending_quota",
        sa.Column("bucket", sa.String(64), nullable=False),
        sa.Column("began_at", UtcTime(), nullable=False),
        sa.Column("count", INT, nullable=False),
        sa.PrimaryKeyConstraint("bucket", name="pk_sending_quota"),
    )
    op.create_index("ix_sending_quota_began_at", "sending_quota", ["began_at"])
    op.create_table(
        "operations_notice",
        sa.Column("id", INT, nullable=False),
        sa.Column("severity", sa.String(32), nullable=False),
        sa.Column("text_da", sa.String(300), nullable=False),
        sa.Column("text_en", sa.String(300), nullable=False),
        sa.Column("starts_at", UtcTime(), nullable=False),
        sa.Column("ends_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_operations_notice"),
    )
