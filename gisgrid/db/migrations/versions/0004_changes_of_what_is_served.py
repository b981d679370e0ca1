"""The change feed of assets: a row that retires or comes back is a change at its place; retired rows are nobody's business.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

from alembic import op

from gisgrid.db.migrations.assets import FEED

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# The layer is the trigger's argument: it is not the name of the table any more. Whether a row came out different, its version
# says. The comparison is one that null passes, so that the full join stays one (see the revision that made the feed).
_PLACED = """
CREATE OR REPLACE FUNCTION gisgrid.note_placed_rows() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM gisgrid.note_change(TG_ARGV[0], count(*), NULL, ST_Extent(geom))
        FROM new_rows WHERE retired_at IS NULL HAVING count(*) > 0;
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM gisgrid.note_change(TG_ARGV[0], count(*), ST_Extent(geom), NULL)
        FROM old_rows WHERE retired_at IS NULL HAVING count(*) > 0;
    ELSIF TG_OP = 'UPDATE' THEN
        PERFORM gisgrid.note_change(
            TG_ARGV[0], count(*),
            ST_Extent(o.geom) FILTER (WHERE o.retired_at IS NULL), ST_Extent(n.geom) FILTER (WHERE n.retired_at IS NULL)
        )
        FROM old_rows o FULL JOIN new_rows n USING (id)
        WHERE o.version IS DISTINCT FROM n.version AND (o.retired_at IS NULL OR n.retired_at IS NULL)
        HAVING count(*) > 0;
    ELSE
        EXECUTE format(
            'SELECT gisgrid.note_change(%L, count(*), ST_Extent(geom), NULL) FROM %I.%I WHERE retired_at IS NULL HAVING count(*) > 0',
            TG_ARGV[0], TG_TABLE_SCHEMA, TG_TABLE_NAME
        );
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION gisgrid.note_placed_rows() IS 'Change feed of a table of assets; its argument is the layer that shows them.';
"""
_TRIGGERS = """
DROP TRIGGER {layer}_inserted ON gisgrid.{layer}_all;
DROP TRIGGER {layer}_updated ON gisgrid.{layer}_all;
DROP TRIGGER {layer}_deleted ON gisgrid.{layer}_all;
DROP TRIGGER {layer}_truncated ON gisgrid.{layer}_all;
"""

_COMPONENTS = """
CREATE OR REPLACE FUNCTION gisgrid.note_components() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM gisgrid.note_change(layer, sum(rows)::bigint, NULL, ST_Extent(place::geometry))
        FROM (
            SELECT gisgrid.component_layer(scheme, edition, class_code) AS layer, count(*) AS rows, ST_Extent(geom) AS place
            FROM new_rows WHERE retired_at IS NULL GROUP BY scheme, edition, class_code
        ) c GROUP BY layer;
    ELSIF TG_OP = 'UPDATE' THEN
        PERFORM gisgrid.note_change(layer, count(DISTINCT id), ST_Extent(old_geom), ST_Extent(new_geom))
        FROM (
            SELECT id, CASE WHEN k.is_cover THEN 'manhole_covers' ELSE 'components' END AS layer, side.old_geom, side.new_geom
            FROM old_rows o FULL JOIN new_rows n USING (id)
            CROSS JOIN LATERAL (
                VALUES (o.scheme, o.edition, o.class_code, o.retired_at, o.geom, NULL::geometry),
                       (n.scheme, n.edition, n.class_code, n.retired_at, NULL, n.geom)
            ) AS side (scheme, edition, class_code, retired_at, old_geom, new_geom)
            LEFT JOIN gisgrid.component_classes k
              ON k.scheme = side.scheme AND k.edition = side.edition AND k.code = side.class_code
            WHERE o.version IS DISTINCT FROM n.version AND side.scheme IS NOT NULL AND side.retired_at IS NULL
        ) c GROUP BY layer;
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM gisgrid.note_change(layer, sum(rows)::bigint, ST_Extent(place::geometry), NULL)
        FROM (
            SELECT gisgrid.component_layer(scheme, edition, class_code) AS layer, count(*) AS rows, ST_Extent(geom) AS place
            FROM old_rows WHERE retired_at IS NULL GROUP BY scheme, edition, class_code
        ) c GROUP BY layer;
    ELSE
        PERFORM gisgrid.note_change(layer, sum(rows)::bigint, ST_Extent(place::geometry), NULL)
        FROM (
            SELECT gisgrid.component_layer(scheme, edition, class_code) AS layer, count(*) AS rows, ST_Extent(geom) AS place
            FROM gisgrid.components WHERE retired_at IS NULL GROUP BY scheme, edition, class_code
        ) c GROUP BY layer;
    END IF;
    RETURN NULL;
END $$;
"""

_MANY_ROWS = "ALTER TABLE gisgrid.changes ALTER COLUMN rows TYPE bigint"


def upgrade() -> None:
    """Tell changes by layer, and only those of rows that are served before or after."""
    triggers = "".join((_TRIGGERS + FEED).format(layer=layer) for layer in ("buildings", "cameras"))
    for statements in (_PLACED, triggers, _COMPONENTS, _MANY_ROWS):
        op.execute(statements)


def downgrade() -> None:
    """There is no way back beyond the revision before."""
    raise NotImplementedError("the change feed cannot forget retirement")
