"""The styles of the layers in ``public.layer_styles``, from where QGIS takes them when somebody adds a layer by hand; who may see what."""

from __future__ import annotations

import logging
from typing import LiteralString, NamedTuple

import psycopg

from gisgrid.deployment import Deployment
from gisgrid.layers import LAYERS, Layer
from gisgrid.qgis import NamedStyle, styles_of
from gisgrid.qgis.looks import Shape

logger = logging.getLogger(__name__)

MARK = "gisgrid"
"""What the description of a style says that gisgrid keeps up to date; a style that somebody saves over it says something else."""

_PLACES = (("gisgrid_qgis", "geom"), ("gisgrid", "geom"), ("gisgrid", "geom_3857"))
"""Schemas and columns of a layer that can be added by hand."""

_SHAPES: tuple[tuple[Shape, str], ...] = (("Point", ""), ("LineString", " (线)"), ("Polygon", " (面)"))

_CAN_WRITE: LiteralString = """
SELECT CASE WHEN to_regclass('public.layer_styles') IS NULL THEN false
       ELSE has_table_privilege('public.layer_styles', 'SELECT, INSERT, UPDATE') END
"""
_KNOWN: LiteralString = """
SELECT id, f_table_schema, f_table_name, f_geometry_column, stylename, styleqml::text, description, useasdefault
FROM public.layer_styles WHERE f_table_catalog = current_database()
"""
_INSERT: LiteralString = """
INSERT INTO public.layer_styles
    (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, stylename, styleqml, useasdefault, description)
VALUES (current_database(), %(schema)s, %(table)s, %(column)s, %(name)s, %(qml)s::xml, %(is_default)s, %(mark)s)
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
        EXECUTE format('GRANT USAGE ON SCHEMA gisgrid_qgis TO %I', role.name);
        EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA gisgrid_qgis TO %I', role.name);
        EXECUTE format('GRANT SELECT ON public.layer_styles TO %I', role.name);
    END LOOP;
    IF to_regrole('gisgrid_editor') IS NOT NULL THEN
        GRANT INSERT, UPDATE, DELETE ON gisgrid_qgis.districts, gisgrid_qgis.streets, gisgrid_qgis.communities, gisgrid_qgis.grids,
            gisgrid_qgis.buildings, gisgrid_qgis.cameras, gisgrid_qgis.manhole_covers TO gisgrid_editor;
        GRANT INSERT, UPDATE, DELETE ON public.layer_styles TO gisgrid_editor;
        GRANT USAGE ON SEQUENCE public.layer_styles_id_seq TO gisgrid_editor;
    END IF;
EXCEPTION WHEN insufficient_privilege OR undefined_table OR undefined_object THEN
    RAISE NOTICE 'Rights for QGIS are not granted: %', SQLERRM;
END $$
"""


_Place = tuple[str, str, str]
"""Schema, column of the geometry, table."""


class _Kept(NamedTuple):
    id: int
    qml: str
    is_ours: bool


class _Known(NamedTuple):
    styles: dict[tuple[_Place, str], _Kept]
    defaults: set[_Place]


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
    known = _known(connection)
    return sum(_write(connection, (*place, table), style, known) for table, style in _wanted(deployment) for place in _PLACES)


class _Made:
    """The styles that were made last, and for which city: each layer of a load asks for the same ones again."""

    last: tuple[Deployment, list[tuple[str, NamedStyle]]] | None = None


def _wanted(deployment: Deployment) -> list[tuple[str, NamedStyle]]:
    """Return the styles of all public layers, each with the table that it is for."""
    last = _Made.last
    if last is None or last[0] is not deployment:
        last = deployment, [(layer.id, style) for layer in LAYERS if layer.public for style in _styles(layer, deployment)]
        _Made.last = last
    return last[1]


def _known(connection: psycopg.Connection) -> _Known:
    known = _Known({}, set())
    for id, schema, table, column, name, qml, description, is_default in connection.execute(_KNOWN).fetchall():
        known.styles[(schema, column, table), name] = _Kept(id, qml, description == MARK)
        if is_default:
            known.defaults.add((schema, column, table))
    return known


def _styles(layer: Layer, deployment: Deployment) -> list[NamedStyle]:
    """Return the styles of a layer; of one with geometries of several kinds those of each, that for points first."""
    if layer.geometry != "Geometry":
        return styles_of(layer, deployment)
    return [
        NamedStyle(f"{style.name}{suffix}", style.qml, style.is_default and shape == "Point")
        for shape, suffix in _SHAPES
        for style in styles_of(layer, deployment, shape=shape)
    ]


def _write(connection: psycopg.Connection, place: _Place, style: NamedStyle, known: _Known) -> bool:
    """Write a style where it is missing or ours and out of date; say whether that was so."""
    kept = known.styles.get((place, style.name))
    if kept is None:
        schema, column, table = place
        values = {"schema": schema, "table": table, "column": column, "name": style.name, "qml": style.qml, "mark": MARK}
        connection.execute(_INSERT, {**values, "is_default": style.is_default and place not in known.defaults})
    elif kept.is_ours and kept.qml != style.qml:
        connection.execute(_UPDATE, {"qml": style.qml, "id": kept.id})
    else:
        return False
    return True
