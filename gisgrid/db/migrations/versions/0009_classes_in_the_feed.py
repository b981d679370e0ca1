"""The change feed tells when the class of covers gets another name or kind: covers show both.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# Insertions and deletions change no cover: a class is there before its covers and stays as long as they do.
_CLASSES = """
CREATE FUNCTION gisgrid.note_classes() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM gisgrid.note_change('manhole_covers', count(*), NULL, NULL)
    FROM old_rows o JOIN new_rows n USING (scheme, edition, code)
    WHERE (o.name, o.kind, o.is_cover) IS DISTINCT FROM (n.name, n.kind, n.is_cover) AND (o.is_cover OR n.is_cover)
        AND EXISTS (
            SELECT FROM gisgrid.components c
            WHERE c.scheme = n.scheme AND c.edition = n.edition AND c.class_code = n.code AND c.retired_at IS NULL
        )
    HAVING count(*) > 0;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION gisgrid.note_classes() IS 'Change feed of covers whose class has changed.';

CREATE TRIGGER component_classes_updated AFTER UPDATE ON gisgrid.component_classes
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION gisgrid.note_classes();
"""


def upgrade() -> None:
    """Follow the classes of components."""
    op.execute(_CLASSES)


def downgrade() -> None:
    """Forget the classes of components again."""
    op.execute("DROP TRIGGER component_classes_updated ON gisgrid.component_classes; DROP FUNCTION gisgrid.note_classes()")
