"""What editing brings about: areas do not overlap, deleting retires, every edit is noted; rejected rows are a layer.

Revision ID: 0015
Revises: 0014
"""

from __future__ import annotations

from alembic import op

from gisgrid.db.migrations.assets import NOTING, RETIRING

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# Looked at when the transaction ends, so that an area can be cut in two by two statements. One after the other: of two that
# are checked at once neither would see the other.
_CONFIRM = """
CREATE FUNCTION gisgrid.ground_width_m(piece geometry) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT 2.0 * ST_Area(piece::geography) / nullif(ST_Perimeter(piece::geography), 0.0)
$$;
COMMENT ON FUNCTION gisgrid.ground_width_m(geometry) IS
    'How wide a polygon is on the ground, metres: that of a long strip, half that of a compact piece.';

CREATE FUNCTION gisgrid.pieces_m2(place geometry, sliver_m double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path FROM CURRENT AS $$
    SELECT coalesce(sum(ST_Area(d.geom::geography)) FILTER (WHERE gisgrid.ground_width_m(d.geom) >= sliver_m), 0.0)
    FROM ST_Dump(ST_CollectionExtract(place, 3)) d
$$;
COMMENT ON FUNCTION gisgrid.pieces_m2(geometry, double precision) IS 'Square metres of the polygons in a geometry that are no slivers.';

CREATE FUNCTION gisgrid.confirm_area() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    area gisgrid.areas;
    shown_as text := gisgrid.area_layer(NEW.level);
    title record := gisgrid.title_of(shown_as);
    rule gisgrid.code_rules;
    sliver_m double precision;
    other record;
    before_m2 double precision := 0.0;
    is_moved boolean := true;
BEGIN
    PERFORM pg_advisory_xact_lock(7038213);
    SELECT a.* INTO area FROM gisgrid.areas a WHERE a.id = NEW.id AND a.generation_id = gisgrid.active_generation();
    IF area.id IS NULL OR (area.level, area.code, area.parent_code) IS DISTINCT FROM (NEW.level, NEW.code, NEW.parent_code)
        OR area.geom IS DISTINCT FROM NEW.geom THEN
        RETURN NULL;
    END IF;
    SELECT r.* INTO rule FROM gisgrid.code_rules r WHERE r.layer = shown_as AND r.field = 'code';
    IF rule.parent_layer IS NOT NULL AND NOT EXISTS (
        SELECT FROM gisgrid.areas a
        WHERE a.generation_id = area.generation_id AND gisgrid.area_layer(a.level) = rule.parent_layer AND a.code = area.parent_code
    ) THEN
        PERFORM gisgrid.refuse('foreign_key_violation', shown_as, 'parent_code', 'areas_parent',
            format('上级%s“%s”不存在。', (gisgrid.title_of(rule.parent_layer)).zh, area.parent_code),
            format('There is no %s with the code "%s".', (gisgrid.title_of(rule.parent_layer)).en, area.parent_code),
            format('parent_code must be the code of one of %s.', rule.parent_layer));
    END IF;
    IF TG_OP = 'UPDATE' THEN
        is_moved := OLD.geom IS DISTINCT FROM NEW.geom OR OLD.level <> NEW.level OR OLD.generation_id <> NEW.generation_id;
    END IF;
    IF NOT is_moved THEN
        RETURN NULL;
    END IF;
    SELECT coalesce(min(d.sliver_m), 1.0) INTO sliver_m FROM gisgrid.deployments d;
    FOR other IN
        SELECT a.code, a.geom, gisgrid.pieces_m2(ST_Intersection(a.geom, area.geom), sliver_m) AS common_m2
        FROM gisgrid.areas a
        WHERE a.geom && area.geom AND a.generation_id = area.generation_id AND a.level = area.level AND a.id <> area.id
            AND ST_Relate(a.geom, area.geom, 'T********')
    LOOP
        IF TG_OP = 'UPDATE' AND other.common_m2 > 0.0 THEN
            before_m2 := gisgrid.pieces_m2(ST_Intersection(other.geom, OLD.geom), sliver_m);
        END IF;
        IF other.common_m2 > before_m2 + 0.01 THEN
            PERFORM gisgrid.refuse('exclusion_violation', shown_as, 'geom', 'areas_overlap',
                format('%s“%s”与“%s”重叠 %s 平方米。', title.zh, area.code, other.code, round(other.common_m2::numeric, 1)),
                format('The %s %s overlaps %s by %s square metres.', title.en, area.code, other.code, round(other.common_m2::numeric, 1)),
                'Each place belongs to one area of a level. Draw the border along the neighbour''s, or change both in one transaction.');
        END IF;
    END LOOP;
    PERFORM gisgrid.note_outside_parent(area, sliver_m);
    RETURN NULL;
END $$;
COMMENT ON FUNCTION gisgrid.confirm_area() IS
    'Refuses areas of the served generation whose parent does not exist, and those that overlap another of their level more than before.';

CREATE FUNCTION gisgrid.note_outside_parent(area gisgrid.areas, sliver_m double precision) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    shown_as text := gisgrid.area_layer(area.level);
    title record := gisgrid.title_of(shown_as);
    parent record;
    outside geometry;
    outside_m2 double precision;
BEGIN
    DELETE FROM gisgrid.quality_issues q
    WHERE q.generation_id = area.generation_id AND q.run_id IS NULL AND q.code = 'outside_parent'
        AND q.layer = shown_as AND q.feature_code = area.code;
    SELECT p.code, p.geom INTO parent FROM gisgrid.areas p
    WHERE p.generation_id = area.generation_id AND p.code = area.parent_code
        AND p.level = CASE area.level WHEN 'grid' THEN 'community' WHEN 'community' THEN 'street' WHEN 'street' THEN 'district' END;
    IF parent.code IS NULL OR ST_Covers(parent.geom, area.geom) THEN
        RETURN;
    END IF;
    outside := ST_Difference(area.geom, parent.geom);
    outside_m2 := gisgrid.pieces_m2(outside, sliver_m);
    IF outside_m2 <= 0.0 THEN
        RETURN;
    END IF;
    RAISE WARNING USING MESSAGE = format('%s“%s”有 %s 平方米在上级“%s”之外。 %s square metres of the %s %s lie outside its parent %s.',
        title.zh, area.code, round(outside_m2::numeric, 1), parent.code, round(outside_m2::numeric, 1), title.en, area.code, parent.code);
    INSERT INTO gisgrid.quality_issues (generation_id, layer, feature_code, code, severity, message, geom)
    VALUES (area.generation_id, shown_as, area.code, 'outside_parent', 'warning',
        format('%s square metres of %s %s lie outside its parent %s.', round(outside_m2::numeric, 1), title.en, area.code, parent.code),
        outside);
END $$;
COMMENT ON FUNCTION gisgrid.note_outside_parent(gisgrid.areas, double precision) IS
    'Keeps a quality issue for an area that was drawn beyond its parent, and takes it away when it is not so any more.';

CREATE FUNCTION gisgrid.confirm_children() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    shown_as text := gisgrid.area_layer(OLD.level);
    title record := gisgrid.title_of(shown_as);
    child record;
BEGIN
    IF OLD.generation_id IS DISTINCT FROM gisgrid.active_generation() OR EXISTS (
        SELECT FROM gisgrid.areas a WHERE (a.generation_id, a.level, a.code) = (OLD.generation_id, OLD.level, OLD.code)
    ) THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock(7038213);
    SELECT count(*) AS count, min(a.code) AS first INTO child
    FROM gisgrid.code_rules r
    JOIN gisgrid.areas a ON gisgrid.area_layer(a.level) = r.layer AND a.generation_id = OLD.generation_id AND a.parent_code = OLD.code
    WHERE r.field = 'code' AND r.parent_layer = shown_as;
    IF child.count > 0 THEN
        PERFORM gisgrid.refuse('foreign_key_violation', shown_as, 'code', 'areas_children',
            format('%s“%s”还有 %s 个下级，不能删除或改代码。', title.zh, OLD.code, child.count),
            format('The %s %s still has %s areas in it, such as %s.', title.en, OLD.code, child.count, child.first),
            'Give those another parent_code first, or all in one transaction.');
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION gisgrid.confirm_children() IS 'Refuses to delete or rename an area of the served generation that is still a parent.';

CREATE CONSTRAINT TRIGGER areas_confirm_inserted AFTER INSERT ON gisgrid.areas DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NOT gisgrid.is_loading()) EXECUTE FUNCTION gisgrid.confirm_area();
CREATE CONSTRAINT TRIGGER areas_confirm_updated AFTER UPDATE ON gisgrid.areas DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (
        NOT gisgrid.is_loading()
        AND (OLD.generation_id, OLD.level, OLD.code, OLD.parent_code, OLD.geom)
            IS DISTINCT FROM (NEW.generation_id, NEW.level, NEW.code, NEW.parent_code, NEW.geom)
    ) EXECUTE FUNCTION gisgrid.confirm_area();
CREATE CONSTRAINT TRIGGER areas_confirm_renamed AFTER UPDATE ON gisgrid.areas DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NOT gisgrid.is_loading() AND (OLD.level, OLD.code) IS DISTINCT FROM (NEW.level, NEW.code))
    EXECUTE FUNCTION gisgrid.confirm_children();
CREATE CONSTRAINT TRIGGER areas_confirm_deleted AFTER DELETE ON gisgrid.areas DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NOT gisgrid.is_loading()) EXECUTE FUNCTION gisgrid.confirm_children();
"""

