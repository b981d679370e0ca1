"""The layers as QGIS is given them, in a schema of their own; the table in which QGIS looks for styles, as QGIS itself would make it.

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
# QGIS writes every column that it sees: those that are worked out must not be among them, and there is one geometry, not three.
_AREA = "code, name, parent_code, area_m2"
_FIELDS = {
    "districts": _AREA,
    "streets": _AREA,
    "communities": _AREA,
    "grids": _AREA,
    "buildings": """
        code, name, address, road, house_number, building_number, community_code, use, year_built, floors, height_m, households, residents
    """,
    "cameras": """
        code, name, kind, status, azimuth_deg, azimuth_uncertainty_deg, field_of_view_deg, range_m, mount_height_m,
        azimuth_source, field_of_view_source, range_source, mount_height_source, owner_code
    """,
    "manhole_covers": """
        code, scheme, edition, class_code, class_name, kind, name, state, department_code, owner_code, maintainer_code,
        installed_on, changed_on, data_source, material, shape, size, note
    """,
    "quality_issues": "code, severity, layer, feature_code, message, created_on",
}
_VIEW = """
CREATE VIEW gisgrid_qgis.{layer} AS SELECT id, {fields}, geom FROM gisgrid.{layer};
COMMENT ON VIEW gisgrid_qgis.{layer} IS 'The layer {layer} for QGIS: its fields and its place, nothing else.';
"""
_SCHEMA = """
CREATE SCHEMA IF NOT EXISTS gisgrid_qgis;
COMMENT ON SCHEMA gisgrid_qgis IS 'The layers of gisgrid for QGIS and other programs that edit tables.';
"""

# Only what has changed is written: what another has changed meanwhile in other fields stays.
_KEPT = (
    *("code", "scheme", "edition", "class_code", "name", "state", "department_code", "owner_code", "maintainer_code"),
    *("installed_on", "changed_on", "data_source", "note", "geom"),
)
_COVERS = """
CREATE FUNCTION gisgrid.write_cover() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    made jsonb := jsonb_strip_nulls(jsonb_build_object('material', NEW.material, 'shape', NEW.shape, 'size', NEW.size));
    sentence text;
    more text;
    advice text;
    rule text;
    field text;
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO gisgrid.manhole_covers AS c ({kept}, spec) VALUES ({new}, made)
        RETURNING c.id INTO NEW.id;
        RETURN NEW;
    END IF;
    UPDATE gisgrid.manhole_covers c SET {changed},
        spec = CASE WHEN (NEW.material, NEW.shape, NEW.size) IS DISTINCT FROM (OLD.material, OLD.shape, OLD.size)
            THEN c.spec - ARRAY['material', 'shape', 'size'] || made ELSE c.spec END
    WHERE c.id = OLD.id;
    RETURN CASE WHEN FOUND THEN NEW END;
EXCEPTION WHEN OTHERS THEN
    -- QGIS shows all that comes with an error, and the statement above is no reading for an analyst.
    GET STACKED DIAGNOSTICS sentence = MESSAGE_TEXT, more = PG_EXCEPTION_DETAIL, advice = PG_EXCEPTION_HINT, rule = CONSTRAINT_NAME,
        field = COLUMN_NAME;
    IF more <> '' OR advice = '' THEN
        RAISE; -- not in our own words
    END IF;
    RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = sentence, HINT = advice, CONSTRAINT = rule, COLUMN = field,
        TABLE = 'manhole_covers', SCHEMA = 'gisgrid';
END $$;
COMMENT ON FUNCTION gisgrid.write_cover() IS 'Writes a cover that was edited in gisgrid_qgis; material, shape and size go to spec.';
CREATE TRIGGER manhole_covers_written INSTEAD OF INSERT OR UPDATE ON gisgrid_qgis.manhole_covers
    FOR EACH ROW EXECUTE FUNCTION gisgrid.write_cover();
"""
_FORGET = """
DO $$
BEGIN
    IF to_regclass('public.layer_styles') IS NOT NULL THEN
        DELETE FROM public.layer_styles WHERE f_table_schema IN ('gisgrid', 'gisgrid_qgis') AND f_table_catalog = current_database();
    END IF;
END $$;
"""


def upgrade() -> None:
    """Make both; what the table holds is written by gisgrid.db.layer_styles, which grants the views too."""
    op.execute(_TABLE)
    op.execute(_SCHEMA)
    for layer, fields in _FIELDS.items():
        op.execute(_VIEW.format(layer=layer, fields=fields))
    changed = (f"{name} = CASE WHEN NEW.{name} IS DISTINCT FROM OLD.{name} THEN NEW.{name} ELSE c.{name} END" for name in _KEPT)
    new = ", ".join(f"NEW.{name}" for name in _KEPT)
    op.execute(_COVERS.format(kept=", ".join(_KEPT), new=new, changed=", ".join(changed)))


def downgrade() -> None:
    """Take our layers and their styles out; the table of styles is QGIS's, and may hold others."""
    op.execute("DROP SCHEMA gisgrid_qgis CASCADE; DROP FUNCTION gisgrid.write_cover()")
    op.execute(_FORGET)
