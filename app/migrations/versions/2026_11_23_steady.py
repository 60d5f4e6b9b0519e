"""The latest time seen, which buckets of tries can close, and passwords the operator dealt for one login."""

import sqlalchemy as sa
from alembic import op

from app.db import UtcTime

revision = "2026_11_23_steady"
down_revision = "2026_11_23_flow_numbers"


def upgrade() -> None:
    op.add_column(
        "throttle", sa.Column("may_close", sa.Boolean(), nullable=False, server_default=sa.true())
    )
    is_sqlite = op.get_context().dialect.name == "sqlite"
    op.create_table(
        "clock_mark",
        sa.Column("id", sa.BigInteger().with_variant(sa.INTEGER(), "sqlite"), primary_key=True),
        sa.Column("at", UtcTime(), nullable=False),
    )
    # They had run out when they were dealt; what has a last day by age lasts longer than that.
    day = "86400000000" if is_sqlite else "interval '1 day'"
    op.execute(
        "UPDATE credential SET expiry_reason = 'ONE_TIME'"
        f" WHERE authorisation = 'OPERATOR' AND expiry_reason = 'AGE' AND expires_at < set_at + {day}"
    )
