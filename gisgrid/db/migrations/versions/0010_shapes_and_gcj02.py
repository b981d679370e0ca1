"""Geometry in GCJ-02 for Chinese base maps, and shapes of areas for small scales.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# The formula of `gisgrid.crs.offset`, and the sphere of Web Mercator. Each is one expression of two numbers, so that the server
# puts it in the place of the call; taken apart into steps it takes twice as long. Of a latitude that is next to nothing the server
# could not make radians ("underflow").
_X, _Y = "(lon - 105.0)", "(lat - 35.0)"
_WAVES = "20.0 * (sin(18.84955592153876 * {x}) + sin(6.283185307179586 * {x})"
_EAST_M = f"""(
        300.0 + {_X} + 2.0 * {_Y} + 0.1 * {_X} * {_X} + 0.1 * {_X} * {_Y} + 0.1 * sqrt(abs({_X}))
        + ({_WAVES.format(x=_X)} + sin(3.141592653589793 * {_X})) + 40.0 * sin(1.0471975511965976 * {_X})
           + 150.0 * sin(0.2617993877991494 * {_X}) + 300.0 * sin(0.10471975511965977 * {_X})) * 0.6666666666666666
    )"""
_NORTH_M = f"""(
        -100.0 + 2.0 * {_X} + 3.0 * {_Y} + 0.2 * {_Y} * {_Y} + 0.1 * {_X} * {_Y} + 0.2 * sqrt(abs({_X}))
        + ({_WAVES.format(x=_X)} + sin(3.141592653589793 * {_Y})) + 40.0 * sin(1.0471975511965976 * {_Y})
           + 160.0 * sin(0.2617993877991494 * {_Y}) + 320.0 * sin(0.10471975511965977 * {_Y})) * 0.6666666666666666
    )"""
_SQUEEZE = "(1.0 - 0.00669342162296594323 * sin(radians(lat)) * sin(radians(lat)))"
_IS_SHIFTED = "lon BETWEEN 72.004 AND 137.8347 AND lat BETWEEN 0.8293 AND 55.8271"
_COORDINATES = f"""
CREATE FUNCTION gisgrid.gcj02_mercator_x(lon double precision, lat double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT 111319.49079327357 * CASE WHEN {_IS_SHIFTED}
        THEN lon + {_EAST_M} * sqrt({_SQUEEZE}) / (111321.37574886573 * cos(radians(lat))) ELSE lon END
$$;
COMMENT ON FUNCTION gisgrid.gcj02_mercator_x(double precision, double precision) IS
    'The easting in Web Mercator, metres, of the GCJ-02 form of a WGS 84 position; not shifted outside the box of GCJ-02.';

CREATE FUNCTION gisgrid.gcj02_mercator_y(lon double precision, lat double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT 6378137.0 * asinh(tan(radians(CASE WHEN {_IS_SHIFTED}
        THEN lat + {_NORTH_M} * {_SQUEEZE} * sqrt({_SQUEEZE}) / 110576.25484532995
        WHEN abs(lat) < 1e-200 THEN 0.0 ELSE lat END)))
$$;
COMMENT ON FUNCTION gisgrid.gcj02_mercator_y(double precision, double precision) IS
    'The northing in Web Mercator, metres, of the GCJ-02 form of a WGS 84 position; not shifted outside the box of GCJ-02.';
"""

# A shape is put together as WKB (big-endian): to make a point of each vertex and a line of the points takes twice as long.
# Pieces of 64 vertices keep the growth of a long ring from being copied vertex by vertex.
_VERTICES = """
CREATE FUNCTION gisgrid.gcj02_mercator_vertices(line geometry) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
    count integer := ST_NPoints(line);
    vertices bytea := int4send(count);
    piece bytea := '';
    vertex geometry;
    lon double precision;
    lat double precision;
BEGIN
    FOR n IN 1..count LOOP
        vertex := ST_PointN(line, n);
        lon := ST_X(vertex);
        lat := ST_Y(vertex);
        piece := piece || float8send(gisgrid.gcj02_mercator_x(lon, lat)) || float8send(gisgrid.gcj02_mercator_y(lon, lat));
        IF n % 64 = 0 THEN
            vertices := vertices || piece;
            piece := '';
        END IF;
    END LOOP;
    RETURN vertices || piece;
END $$;
COMMENT ON FUNCTION gisgrid.gcj02_mercator_vertices(geometry) IS
    'The vertices of a line or ring in WGS 84 as WKB writes them (count, then pairs), in GCJ-02 and Web Mercator.';
"""

# Beyond the latitudes that Web Mercator holds there is no place in a tile, as in `in_web_mercator`.
_PLACES = r"""
CREATE FUNCTION gisgrid.in_gcj02_mercator(place geometry) RETURNS geometry
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
    kind text := GeometryType(place);
    lon double precision;
    lat double precision;
    parts integer;
    holes integer;
    part geometry;
    wkb bytea;
BEGIN
    IF ST_IsEmpty(place) THEN
        RETURN ST_SetSRID(place, 3857);
    ELSIF ST_YMin(place) < -85.06 OR ST_YMax(place) > 85.06 THEN
        RETURN NULL;
    ELSIF kind = 'POINT' THEN
        lon := ST_X(place);
        lat := ST_Y(place);
        RETURN ST_SetSRID(ST_MakePoint(gisgrid.gcj02_mercator_x(lon, lat), gisgrid.gcj02_mercator_y(lon, lat)), 3857);
    ELSIF kind = 'MULTIPOLYGON' THEN
        parts := ST_NumGeometries(place);
        wkb := '\x0000000006'::bytea || int4send(parts);
        FOR n IN 1..parts LOOP
            part := ST_GeometryN(place, n);
            holes := ST_NumInteriorRings(part);
            wkb := wkb || '\x0000000003'::bytea || int4send(1 + holes)
                || gisgrid.gcj02_mercator_vertices(ST_ExteriorRing(part));
            FOR hole IN 1..holes LOOP
                wkb := wkb || gisgrid.gcj02_mercator_vertices(ST_InteriorRingN(part, hole));
            END LOOP;
        END LOOP;
        RETURN ST_GeomFromWKB(wkb, 3857);
    ELSIF kind = 'POLYGON' THEN
        RETURN ST_GeometryN(gisgrid.in_gcj02_mercator(ST_Multi(place)), 1);
    ELSIF kind = 'LINESTRING' THEN
        RETURN ST_GeomFromWKB('\x0000000002'::bytea || gisgrid.gcj02_mercator_vertices(place), 3857);
    ELSIF ST_HasArc(place) THEN
        RETURN gisgrid.in_gcj02_mercator(ST_CurveToLine(place));
    ELSIF kind = 'TRIANGLE' THEN
        RETURN ST_MakePolygon(gisgrid.in_gcj02_mercator(ST_MakeLine(ARRAY(SELECT vertex.geom FROM ST_DumpPoints(place) vertex))));
    END IF;
    RETURN ST_Collect(ARRAY(SELECT gisgrid.in_gcj02_mercator(d.geom) FROM ST_Dump(place) d));
END $$;
COMMENT ON FUNCTION gisgrid.in_gcj02_mercator(geometry) IS
    'A WGS 84 geometry shifted to GCJ-02 vertex by vertex, in Web Mercator, as Chinese maps take it; null where that has no place for it.';
"""

_COLUMN = """
ALTER TABLE gisgrid.{table}
    ADD COLUMN geom_gcj02 geometry({kind}, 3857) GENERATED ALWAYS AS (gisgrid.in_gcj02_mercator(geom)) STORED;
COMMENT ON COLUMN gisgrid.{table}.geom_gcj02 IS 'The place on base maps in GCJ-02 (Amap, Tencent), in Web Mercator metres; follows geom.';
"""
_TABLES = {
    "areas": "MultiPolygon",
    "components": "Point",
    "buildings_all": "MultiPolygon",
    "cameras_all": "Point",
    "quality_issues": "Geometry",
}

# A view takes new columns at its end only.
_AREA_VIEW = """
CREATE OR REPLACE VIEW gisgrid.{view} AS
    SELECT id, code, name, parent_code, area_m2, valid_from, valid_to, generation_id, geom, geom_3857, level, geom_gcj02
    FROM gisgrid.areas
    WHERE level = '{level}' AND generation_id = (SELECT g.id FROM gisgrid.generations g WHERE g.status = 'active')
    WITH LOCAL CHECK OPTION;
"""
_AREA_VIEWS = {"districts": "district", "streets": "street", "communities": "community", "grids": "grid"}
_CLASS = """
(SELECT {value} FROM gisgrid.component_classes k WHERE k.scheme = c.scheme AND k.edition = c.edition AND k.code = c.class_code)
"""
_ASSET_VIEWS = f"""
CREATE OR REPLACE VIEW gisgrid.buildings AS
    SELECT id, code, name, address, road, house_number, building_number, community_code, use, year_built, floors, height_m,
           households, residents, source_id, geom, geom_3857, version, changed_at, geom_gcj02
    FROM gisgrid.buildings_all
    WHERE retired_at IS NULL
    WITH LOCAL CHECK OPTION;

CREATE OR REPLACE VIEW gisgrid.cameras AS
    SELECT id, code, name, kind, status, azimuth_deg, azimuth_uncertainty_deg, field_of_view_deg, range_m, mount_height_m,
           azimuth_source, field_of_view_source, range_source, mount_height_source, owner_code, source_id, geom, geom_3857,
           version, changed_at, geom_gcj02
    FROM gisgrid.cameras_all
    WHERE retired_at IS NULL
    WITH LOCAL CHECK OPTION;

CREATE OR REPLACE VIEW gisgrid.manhole_covers AS
    SELECT id, code, scheme, edition, class_code, name, state, department_code, owner_code, maintainer_code,
           installed_on, changed_on, data_source, spec ->> 'material' AS material, spec ->> 'shape' AS shape,
           spec ->> 'size' AS size, note, source_id, geom, geom_3857, spec, version, changed_at,
           {_CLASS.format(value="nullif(k.kind, '')")} AS kind, {_CLASS.format(value="k.name")} AS class_name, geom_gcj02
    FROM gisgrid.components c
    WHERE retired_at IS NULL AND EXISTS (
        SELECT FROM gisgrid.component_classes k
        WHERE k.scheme = c.scheme AND k.edition = c.edition AND k.code = c.class_code AND k.is_cover
    )
    WITH LOCAL CHECK OPTION;
"""

# What is worked out from geom is null in the new row of a trigger that runs before the row is written.
_RAISE_VERSION = """
CREATE OR REPLACE FUNCTION gisgrid.raise_version() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    wanted record := NEW;
BEGIN
    wanted.id := OLD.id;
    wanted.version := OLD.version;
    wanted.changed_at := OLD.changed_at;
    IF TG_ARGV[0] = 'placed' THEN
        wanted.geom_3857 := OLD.geom_3857;
        wanted.geom_gcj02 := OLD.geom_gcj02;
    END IF;
    NEW.id := OLD.id;
    IF wanted IS DISTINCT FROM OLD THEN
        NEW.version := OLD.version + 1;
        NEW.changed_at := greatest(now(), OLD.changed_at);
    ELSE
        NEW.version := OLD.version;
        NEW.changed_at := OLD.changed_at;
    END IF;
    RETURN NEW;
END $$;
"""
_KEEP_VERSIONS = """
CREATE OR REPLACE FUNCTION gisgrid.keep_versions() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    fields text;
    place text;
    shown_by text := quote_literal(TG_ARGV[0]);
    "from" text := 'old_rows o';
    until text := 'greatest(now(), o.changed_at)';
BEGIN
    SELECT string_agg(format('o.%I', attname), ', ' ORDER BY attnum) FILTER (WHERE attname NOT IN ('geom', 'geom_3857', 'geom_gcj02')),
           coalesce(max('o.geom') FILTER (WHERE attname = 'geom'), 'NULL')
    INTO fields, place
    FROM pg_attribute WHERE attrelid = TG_RELID AND attnum > 0 AND NOT attisdropped;
    IF TG_ARGV[0] = 'components' THEN
        shown_by := $sql$CASE WHEN (o.scheme, o.edition, o.class_code) IN (
            SELECT k.scheme, k.edition, k.code FROM gisgrid.component_classes k WHERE k.is_cover
        ) THEN 'manhole_covers' ELSE 'components' END$sql$;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        "from" := 'old_rows o JOIN new_rows n ON n.id = o.id AND n.version <> o.version';
        until := 'n.changed_at';
    ELSIF TG_OP = 'TRUNCATE' THEN
        "from" := format('%s o', TG_RELID::regclass);
    END IF;
    EXECUTE format(
        $sql$INSERT INTO gisgrid.asset_versions (layer, asset_id, code, version, valid_from, valid_to, "row", geom, source_id)
            SELECT %s, o.id, o.code, o.version, o.changed_at, %s, (SELECT to_jsonb(f) FROM (SELECT %s) f), %s, o.source_id FROM %s$sql$,
        shown_by, until, fields, place, "from"
    );
    RETURN NULL;
END $$;
"""

_SHAPES = """
CREATE TABLE gisgrid.area_shapes (
    area_id bigint NOT NULL,
    zoom smallint NOT NULL CONSTRAINT area_shapes_zoom_check CHECK (zoom BETWEEN 0 AND 22),
    geom geometry(MultiPolygon, 4326) NOT NULL,
    geom_3857 geometry(MultiPolygon, 3857) GENERATED ALWAYS AS (ST_Transform(geom, 3857)) STORED,
    geom_gcj02 geometry(MultiPolygon, 3857) GENERATED ALWAYS AS (gisgrid.in_gcj02_mercator(geom)) STORED,
    CONSTRAINT area_shapes_pkey PRIMARY KEY (area_id, zoom)
);
COMMENT ON TABLE gisgrid.area_shapes IS
    'Areas of the served generation simplified for tiles of one zoom, with their borders still shared. Made by gisgrid from areas; a row '
    'goes in the transaction that changes its area, and comes back a moment later.';
COMMENT ON COLUMN gisgrid.area_shapes.geom_gcj02 IS 'The shape on base maps in GCJ-02 (Amap, Tencent), in Web Mercator metres.';
COMMENT ON INDEX gisgrid.area_shapes_pkey IS 'The shapes of the areas in a tile.';
"""

# No foreign key: it would ask for each row that goes with a draft, and keep `areas` from being truncated.
# A transaction that sees an old state of the database does not see shapes that were made since. They must go too: adding the
# same rows fails then, as PostgreSQL makes such a transaction fail that changes a row which was changed since.
_FORGET = """
CREATE FUNCTION gisgrid.forget_shapes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    changed bigint[];
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM gisgrid.area_shapes;
        RETURN NULL;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(id) INTO changed FROM old_rows;
    ELSE
        SELECT array_agg(id) INTO changed FROM old_rows o FULL JOIN new_rows n USING (id)
        WHERE (o.level, o.generation_id, o.geom) IS DISTINCT FROM (n.level, n.generation_id, n.geom);
    END IF;
    DELETE FROM gisgrid.area_shapes WHERE area_id = ANY (changed);
    IF current_setting('transaction_isolation') <> 'read committed' AND cardinality(changed) > 0 THEN
        INSERT INTO gisgrid.area_shapes (area_id, zoom, geom)
        SELECT id, zoom, 'SRID=4326;MULTIPOLYGON EMPTY' FROM unnest(changed) id, generate_series(0, 22) zoom
        ON CONFLICT (area_id, zoom) DO UPDATE SET geom = excluded.geom;
        DELETE FROM gisgrid.area_shapes WHERE area_id = ANY (changed);
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION gisgrid.forget_shapes() IS 'Removes the shapes of areas that are not as they were when those were made.';
CREATE TRIGGER areas_forget_updated AFTER UPDATE ON gisgrid.areas
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION gisgrid.forget_shapes();
CREATE TRIGGER areas_forget_deleted AFTER DELETE ON gisgrid.areas
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION gisgrid.forget_shapes();
CREATE TRIGGER areas_forget_truncated BEFORE TRUNCATE ON gisgrid.areas
    FOR EACH STATEMENT EXECUTE FUNCTION gisgrid.forget_shapes();

CREATE FUNCTION gisgrid.forget_shapes_of_generations() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM gisgrid.area_shapes WHERE area_id IN (
        SELECT a.id FROM old_rows o JOIN new_rows n USING (id) JOIN gisgrid.areas a ON a.generation_id = o.id
        WHERE o.status = 'active' AND n.status <> 'active'
    );
    RETURN NULL;
END $$;
COMMENT ON FUNCTION gisgrid.forget_shapes_of_generations() IS 'Removes the shapes of a generation that is not served any more.';
CREATE TRIGGER generations_forget_updated AFTER UPDATE ON gisgrid.generations
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION gisgrid.forget_shapes_of_generations();
"""


def upgrade() -> None:
    """Give every geometry its place on base maps in GCJ-02, and areas a table of shapes, still empty."""
    columns = "".join(_COLUMN.format(table=table, kind=kind) for table, kind in _TABLES.items())
    views = "".join(_AREA_VIEW.format(view=view, level=level) for view, level in _AREA_VIEWS.items())
    functions = (_COORDINATES, _VERTICES, _PLACES)
    for statements in (*functions, columns, views, _ASSET_VIEWS, _RAISE_VERSION, _KEEP_VERSIONS, _SHAPES, _FORGET):
        op.execute(statements)


def downgrade() -> None:
    """There is no way back beyond the revisions before."""
    raise NotImplementedError("`gisgrid db reset` removes everything")
