"""Projects of QGIS from settings: where the features come from, and which part of the map to begin with."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
from psycopg.conninfo import conninfo_to_dict

from gisgrid.db import open_database
from gisgrid.db.extents import bounds_of
from gisgrid.deployment import Deployment
from gisgrid.errors import GisgridError, ParameterError, UnavailableError
from gisgrid.layers import Layer
from gisgrid.qgis import Server, SourceKind
from gisgrid.qgis.project import project_layers
from gisgrid.qgis.sources import Connection
from gisgrid.settings import Settings
from gisgrid.types import LEVELS, Bounds

_ANSWER_S = 10.0
_NO_EXTENT = "The map begins with the whole of the city's bounds"


class Start(NamedTuple):
    """Where the map begins, degrees; ``doubt`` says why that is not where the data are, empty when it is."""

    extent: Bounds
    doubt: str = ""


def postgis_server(settings: Settings, *, service: str | None = None, authcfg: str | None = None) -> Server:
    """Return the database of ``settings`` as QGIS is told of it: host, port and name, or a ``service``; neither user nor password.

    Raises ParameterError for what is no id of a login, ConfigError and ClusterError as ``open_database``.
    """
    login = _login(authcfg)
    if service:
        return Server("postgis", connection=Connection(service=service, authcfg=login))
    parts = conninfo_to_dict(open_database(settings).url)
    host = str(parts.get("host") or parts.get("hostaddr") or "localhost")
    name = str(parts.get("dbname") or parts.get("user") or "gisgrid")
    ssl = str(parts.get("sslmode") or "")
    return Server("postgis", connection=Connection(host, str(parts.get("port") or 5432), name, authcfg=login, sslmode=ssl))


def web_server(settings: Settings, kind: SourceKind, *, url: str | None = None, authcfg: str | None = None) -> Server:
    """Return the gisgrid server at ``url``, by default the one that ``gisgrid serve`` would be here.

    Raises ParameterError for what is no address.
    """
    address = (url or f"http://127.0.0.1:{settings.api.port}").rstrip("/").removesuffix("/ogc")
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or re.search(r"[\s'\"&<>]", address):
        raise ParameterError(f"--url: {address!r} is no address of a server.", "Expected something like https://grid.example.")
    return Server(kind, address, Connection(authcfg=_login(authcfg)))


def start_of(settings: Settings, deployment: Deployment, server: Server) -> Start:
    """Return where the map begins: where the largest areas are, or else any features, or else the bounds of the city."""
    layers = sorted(project_layers(deployment), key=lambda layer: (layer.level is None, layer.level and LEVELS.index(layer.level)))
    try:
        found = _of_server(server.address, layers) if server.address else bounds_of(open_database(settings), layers)
    except GisgridError as error:
        return Start(deployment.box, f"{_NO_EXTENT}: {error.message}")
    if found is None:
        return Start(deployment.box, f"{_NO_EXTENT}: there are no features yet.")
    return Start(found)


def _login(authcfg: str | None) -> str:
    if authcfg and not re.fullmatch(r"[A-Za-z0-9]{7}", authcfg):
        raise ParameterError(f"--authcfg: {authcfg!r} is no id of a login.", "QGIS makes them of seven letters and digits.")
    return authcfg or ""


def _of_server(address: str, layers: list[Layer]) -> Bounds | None:
    try:
        answer = httpx.get(f"{address}/ogc/collections", headers={"accept": "application/json"}, timeout=_ANSWER_S).raise_for_status()
        told = {item["id"]: item.get("extent", {}).get("spatial", {}).get("bbox") for item in answer.json()["collections"]}
        boxes = [told[layer.id][0] for layer in layers if told.get(layer.id)]
        return Bounds(*(float(value) for value in boxes[0])) if boxes else None
    except (httpx.HTTPError, ValueError, KeyError, TypeError, IndexError) as error:
        raise UnavailableError(f"the server at {address} does not say where its features are ({type(error).__name__}).") from error
