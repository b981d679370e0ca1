"""What makes a table one of assets: checks of edits, versions, the change feed, retirement, notes of edits. Shared by several revisions.

A revision that has been released is never changed: neither are these texts; what is to be different gets a text of its own.
"""

from __future__ import annotations

KEEPING = """
CREATE TRIGGER {name}_version BEFORE UPDATE ON gisgrid.{table} FOR EACH ROW EXECUTE FUNCTION gisgrid.raise_version('{kind}');
CREATE TRIGGER {name}_keep_updated AFTER UPDATE ON gisgrid.{table}
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION gisgrid.keep_versions('{name}');
CREATE TRIGGER {name}_keep_deleted AFTER DELETE ON gisgrid.{table}
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION gisgrid.keep_versions('{name}');
CREATE TRIGGER {name}_keep_truncated BEFORE TRUNCATE ON gisgrid.{table}
    FOR EACH STATEMENT EXECUTE FUNCTION gisgrid.keep_versions('{name}');
"""
"""Triggers that keep earlier versions: `name`, `table`, `kind` (placed or unplaced)."""

# TRUNCATE has no transition tables: its trigger looks at the table before it is emptied.
FEED_OF_TABLE = """
CREATE TRIGGER {table}_inserted AFTER INSERT ON gisgrid.{table}
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION gisgrid.{function}();
CREATE TRIGGER {table}_updated AFTER UPDATE ON gisgrid.{table}
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION gisgrid.{function}();
CREATE TRIGGER {table}_deleted AFTER DELETE ON gisgrid.{table}
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION gisgrid.{function}();
CREATE TRIGGER {table}_truncated BEFORE TRUNCATE ON gisgrid.{table}
    FOR EACH STATEMENT EXECUTE FUNCTION gisgrid.{function}();
"""
"""Triggers that tell the change feed of a `table` by a `function`."""

FEED = """
CREATE TRIGGER {layer}_inserted AFTER INSERT ON gisgrid.{layer}_all
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION gisgrid.note_placed_rows('{layer}');
CREATE TRIGGER {layer}_updated AFTER UPDATE ON gisgrid.{layer}_all
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION gisgrid.note_placed_rows('{layer}');
CREATE TRIGGER {layer}_deleted AFTER DELETE ON gisgrid.{layer}_all
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION gisgrid.note_placed_rows('{layer}');
CREATE TRIGGER {layer}_truncated BEFORE TRUNCATE ON gisgrid.{layer}_all
    FOR EACH STATEMENT EXECUTE FUNCTION gisgrid.note_placed_rows('{layer}');
"""
"""Triggers that tell the change feed of a layer whose table is `layer` with `_all`."""

# Assets are alike: what differs is a name, and what is filled in where nothing is given.
CHECK = """
CREATE FUNCTION gisgrid.check_{one}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    without_place record := NEW;
    rule gisgrid.code_rules;
    before gisgrid.{many}_all;
    is_new boolean := TG_OP = 'INSERT';
BEGIN
    IF NEW.retired_at IS NOT NULL THEN
        RETURN NEW;
    END IF;
    {defaults}
    IF is_new OR NEW.geom IS DISTINCT FROM OLD.geom THEN
        PERFORM gisgrid.check_place('{many}', NEW.geom);
    END IF;
    IF SUSPECT THEN
        without_place := NEW;
        without_place.geom := NULL;
        PERFORM gisgrid.check_values('{many}', '{many}', to_jsonb(without_place));
    END IF;
    {more}
    IF NOT is_new AND NEW.code = OLD.code THEN
        RETURN NEW;
    END IF;
    SELECT c.* INTO before FROM gisgrid.{many}_all c WHERE c.code = NEW.code AND c.id IS DISTINCT FROM NEW.id;
    TAKE UP;
END $$;
COMMENT ON FUNCTION gisgrid.check_{one}() IS
    'Refuses a {one} that breaks a rule, in words; one with the code of a retired one takes its place and its number.';
CREATE TRIGGER {many}_edited BEFORE INSERT OR UPDATE ON gisgrid.{many}_all
    FOR EACH ROW WHEN (NOT gisgrid.is_loading()) EXECUTE FUNCTION gisgrid.check_{one}();
"""
"""Checks of edits of a layer `many` of which each is a `one`; `TAKE UP` and `SUSPECT` are put in by `with_codes` and `suspect`."""

# What becomes of a code that a row has already: an added feature takes up the removed one, with its number and the next version.
_TAKE_UP = """
    IF is_new AND before.retired_at IS NOT NULL THEN
        DELETE FROM gisgrid.TABLE c WHERE c.id = before.id;
        NEW.id := before.id;
        NEW.version := before.version + 1;
        NEW.changed_at := now();
    ELSIF before.id IS NOT NULL THEN
        PERFORM gisgrid.refuse_taken('LAYER', 'KEY', NEW.code, before.retired_at);
    ELSIF is_new THEN
        NEW.id := coalesce(NEW.id, nextval(pg_get_serial_sequence('gisgrid.TABLE', 'id')));
    END IF;
    RETURN NEW;
"""

RETIRING = """
CREATE TRIGGER {name}_retire_deleted AFTER DELETE ON gisgrid.{table}
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT WHEN (gisgrid.is_editing()) EXECUTE FUNCTION gisgrid.retire_deleted();
"""
"""The trigger that keeps as retired what editors delete: `name`, `table`."""

NOTING = """
CREATE TRIGGER {name}_note_inserted AFTER INSERT ON gisgrid.{table} REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT WHEN (NOT gisgrid.is_loading()) EXECUTE FUNCTION gisgrid.note_edits('{name}', '{shown}');
CREATE TRIGGER {name}_note_updated AFTER UPDATE ON gisgrid.{table} REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT WHEN (NOT gisgrid.is_loading()) EXECUTE FUNCTION gisgrid.note_edits('{name}', '{shown}');
CREATE TRIGGER {name}_note_deleted AFTER DELETE ON gisgrid.{table} REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT WHEN (NOT gisgrid.is_loading()) EXECUTE FUNCTION gisgrid.note_edits('{name}', '{shown}');
"""
"""Triggers that note edits: `name`, `table`, and what of a row says that it is `shown`."""


def with_codes(check: str, layer: str, table: str, key: str) -> str:
    """Return a check of rows with what becomes of codes that are taken."""
    return check.replace("    TAKE UP;", _TAKE_UP.strip("\n").replace("TABLE", table).replace("LAYER", layer).replace("KEY", key))
