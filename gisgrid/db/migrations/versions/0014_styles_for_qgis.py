"""The table in which QGIS looks for the styles of layers, as QGIS itself would make it.

Revision ID: 0014
Revises: 0013
"""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# QGIS looks in `public` and nowhere else. Somebody's QGIS may have made it already; and where this user may make no tables there,
# the layers come without styles, which is no reason to stop.
_TABLE = """
DO $$
BEGIN
    IF to_regclass('public.layer_styles') IS NULL THEN
        CREATE TABLE public.layer_styles (
            id serial PRIMARY KEY,
            f_table_catalog varchar,
            f_table_schema varchar,
            f_table_name varchar,
            f_geometry_column varchar,
            stylename text,
            styleqml xml,
            stylesld xml,
            useasdefault boolean,
            description text,
            owner varchar(63) DEFAULT CURRENT_USER,
            ui xml,
            update_time timestamp DEFAULT CURRENT_TIMESTAMP,
            type varchar
        );
        COMMENT ON TABLE public.layer_styles IS 'Styles of layers for QGIS; those of gisgrid say so in their description.';
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'Layers come into QGIS without styles: this user may not make the table public.layer_styles.';
END $$;
"""
_FORGET = """
DO $$
BEGIN
    IF to_regclass('public.layer_styles') IS NOT NULL THEN
        DELETE FROM public.layer_styles WHERE f_table_schema = 'gisgrid' AND f_table_catalog = current_database();
    END IF;
END $$;
"""


def upgrade() -> None:
    """Make the table when there is none; what it holds is written by gisgrid.db.layer_styles."""
    op.execute(_TABLE)


def downgrade() -> None:
    """Take the styles of our layers out; the table is QGIS's, and may hold others."""
    op.execute(_FORGET)
