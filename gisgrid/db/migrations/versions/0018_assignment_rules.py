"""Rules of assignment, in versions.

Revision ID: 0018
Revises: 0017
"""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE gisgrid.rule_versions (
    version integer CONSTRAINT rule_versions_pkey PRIMARY KEY CONSTRAINT rule_versions_version_check CHECK (version > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL DEFAULT session_user,
    note text NOT NULL DEFAULT '',
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
COMMENT ON TABLE gisgrid.rule_versions IS 'The versions of the rules of assignment; the last one holds. A version is never changed.';
COMMENT ON COLUMN gisgrid.rule_versions.xid IS 'The transaction that made it: only that one may add rules to it.';
COMMENT ON INDEX gisgrid.rule_versions_pkey IS 'One version; the last of all.';

CREATE TABLE gisgrid.assignment_rules (
    version integer CONSTRAINT assignment_rules_version_fkey REFERENCES gisgrid.rule_versions (version),
    number integer CONSTRAINT assignment_rules_number_check CHECK (number > 0),
    priority integer NOT NULL,
    kind text CONSTRAINT assignment_rules_kind_check CHECK (kind IN ('component', 'event')),
    classes text[] NOT NULL DEFAULT '{}',
    words text[] NOT NULL DEFAULT '{}',
    without text[] NOT NULL DEFAULT '{}',
    states text[] NOT NULL DEFAULT '{}',
    areas text[] NOT NULL DEFAULT '{}',
    units text[] NOT NULL DEFAULT '{}',
    limit_value integer CONSTRAINT assignment_rules_limit_value_check CHECK (limit_value > 0),
    limit_unit text CONSTRAINT assignment_rules_limit_unit_check
        CHECK (limit_unit IN ('urgent_hours', 'working_hours', 'working_days', 'calendar_days')),
    note text NOT NULL DEFAULT '',
    CONSTRAINT assignment_rules_pkey PRIMARY KEY (version, number),
    CONSTRAINT assignment_rules_limit_check CHECK ((limit_value IS NULL) = (limit_unit IS NULL)),
    CONSTRAINT assignment_rules_says_check CHECK (units <> '{}' OR limit_value IS NOT NULL)
);
COMMENT ON TABLE gisgrid.assignment_rules IS
    'Which unit has to act on a case, and until when: the first rule that fits and has units, the first that fits and has a limit.';
COMMENT ON COLUMN gisgrid.assignment_rules.priority IS 'The smallest is tried first; of equals the one with the smallest number.';
COMMENT ON COLUMN gisgrid.assignment_rules.kind IS 'Of what kind the case must be; null: of any.';
COMMENT ON COLUMN gisgrid.assignment_rules.classes IS
    'Classes, one of which the case must be of: cover, kinds, names, codes with *; none: any.';
COMMENT ON COLUMN gisgrid.assignment_rules.words IS 'Words, one of which the text must have, unless it tells one of the states.';
COMMENT ON COLUMN gisgrid.assignment_rules.without IS 'Words that the text must not have.';
COMMENT ON COLUMN gisgrid.assignment_rules.areas IS 'Beginnings of codes of areas, in one of which the case must lie; none: anywhere.';
COMMENT ON COLUMN gisgrid.assignment_rules.units IS
    'Where a unit is looked for, in order: owner, maintainer, department, grid, community, street, district, locality, or an organisation.';
COMMENT ON INDEX gisgrid.assignment_rules_pkey IS 'The rules of a version.';
"""

_KEPT = """
CREATE FUNCTION gisgrid.keep_rules() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'restrict_violation', SCHEMA = 'gisgrid', TABLE = TG_TABLE_NAME,
        MESSAGE = '规则的版本不能修改。 A version of the rules is never changed.',
        HINT = '`gisgrid rules import` makes a new version.';
END $$;
COMMENT ON FUNCTION gisgrid.keep_rules() IS 'Refuses to change or remove a version of the rules: cases say by which one they were decided.';
CREATE TRIGGER rule_versions_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON gisgrid.rule_versions
    FOR EACH STATEMENT EXECUTE FUNCTION gisgrid.keep_rules();
CREATE TRIGGER assignment_rules_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON gisgrid.assignment_rules
    FOR EACH STATEMENT EXECUTE FUNCTION gisgrid.keep_rules();

CREATE FUNCTION gisgrid.check_rule_is_new() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM gisgrid.rule_versions v
        WHERE v.version = NEW.version AND v.xid = pg_current_xact_id()
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'restrict_violation', SCHEMA = 'gisgrid', TABLE = TG_TABLE_NAME,
            MESSAGE = '规则只能与其版本一起加入。 A rule comes with its version.',
            HINT = '`gisgrid rules import` makes a new version.';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION gisgrid.check_rule_is_new() IS 'Refuses to add a rule to a version that was made before.';
CREATE TRIGGER assignment_rules_new BEFORE INSERT ON gisgrid.assignment_rules
    FOR EACH ROW EXECUTE FUNCTION gisgrid.check_rule_is_new();
"""

_FEED = """
CREATE TRIGGER assignment_rules_inserted AFTER INSERT ON gisgrid.assignment_rules
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION gisgrid.note_rows();
"""


def upgrade() -> None:
    """Make room for versions of the rules, and keep them as they are."""
    op.execute(_TABLES)
    op.execute(_KEPT)
    op.execute(_FEED)


def downgrade() -> None:
    """There is no way back beyond the revisions before."""
    raise NotImplementedError("the rules by which cases were decided would be lost")
