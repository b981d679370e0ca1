"""The change feed tells each place of a small edit, and edits of areas that were served once.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# One box around two far places names all that lies between: whoever drops only what was touched wants each of them. A load
# of many rows tells one box as before, and costs as little: what collects places stops after the first few.
_PLACES = """
ALTER TABLE gisgrid.changes ADD COLUMN places double precision[];
COMMENT ON COLUMN gisgrid.changes.places IS
    'Of statements that touched few rows: the box (west, south, east, north) of each row before and after; null: see the box of all.';

CREATE FUNCTION gisgrid.place_of(geom geometry) RETURNS double precision[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ARRAY[ST_XMin(geom), ST_YMin(geom), ST_XMax(geom), ST_YMax(geom)]
$$;
COMMENT ON FUNCTION gisgrid.place_of(geometry) IS 'The box of a geometry as the change feed tells it: west, south, east, north.';

DROP FUNCTION gisgrid.note_change(text, bigint, box2d, box2d);
CREATE FUNCTION gisgrid.note_change(
    layer text, rows bigint, old_place box2d, new_place box2d, places double precision[] DEFAULT NULL
) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
    INSERT INTO gisgrid.changes (layer, rows, west, south, east, north, places)
    VALUES (
        layer, rows,
        least(ST_XMin(old_place), ST_XMin(new_place)), least(ST_YMin(old_place), ST_YMin(new_place)),
        greatest(ST_XMax(old_place), ST_XMax(new_place)), greatest(ST_YMax(old_place), ST_YMax(new_place)),
        places
    );
    SELECT pg_notify('gisgrid_changes', '');
$$;
COMMENT ON FUNCTION gisgrid.note_change(text, bigint, box2d, box2d, double precision[]) IS
    'Writes one change and wakes the readers when the transaction commits.';
"""

_FEW = 64
"""Rows of a statement whose places are told one by one."""

# Boxes of the first few of the rows ``r``, when there are no more than those.
_EACH = f"""CASE WHEN max(nth) <= {_FEW} THEN
            array_agg(DISTINCT gisgrid.place_of(geom)) FILTER (WHERE nth <= {_FEW} AND NOT ST_IsEmpty(geom)) END"""
# The same of rows with an old and a new place.
_BOTH = f"""CASE WHEN max(nth) <= {_FEW} THEN
            array_agg(DISTINCT gisgrid.place_of(old_geom)) FILTER (WHERE nth <= {_FEW} AND NOT ST_IsEmpty(old_geom))
            || array_agg(DISTINCT gisgrid.place_of(new_geom)) FILTER (
                WHERE nth <= {_FEW} AND NOT ST_IsEmpty(new_geom)
                    AND (old_geom IS NULL OR gisgrid.place_of(new_geom) <> gisgrid.place_of(old_geom))
            ) END"""

_PLACED = f"""
CREATE OR REPLACE FUNCTION gisgrid.note_placed_rows() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM gisgrid.note_change(TG_ARGV[0], count(*), NULL, ST_Extent(geom), {_EACH})
        FROM (SELECT geom, row_number() OVER () AS nth FROM new_rows WHERE retired_at IS NULL) r HAVING count(*) > 0;
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM gisgrid.note_change(TG_ARGV[0], count(*), ST_Extent(geom), NULL, {_EACH})
        FROM (SELECT geom, row_number() OVER () AS nth FROM old_rows WHERE retired_at IS NULL) r HAVING count(*) > 0;
    ELSIF TG_OP = 'UPDATE' THEN
        PERFORM gisgrid.note_change(TG_ARGV[0], count(*), ST_Extent(old_geom), ST_Extent(new_geom), {_BOTH})
        FROM (
            SELECT CASE WHEN o.retired_at IS NULL THEN o.geom END AS old_geom, CASE WHEN n.retired_at IS NULL THEN n.geom END AS new_geom,
                   row_number() OVER () AS nth
            FROM old_rows o FULL JOIN new_rows n USING (id)
            WHERE o.version IS DISTINCT FROM n.version AND (o.retired_at IS NULL OR n.retired_at IS NULL)
        ) r HAVING count(*) > 0;
    ELSE
        EXECUTE format(
            'SELECT gisgrid.note_change(%L, count(*), ST_Extent(geom), NULL) FROM %I.%I WHERE retired_at IS NULL HAVING count(*) > 0',
            TG_ARGV[0], TG_TABLE_SCHEMA, TG_TABLE_NAME
        );
    END IF;
    RETURN NULL;
END $$;
"""

_ISSUES = f"""
CREATE OR REPLACE FUNCTION gisgrid.note_issues() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM gisgrid.note_change('quality_issues', count(*), NULL, ST_Extent(geom), {_EACH})
        FROM (SELECT geom, row_number() OVER () AS nth FROM new_rows) r HAVING count(*) > 0;
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM gisgrid.note_change('quality_issues', count(*), ST_Extent(geom), NULL, {_EACH})
        FROM (SELECT geom, row_number() OVER () AS nth FROM old_rows) r HAVING count(*) > 0;
    ELSIF TG_OP = 'UPDATE' THEN
        PERFORM gisgrid.note_change('quality_issues', count(*), ST_Extent(old_geom), ST_Extent(new_geom), {_BOTH})
        FROM (
            SELECT o.geom AS old_geom, n.geom AS new_geom, row_number() OVER () AS nth
            FROM old_rows o FULL JOIN new_rows n USING (id)
            WHERE (o.*) IS DISTINCT FROM (n.*)
        ) r HAVING count(*) > 0;
    ELSE
        PERFORM gisgrid.note_change('quality_issues', count(*), ST_Extent(geom), NULL)
        FROM gisgrid.quality_issues HAVING count(*) > 0;
    END IF;
    RETURN NULL;
END $$;
"""

# Classes are looked up once each and not for every row, unless there are few.
_OF_LAYER = f"""CASE WHEN sum(sum(rows)) OVER () <= {_FEW} THEN (
            SELECT array_agg(DISTINCT gisgrid.place_of(r.geom)) FROM {{rows}} r
            WHERE r.retired_at IS NULL AND gisgrid.component_layer(r.scheme, r.edition, r.class_code) = c.layer
        ) END"""
_COMPONENTS = f"""
CREATE OR REPLACE FUNCTION gisgrid.note_components() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM gisgrid.note_change(layer, sum(rows)::bigint, NULL, ST_Extent(place::geometry), {_OF_LAYER.format(rows="new_rows")})
        FROM (
            SELECT gisgrid.component_layer(scheme, edition, class_code) AS layer, count(*) AS rows, ST_Extent(geom) AS place
            FROM new_rows WHERE retired_at IS NULL GROUP BY scheme, edition, class_code
        ) c GROUP BY layer;
    ELSIF TG_OP = 'UPDATE' THEN
        PERFORM gisgrid.note_change(layer, count(DISTINCT id), ST_Extent(old_geom), ST_Extent(new_geom),
            CASE WHEN max(nth) <= 2 * {_FEW} THEN
                array_agg(DISTINCT gisgrid.place_of(coalesce(old_geom, new_geom))) FILTER (WHERE nth <= 2 * {_FEW}) END
        )
        FROM (
            SELECT id, CASE WHEN k.is_cover THEN 'manhole_covers' ELSE 'components' END AS layer, side.old_geom, side.new_geom,
                   row_number() OVER () AS nth
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
        PERFORM gisgrid.note_change(layer, sum(rows)::bigint, ST_Extent(place::geometry), NULL, {_OF_LAYER.format(rows="old_rows")})
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

# Areas of a draft are nobody's business; those of a generation that was served once are what is shown of the past.
_AREAS = f"""
CREATE OR REPLACE FUNCTION gisgrid.note_areas() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    served bigint := gisgrid.active_generation();
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM gisgrid.note_change(gisgrid.area_layer(level), count(*), NULL, ST_Extent(geom), {_EACH})
        FROM (SELECT level, geom, row_number() OVER () AS nth FROM new_rows WHERE generation_id = served) r GROUP BY level;
        PERFORM gisgrid.note_past(array_agg(DISTINCT generation_id)) FROM new_rows WHERE generation_id IS DISTINCT FROM served;
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM gisgrid.note_change(gisgrid.area_layer(level), count(*), ST_Extent(geom), NULL, {_EACH})
        FROM (SELECT level, geom, row_number() OVER () AS nth FROM old_rows WHERE generation_id = served) r GROUP BY level;
        PERFORM gisgrid.note_past(array_agg(DISTINCT generation_id)) FROM old_rows WHERE generation_id IS DISTINCT FROM served;
    ELSIF TG_OP = 'UPDATE' THEN
        PERFORM gisgrid.note_change(gisgrid.area_layer(level), count(DISTINCT id), ST_Extent(old_geom), ST_Extent(new_geom),
            CASE WHEN max(nth) <= 2 * {_FEW} THEN
                array_agg(DISTINCT gisgrid.place_of(coalesce(old_geom, new_geom)))
                FILTER (WHERE nth <= 2 * {_FEW} AND NOT ST_IsEmpty(coalesce(old_geom, new_geom))) END
        )
        FROM (
            SELECT id, side.level, side.old_geom, side.new_geom, row_number() OVER () AS nth
            FROM old_rows o FULL JOIN new_rows n USING (id)
            CROSS JOIN LATERAL (
                VALUES (o.generation_id, o.level, o.geom, NULL::geometry), (n.generation_id, n.level, NULL, n.geom)
            ) AS side (generation_id, level, old_geom, new_geom)
            WHERE (o.*) IS DISTINCT FROM (n.*) AND side.generation_id = served
        ) r GROUP BY level;
        PERFORM gisgrid.note_past(array_agg(DISTINCT generation_id)) FROM old_rows WHERE generation_id IS DISTINCT FROM served;
    ELSE
        PERFORM gisgrid.note_change(gisgrid.area_layer(level), count(*), ST_Extent(geom), NULL)
        FROM gisgrid.areas WHERE generation_id = served GROUP BY level;
        PERFORM gisgrid.note_past(array_agg(DISTINCT generation_id)) FROM gisgrid.areas WHERE generation_id IS DISTINCT FROM served;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION gisgrid.note_past(ids bigint[]) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT gisgrid.note_change('generations', count(*), NULL, NULL)
    FROM gisgrid.generations WHERE id = ANY (ids) AND status = 'retired' HAVING count(*) > 0
$$;
COMMENT ON FUNCTION gisgrid.note_past(bigint[]) IS
    'Tells that what is shown of the past has changed, when any of some generations was served once.';
"""

# Its areas go with a generation that is deleted, after it: nobody could say by then that it had been served.
_GENERATIONS = """
CREATE FUNCTION gisgrid.note_retired_generations() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM gisgrid.note_change('generations', count(*), NULL, NULL) FROM old_rows WHERE status = 'retired' HAVING count(*) > 0;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION gisgrid.note_retired_generations() IS 'Change feed of generations: one that was served once is deleted.';
CREATE TRIGGER generations_retired_deleted AFTER DELETE ON gisgrid.generations
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION gisgrid.note_retired_generations();
"""


def upgrade() -> None:
    """Tell places one by one, and of the past."""
    for statements in (_PLACES, _PLACED, _ISSUES, _COMPONENTS, _AREAS, _GENERATIONS):
        op.execute(statements)


def downgrade() -> None:
    """There is no way back beyond the revisions before."""
    raise NotImplementedError("the change feed cannot forget places")