# What an editor deletes is put back as retired, in one statement: so the feed and the history tell a deletion as any other.
_RETIRE = """
CREATE FUNCTION gisgrid.retire_deleted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    columns text;
    kept text;
BEGIN
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum),
           string_agg(CASE attname
               WHEN 'retired_at' THEN 'greatest(now(), o.changed_at)' WHEN 'changed_at' THEN 'greatest(now(), o.changed_at)'
               WHEN 'version' THEN 'o.version + 1' ELSE format('o.%I', attname) END, ', ' ORDER BY attnum)
    INTO columns, kept
    FROM pg_attribute WHERE attrelid = TG_RELID AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
    EXECUTE format('INSERT INTO %s (%s) SELECT %s FROM old_rows o WHERE o.retired_at IS NULL', TG_RELID::regclass, columns, kept);
    RETURN NULL;
END $$;
COMMENT ON FUNCTION gisgrid.retire_deleted() IS 'Keeps what an editor deletes as retired, as a delivery does in which it is missing.';
"""

_FEW = 64
"""Edits of a statement that are noted one by one, as many as the change feed tells the places of."""

# A side of an edit is what was served before or after it: null when it was not.
_LOG = f"""
CREATE FUNCTION gisgrid.without_places("row" jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT "row" - ARRAY[
        'geom_3857', 'geom_gcj02', 'version', 'changed_at', 'retired_at', 'level', 'generation_id', 'valid_from', 'valid_to'
    ]
$$;
COMMENT ON FUNCTION gisgrid.without_places(jsonb) IS 'What of a row is worth noting: not what is worked out or kept by the database.';

CREATE FUNCTION gisgrid.edited_layer(told text, "row" jsonb) RETURNS text LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT CASE told
        WHEN 'areas' THEN CASE WHEN ("row" ->> 'generation_id')::bigint = gisgrid.active_generation()
            THEN gisgrid.area_layer("row" ->> 'level') END
        WHEN 'components' THEN gisgrid.component_layer("row" ->> 'scheme', "row" ->> 'edition', "row" ->> 'class_code')
        ELSE told END
    WHERE "row" ->> 'retired_at' IS NULL
$$;
COMMENT ON FUNCTION gisgrid.edited_layer(text, jsonb) IS 'The layer that shows a row; null when none does.';

CREATE FUNCTION gisgrid.changed_fields(of_row jsonb, other jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT jsonb_object_agg(key, value) FROM jsonb_each(of_row) WHERE other -> key IS DISTINCT FROM value
$$;
COMMENT ON FUNCTION gisgrid.changed_fields(jsonb, jsonb) IS 'The fields of a row that are not the same in another.';

CREATE FUNCTION gisgrid.note_edit(
    who text, application text, old_layer text, new_layer text, before jsonb, after jsonb
) RETURNS void LANGUAGE sql SET search_path FROM CURRENT AS $$
    INSERT INTO gisgrid.edits (editor, application, layer, action, feature_id, code, before, after)
    SELECT who, application, coalesce(new_layer, old_layer),
           CASE WHEN old_layer IS NULL THEN 'create' WHEN new_layer IS NULL THEN 'delete' ELSE 'update' END,
           (coalesce(after, before) ->> 'id')::bigint, coalesce(after, before) ->> 'code',
           CASE WHEN old_layer IS NULL THEN NULL WHEN new_layer IS NULL THEN before ELSE gisgrid.changed_fields(before, after) END,
           CASE WHEN new_layer IS NULL THEN NULL WHEN old_layer IS NULL THEN after ELSE gisgrid.changed_fields(after, before) END
    WHERE (old_layer, before) IS DISTINCT FROM (new_layer, after) AND coalesce(old_layer, new_layer) IS NOT NULL
$$;
COMMENT ON FUNCTION gisgrid.note_edit(text, text, text, text, jsonb, jsonb) IS
    'Notes one edit; a layer is null where the row was not shown before, or is not shown after.';

CREATE FUNCTION gisgrid.note_edits() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    application text := coalesce(nullif(current_setting('application_name', true), ''), 'unknown');
    who text := gisgrid.editor_name();
    told text := TG_ARGV[0];
    touched bigint;
BEGIN
    IF TG_OP = 'DELETE' THEN
        SELECT count(*) INTO touched FROM (SELECT FROM old_rows LIMIT {_FEW + 1}) r;
    ELSE
        SELECT count(*) INTO touched FROM (SELECT FROM new_rows LIMIT {_FEW + 1}) r;
    END IF;
    IF touched > {_FEW} THEN
        EXECUTE format($sql$
            INSERT INTO gisgrid.edits (editor, application, layer, action, rows)
            SELECT $1, $2, shown.layer, $3, count(*) FROM %s r
            CROSS JOIN LATERAL (SELECT gisgrid.edited_layer($4, %s) AS layer) shown
            WHERE shown.layer IS NOT NULL GROUP BY shown.layer$sql$,
            CASE TG_OP WHEN 'DELETE' THEN 'old_rows' ELSE 'new_rows' END, TG_ARGV[1])
        USING who, application, CASE TG_OP WHEN 'INSERT' THEN 'create' WHEN 'DELETE' THEN 'delete' ELSE 'update' END, told;
    ELSIF TG_OP = 'INSERT' THEN
        PERFORM gisgrid.note_edit(who, application, NULL, gisgrid.edited_layer(told, r.n), NULL, gisgrid.without_places(r.n))
        FROM (SELECT to_jsonb(n) AS n FROM new_rows n ORDER BY n.id) r;
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM gisgrid.note_edit(who, application, gisgrid.edited_layer(told, r.o), NULL, gisgrid.without_places(r.o), NULL)
        FROM (SELECT to_jsonb(o) AS o FROM old_rows o ORDER BY o.id) r;
    ELSE
        PERFORM gisgrid.note_edit(who, application, gisgrid.edited_layer(told, r.o), gisgrid.edited_layer(told, r.n),
            gisgrid.without_places(r.o), gisgrid.without_places(r.n))
        FROM (SELECT to_jsonb(o) AS o, to_jsonb(n) AS n FROM old_rows o JOIN new_rows n USING (id) ORDER BY o.id) r;
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION gisgrid.note_edits() IS
    'Notes who changed what; of many rows at once only how many. Arguments: the layer; the fields of a row r that say whether it shows.';
"""
_ASSETS = {"components": "components", "buildings": "buildings_all", "cameras": "cameras_all"}
_SHOWN = {
    "components": "jsonb_build_object(''scheme'', r.scheme, ''edition'', r.edition, ''class_code'', r.class_code,"
    " ''retired_at'', r.retired_at)",
    "buildings": "jsonb_build_object(''retired_at'', r.retired_at)",
    "cameras": "jsonb_build_object(''retired_at'', r.retired_at)",
    "areas": "jsonb_build_object(''generation_id'', r.generation_id, ''level'', r.level)",
}

