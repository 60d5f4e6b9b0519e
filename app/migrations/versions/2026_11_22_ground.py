"""The ground: people, secrets, logins and the audit, with the triggers that keep it append-only."""

import sqlalchemy as sa
from alembic import op

from app.db import UtcTime

revision = "2026_11_22_ground"
down_revision = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
COVERED = "EXISTS (SELECT 1 FROM audit_anchor WHERE seal_id >= {seal})"
SEAL_OF_EVENT = "(SELECT seal_id FROM audit_sealed WHERE event_id = OLD.id)"
# Each table of the audit, and the number of the seal that must be anchored before a row may go.
APPEND_ONLY = {
    "audit_event": SEAL_OF_EVENT,
    "audit_seal": "OLD.id",
    "audit_sealed": "OLD.seal_id",
}


def upgrade() -> None:
    op.create_table(
        "audit_anchor",
        sa.Column("seal_id", INT, autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("anchored_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("seal_id", name="pk_audit_anchor"),
    )
    op.create_table(
        "audit_seal",
        sa.Column("id", INT, autoincrement=False, nullable=False),
        sa.Column("events", INT, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("sealed_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_seal"),
    )
    op.create_table(
        "institution",
        sa.Column("id", INT, nullable=False),
        sa.Column("number", sa.String(6), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("type", sa.String(60), nullable=False),
        sa.Column("address", sa.String(200), nullable=False),
        sa.Column("postcode", sa.String(4), nullable=False),
        sa.Column("city", sa.String(100), nullable=False),
        sa.Column("phone", sa.String(20), nullable=False),
        sa.Column("mail", sa.String(200), nullable=False),
        sa.Column("www", sa.String(200), nullable=False),
        sa.Column("municipality", sa.String(100), nullable=False),
        sa.Column("region", sa.String(100), nullable=False),
        sa.Column("parent_id", INT, nullable=True),
        sa.Column("is_public_body", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["institution.id"], name="fk_institution_parent_id"),
        sa.PrimaryKeyConstraint("id", name="pk_institution"),
        sa.UniqueConstraint("number", name="uq_institution_number"),
    )
    op.create_table(
        "network_failure",
        sa.Column("network", sa.String(45), nullable=False),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("network", "account", name="pk_network_failure"),
    )
    op.create_index("ix_network_failure_at", "network_failure", ["at"], unique=False)
    op.create_table(
        "throttle",
        sa.Column("bucket", sa.String(64), nullable=False),
        sa.Column("tries", INT, nullable=False),
        sa.Column("last_at", UtcTime(), nullable=False),
        sa.Column("next_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", name="pk_throttle"),
    )
    op.create_index("ix_throttle_next_at", "throttle", ["next_at"], unique=False)
    op.create_table(
        "user",
        sa.Column("id", INT, nullable=False),
        sa.Column("uni_id", sa.String(10), nullable=False),
        sa.Column("username", sa.String(8), nullable=True),
        sa.Column("given_name", sa.String(100), nullable=False),
        sa.Column("family_name", sa.String(100), nullable=False),
        sa.Column("is_protected", sa.Boolean(), nullable=False),
        sa.Column("alias_given_name", sa.String(100), nullable=True),
        sa.Column("alias_family_name", sa.String(100), nullable=True),
        sa.Column("cpr_lookup", sa.LargeBinary(), nullable=True),
        sa.Column("cpr_sealed", sa.String(200), nullable=True),
        sa.Column("cpr_status", sa.String(32), nullable=False),
        sa.Column("marked_password_type", sa.String(32), nullable=True),
        sa.Column("blocked_at", UtcTime(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.CheckConstraint(
            "NOT is_protected OR (alias_given_name IS NOT NULL AND alias_family_name IS NOT NULL)",
            name=op.f("ck_user_protected_has_alias"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_user"),
        sa.UniqueConstraint("cpr_lookup", name="uq_user_cpr_lookup"),
        sa.UniqueConstraint("uni_id", name="uq_user_uni_id"),
        sa.UniqueConstraint("username", name="uq_user_username"),
    )
    op.create_table(
        "audit_event",
        sa.Column("id", INT, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("event", sa.String(40), nullable=False),
        sa.Column("actor_id", INT, nullable=True),
        sa.Column("subject_id", INT, nullable=True),
        sa.Column("institution_id", INT, nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("xid", INT, nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["user.id"], name="fk_audit_event_actor_id"),
        sa.ForeignKeyConstraint(["institution_id"], ["institution.id"], name="fk_audit_event_institution_id"),
        sa.ForeignKeyConstraint(["subject_id"], ["user.id"], name="fk_audit_event_subject_id"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_event"),
    )
    op.create_index("ix_audit_event_subject_id_at", "audit_event", ["subject_id", "at"], unique=False)
    op.create_table(
        "audit_sealed",
        sa.Column("event_id", INT, autoincrement=False, nullable=False),
        sa.Column("seal_id", INT, nullable=False),
        sa.ForeignKeyConstraint(["seal_id"], ["audit_seal.id"], name="fk_audit_sealed_seal_id"),
        sa.PrimaryKeyConstraint("event_id", name="pk_audit_sealed"),
    )
    op.create_index("ix_audit_sealed_seal_id", "audit_sealed", ["seal_id"], unique=False)
    op.create_table(
        "contact_relation",
        sa.Column("id", INT, nullable=False),
        sa.Column("pupil_id", INT, nullable=False),
        sa.Column("contact_id", INT, nullable=False),
        sa.Column("institution_id", INT, nullable=False),
        sa.Column("relation", sa.String(32), nullable=False),
        sa.Column("has_custody", sa.Boolean(), nullable=False),
        sa.Column("may_help", sa.Boolean(), nullable=False),
        sa.Column("access_level", sa.String(20), nullable=True),
        sa.Column("verification_level", sa.String(20), nullable=True),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["contact_id"], ["user.id"], name="fk_contact_relation_contact_id"),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["institution.id"], name="fk_contact_relation_institution_id"
        ),
        sa.ForeignKeyConstraint(["pupil_id"], ["user.id"], name="fk_contact_relation_pupil_id"),
        sa.PrimaryKeyConstraint("id", name="pk_contact_relation"),
        sa.UniqueConstraint(
            "pupil_id",
            "contact_id",
            "institution_id",
            name="uq_contact_relation_pupil_id_contact_id_institution_id",
        ),
    )
    op.create_index("ix_contact_relation_contact_id", "contact_relation", ["contact_id"], unique=False)
    op.create_index("ix_contact_relation_pupil_id", "contact_relation", ["pupil_id"], unique=False)
    op.create_table(
        "credential",
        sa.Column("id", INT, nullable=False),
        sa.Column("user_id", INT, nullable=False),
        sa.Column("password_type", sa.String(32), nullable=False),
        sa.Column("sealed_hash", sa.String(300), nullable=False),
        sa.Column("authorisation", sa.String(32), nullable=False),
        sa.Column("authorised_by_id", INT, nullable=True),
        sa.Column("set_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=True),
        sa.Column("expiry_reason", sa.String(32), nullable=True),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(["authorised_by_id"], ["user.id"], name="fk_credential_authorised_by_id"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_credential_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_credential"),
    )
    op.create_index("ix_credential_user_id", "credential", ["user_id"], unique=False)
    op.create_index(
        "uq_credential_current",
        "credential",
        ["user_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "group",
        sa.Column("id", INT, nullable=False),
        sa.Column("institution_id", INT, nullable=False),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("level", sa.String(5), nullable=True),
        sa.Column("line", sa.String(10), nullable=True),
        sa.Column("from_on", sa.Date(), nullable=True),
        sa.Column("to_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "(type = 'HOVEDGRUPPE') = (level IS NOT NULL)", name=op.f("ck_group_main_group_has_level")
        ),
        sa.ForeignKeyConstraint(["institution_id"], ["institution.id"], name="fk_group_institution_id"),
        sa.PrimaryKeyConstraint("id", name="pk_group"),
        sa.UniqueConstraint("institution_id", "code", name="uq_group_institution_id_code"),
    )
    op.create_table(
        "known_device",
        sa.Column("user_id", INT, nullable=False),
        sa.Column("device_mark", sa.String(64), nullable=False),
        sa.Column("first_at", UtcTime(), nullable=False),
        sa.Column("last_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_known_device_user_id"),
        sa.PrimaryKeyConstraint("user_id", "device_mark", name="pk_known_device"),
    )
    op.create_table(
        "network",
        sa.Column("id", INT, nullable=False),
        sa.Column("institution_id", INT, nullable=False),
        sa.Column("cidr", sa.String(43), nullable=False),
        sa.Column("label", sa.String(100), nullable=False),
        sa.ForeignKeyConstraint(["institution_id"], ["institution.id"], name="fk_network_institution_id"),
        sa.PrimaryKeyConstraint("id", name="pk_network"),
        sa.UniqueConstraint("institution_id", "cidr", name="uq_network_institution_id_cidr"),
    )
    op.create_index("ix_network_institution_id", "network", ["institution_id"], unique=False)
    op.create_table(
        "right",
        sa.Column("id", INT, nullable=False),
        sa.Column("user_id", INT, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("institution_id", INT, nullable=True),
        sa.Column("given_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(["institution_id"], ["institution.id"], name="fk_right_institution_id"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_right_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_right"),
    )
    op.create_index("ix_right_user_id", "right", ["user_id"], unique=False)
    op.create_index(
        "uq_right_current",
        "right",
        ["user_id", "kind", sa.text("coalesce(institution_id, 0)")],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "sso_session",
        sa.Column("id", INT, nullable=False),
        sa.Column("token_mark", sa.String(64), nullable=False),
        sa.Column("user_id", INT, nullable=False),
        sa.Column("device", sa.String(80), nullable=False),
        sa.Column("network", sa.String(45), nullable=False),
        sa.Column("amr", sa.String(20), nullable=False),
        sa.Column("assurance_level", sa.String(20), nullable=False),
        sa.Column("actor_group", sa.String(20), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("seen_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.Column("end_reason", sa.String(32), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_sso_session_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_sso_session"),
        sa.UniqueConstraint("token_mark", name="uq_sso_session_token_mark"),
    )
    op.create_index("ix_sso_session_expires_at", "sso_session", ["expires_at"], unique=False)
    op.create_index(
        "ix_sso_session_network_created_at", "sso_session", ["network", "created_at"], unique=False
    )
    op.create_index("ix_sso_session_user_id", "sso_session", ["user_id"], unique=False)
    op.create_table(
        "affiliation",
        sa.Column("id", INT, nullable=False),
        sa.Column("user_id", INT, nullable=False),
        sa.Column("institution_id", INT, nullable=False),
        sa.Column("category", sa.String(32), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("level", sa.String(5), nullable=True),
        sa.Column("main_group_id", INT, nullable=True),
        sa.Column("is_primary", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(60), nullable=False),
        sa.Column("local_person_id", sa.String(60), nullable=True),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "main_group_id IS NULL OR category = 'PUPIL'", name=op.f("ck_affiliation_main_group_is_for_pupils")
        ),
        sa.ForeignKeyConstraint(["institution_id"], ["institution.id"], name="fk_affiliation_institution_id"),
        sa.ForeignKeyConstraint(["main_group_id"], ["group.id"], name="fk_affiliation_main_group_id"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_affiliation_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_affiliation"),
    )
    op.create_index("ix_affiliation_institution_id", "affiliation", ["institution_id"], unique=False)
    op.create_index("ix_affiliation_main_group_id", "affiliation", ["main_group_id"], unique=False)
    op.create_index("ix_affiliation_user_id", "affiliation", ["user_id"], unique=False)
    op.create_table(
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
        sa.Column("has_postponed", sa.Boolean(), nullable=False),
        sa.Column("wrong_tries", INT, nullable=False),
        sa.Column("sealed_picks", sa.String(300), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.Column("finished_at", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["proved_credential_id"],
            ["credential.id"],
            name="fk_login_flow_proved_credential_id",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_login_flow_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_login_flow"),
        sa.UniqueConstraint("proved_mark", name="uq_login_flow_proved_mark"),
        sa.UniqueConstraint("token_mark", name="uq_login_flow_token_mark"),
    )
    op.create_index("ix_login_flow_expires_at", "login_flow", ["expires_at"], unique=False)
    op.create_index("ix_login_flow_user_id", "login_flow", ["user_id"], unique=False)
    op.create_table(
        "group_member",
        sa.Column("affiliation_id", INT, nullable=False),
        sa.Column("group_id", INT, nullable=False),
        sa.ForeignKeyConstraint(
            ["affiliation_id"], ["affiliation.id"], name="fk_group_member_affiliation_id"
        ),
        sa.ForeignKeyConstraint(["group_id"], ["group.id"], name="fk_group_member_group_id"),
        sa.PrimaryKeyConstraint("affiliation_id", "group_id", name="pk_group_member"),
    )
    op.create_index("ix_group_member_group_id", "group_member", ["group_id"], unique=False)
    op.create_table(
        "pending_password",
        sa.Column("flow_id", INT, nullable=False),
        sa.Column("password_type", sa.String(32), nullable=False),
        sa.Column("sealed_secret", sa.String(900), nullable=False),
        sa.Column("is_own_choice", sa.Boolean(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["flow_id"], ["login_flow.id"], name="fk_pending_password_flow_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("flow_id", name="pk_pending_password"),
    )

    if op.get_bind().dialect.name == "postgresql":
        _guard_postgresql()
    else:
        _guard_sqlite()


def _guard_sqlite() -> None:
    for table, seal in APPEND_ONLY.items():
        op.execute(
            f"CREATE TRIGGER {table}_stays BEFORE UPDATE ON {table} "
            "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
        )
        op.execute(
            f"CREATE TRIGGER {table}_is_kept BEFORE DELETE ON {table} WHEN NOT {COVERED.format(seal=seal)} "
            "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
        )


def _guard_postgresql() -> None:
    op.execute("ALTER TABLE audit_event ALTER COLUMN xid SET DEFAULT pg_current_xact_id()::text::bigint")
    for table, seal in APPEND_ONLY.items():
        op.execute(
            f"CREATE FUNCTION {table}_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF TG_OP = 'DELETE' AND {COVERED.format(seal=seal)} THEN RETURN OLD; END IF; "
            "RAISE EXCEPTION 'the audit is append-only'; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_is_kept BEFORE UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {table}_is_kept()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_is_not_emptied BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_is_kept()"
        )
