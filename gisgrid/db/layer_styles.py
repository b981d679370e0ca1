"""The styles of the layers in ``public.layer_styles``, from where QGIS takes them when somebody adds a layer by hand."""

from __future__ import annotations

import logging
from typing import Any, LiteralString, NamedTuple

import psycopg

from gisgrid.deployment import Deployment
from gisgrid.layers import LAYERS, Layer
from gisgrid.qgis import NamedStyle, styles_of
from gisgrid.qgis.looks import Shape

logger = logging.getLogger(__name__)

MARK = "gisgrid"
"""What the description of a style says that gisgrid keeps up to date; a style that somebody saves over it says something else."""

_COLUMNS = ("geom", "geom_3857", "geom_gcj02")
_SHAPES: tuple[tuple[Shape, str], ...] = (("Point", ""), ("LineString", " (线)"), ("Polygon", " (面)"))

_CAN_WRITE: LiteralString = """
SELECT CASE WHEN to_regclass('public.layer_styles') IS NULL THEN false
       ELSE has_table_privilege('public.layer_styles', 'SELECT, INSERT, UPDATE') END
"""
_KNOWN: LiteralString = """
SELECT id, f_table_name, f_geometry_column, stylename, styleqml::text, description, useasdefault FROM public.layer_styles
WHERE f_table_catalog = current_database() AND f_table_schema = 'gisgrid'
"""
_INSERT: LiteralString = """
INSERT INTO public.layer_styles
    (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, stylename, styleqml, useasdefault, description)
VALUES (current_database(), 'gisgrid', %(table)s, %(column)s, %(name)s, %(qml)s::xml, %(is_default)s, %(mark)s)
"""
_UPDATE: LiteralString = "UPDATE public.layer_styles SET styleqml = %(qml)s::xml, update_time = now() WHERE id = %(id)s"
# Roles are of the whole server and may be missing; what belongs to somebody else cannot be granted.
_GRANT: LiteralString = """
DO $$
DECLARE
    role record;
BEGIN
    FOR role IN SELECT r.rolname AS name FROM pg_roles r WHERE r.rolname IN ('gisgrid_reader', 'gisgrid_editor')
    LOOP
        EXECUTE format('GRANT SELECT ON public.layer_styles TO %I', role.name);
        IF role.name = 'gisgrid_editor' THEN
            EXECUTE format('GRANT INSERT, UPDATE, DELETE ON public.layer_styles TO %I', role.name);
            EXECUTE format('GRANT USAGE ON SEQUENCE %s TO %I', pg_get_serial_sequence('public.layer_styles', 'id'), role.name);
        END IF;
    END LOOP;
EXCEPTION WHEN insufficient_privilege THEN
    NULL;
END $$
"""


class _Kept(NamedTuple):
    id: int
    qml: str
    is_ours: bool


def write_styles(connection: psycopg.Connection, deployment: Deployment) -> int:
    """Bring the styles of all public layers up to date for a city; return how many were written.

    A style that somebody saved under the same name stays as it is, and so does what somebody chose to be the default. Where the
    user may not write them nothing is done.
    """
    row = connection.execute(_CAN_WRITE).fetchone()
    if row is None or not row[0]:
        logger.info("The user may not write public.layer_styles: layers that are added to QGIS by hand come without styles.")
        return 0
    connection.execute(_GRANT)
    known: dict[tuple[str, str, str], _Kept] = {}
    defaults: set[tuple[str, str]] = set()
    for id, table, column, name, qml, description, is_default in connection.execute(_KNOWN).fetchall():
        known[table, column, name] = _Kept(id, qml, description == MARK)
        if is_default:
            defaults.add((table, column))
    return sum(
        _write(connection, layer.id, style, known, defaults) for layer in LAYERS if layer.public for style in _styles(layer, deployment)
    )


def _styles(layer: Layer, deployment: Deployment) -> list[NamedStyle]:
    """Return the styles of a layer; of one with geometries of several kinds those of each, that for points first."""
    if layer.geometry != "Geometry":
        return styles_of(layer, deployment)
    return [
        NamedStyle(f"{style.name}{suffix}", style.qml, style.is_default and shape == "Point")
        for shape, suffix in _SHAPES
        for style in styles_of(layer, deployment, shape=shape)
    ]


def _write(
    connection: psycopg.Connection, table: str, style: NamedStyle, known: dict[tuple[str, str, str], _Kept], defaults: set[tuple[str, str]]
) -> int:
    written = 0
    for column in _COLUMNS:
        kept = known.get((table, column, style.name))
        values: dict[str, Any] = {"table": table, "column": column, "name": style.name, "qml": style.qml, "mark": MARK}
        if kept is None:
            connection.execute(_INSERT, {**values, "is_default": style.is_default and (table, column) not in defaults})
            written += 1
        elif kept.is_ours and kept.qml != style.qml:
            connection.execute(_UPDATE, {"qml": style.qml, "id": kept.id})
            written += 1
    return written
