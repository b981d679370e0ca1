"""What a component is in one word, whatever scheme and edition its code is of.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_COLUMN = """
ALTER TABLE gisgrid.component_classes ADD COLUMN kind text NOT NULL DEFAULT '';
COMMENT ON COLUMN gisgrid.component_classes.kind IS
    'The same word for the same thing in every scheme and edition, such as sewage; empty where that is not sure.';
"""

# Looked up in the list of columns, so that the view stays one that can be edited.
_CLASS = """
(SELECT {value} FROM gisgrid.component_classes k WHERE k.scheme = c.scheme AND k.edition = c.edition AND k.code = c.class_code)
"""
_VIEW = f"""
CREATE OR REPLACE VIEW gisgrid.manhole_covers AS
    SELECT id, code, scheme, edition, class_code, name, state, department_code, owner_code, maintainer_code,
           installed_on, changed_on, data_source, spec ->> 'material' AS material, spec ->> 'shape' AS shape,
           spec ->> 'size' AS size, note, source_id, geom, geom_3857, spec, version, changed_at,
           {_CLASS.format(value="nullif(k.kind, '')")} AS kind, {_CLASS.format(value="k.name")} AS class_name
    FROM gisgrid.components c
    WHERE retired_at IS NULL AND EXISTS (
        SELECT FROM gisgrid.component_classes k
        WHERE k.scheme = c.scheme AND k.edition = c.edition AND k.code = c.class_code AND k.is_cover
    )
    WITH LOCAL CHECK OPTION;
"""


def upgrade() -> None:
    """Add the kind of a class, and show it with each cover."""
    op.execute(_COLUMN)
    op.execute(_VIEW)


def downgrade() -> None:
    """There is no way back beyond the revisions before."""
    raise NotImplementedError("`gisgrid db reset` removes everything")