# Of rejected organisations and roles the rows hold names and telephones: they are for those who load, not for a map.
_REJECTED = """
CREATE VIEW gisgrid.rejected_rows AS
    SELECT r.id, r.layer, u.source_id, r.row_number::integer AS row_number, r.code, r.field, r.message, r.raw::text AS raw,
           u.started_at::date AS rejected_on, r.run_id, r.geom,
           gisgrid.in_web_mercator(r.geom)::geometry(Geometry, 3857) AS geom_3857,
           gisgrid.in_gcj02_mercator(r.geom)::geometry(Geometry, 3857) AS geom_gcj02
    FROM gisgrid.ingest_rejects r JOIN gisgrid.ingest_runs u ON u.id = r.run_id
    WHERE r.layer NOT IN ('organizations', 'area_roles');
COMMENT ON VIEW gisgrid.rejected_rows IS 'Rows of sources that were not loaded, as they came, with what is wrong with each; for editors.';
"""


def upgrade() -> None:
    """Check areas at the end of a transaction, retire what is deleted, note edits."""
    retiring = "".join(RETIRING.format(name=name, table=table) for name, table in _ASSETS.items())
    tables = {**_ASSETS, "areas": "areas"}
    noting = "".join(NOTING.format(name=name, table=table, shown=_SHOWN[name]) for name, table in tables.items())
    for statements in (_CONFIRM, _RETIRE, retiring, _LOG, noting, _REJECTED):
        op.execute(statements)


def downgrade() -> None:
    """There is no way back beyond the revisions before."""
    raise NotImplementedError("what was edited by whom would be lost")
