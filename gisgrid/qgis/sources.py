"""Where a layer of a project comes from: PostGIS, OGC API - Features or vector tiles, as the addresses that QGIS's providers take."""

from __future__ import annotations

from typing import Literal, NamedTuple
from urllib.parse import quote

from gisgrid.layers import Layer

SourceKind = Literal["postgis", "ogc", "tiles"]
"""By which way QGIS gets the features."""

SOURCES: tuple[SourceKind, ...] = ("postgis", "ogc", "tiles")

SCHEMA = "gisgrid_qgis"
"""The schema that has the layers without what QGIS must not write."""

_PAGE_FEATURES = 2000


class Connection(NamedTuple):
    """How QGIS finds a database: by ``service`` (an entry of ``pg_service.conf``) or by host, port and name; never by a password.

    ``authcfg`` is the id of a login that the analyst's QGIS keeps; without one QGIS asks.
    """

    host: str = ""
    port: str = ""
    name: str = ""
    service: str = ""
    authcfg: str = ""
    sslmode: str = ""


def postgis(connection: Connection, layer: Layer, geometry: str) -> str:
    """Return the source of a layer in PostGIS.

    ``geometry`` is the type of its features as QGIS calls it, ``NoGeometry`` for rows without a place. Only the features of that
    type are in the layer, which matters where a layer has several.
    """
    place = [("service", connection.service)] if connection.service else [("dbname", connection.name)]
    said = [f"{key}={_value(value)}" for key, value in place]
    if not connection.service:
        said += [f"{key}={value}" for key, value in (("host", _value(connection.host)), ("port", connection.port)) if value]
    if connection.sslmode:
        said.append(f"sslmode={connection.sslmode}")
    if connection.authcfg:
        said.append(f"authcfg={connection.authcfg}")
    said += ["key='id'", "checkPrimaryKeyUnicity='0'"]
    if geometry == "NoGeometry":
        said += [f'table="{SCHEMA}"."{layer.id}"', "sql=geom IS NULL"]
        return " ".join(said)
    said += ["srid=4326", f"type={geometry}", f'table="{SCHEMA}"."{layer.id}" (geom)', "sql="]
    return " ".join(said)


def features(address: str, layer: Layer, authcfg: str = "") -> str:
    """Return the source of a layer of OGC API - Features; ``address`` is that of the landing page."""
    said = {
        "authcfg": authcfg,
        "pageSize": str(_PAGE_FEATURES),
        "pagingEnabled": "true",
        "preferCoordinatesForWfsT11": "false",
        "restrictToRequestBBOX": "1",
        "srsname": "EPSG:4326",
        "typename": layer.id,
        "url": address,
        "version": "OGC_API_FEATURES",
    }
    return " ".join(f"{key}={_value(value)}" for key, value in said.items() if value)


def tiles(address: str, names: str, zooms: tuple[int, int]) -> str:
    """Return the source of vector tiles; ``address`` is that of the server, ``names`` the layers in each tile, with commas."""
    first, last = zooms
    style = quote(f"{address}/styles/light.json", safe="")
    return f"styleUrl={style}&type=xyz&url={address}/tiles/{names}/%7Bz%7D/%7Bx%7D/%7By%7D.mvt&zmax={last}&zmin={first}"


def _value(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
