"""``gisgrid qgis``: a project of QGIS with every layer, its symbols, labels and forms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from gisgrid.deployment import load_deployment
from gisgrid.qgis import Project, Server, SourceKind, project_document, write_project
from gisgrid.qgis.project import project_layers
from gisgrid.services.qgis import postgis_server, start_of, web_server
from gisgrid.settings import load_settings

_SOURCE = typer.Option("--source", help="How QGIS gets the features: straight from PostGIS, by OGC API - Features, or as vector tiles.")
_URL = typer.Option(
    "--url", help="Address of the gisgrid server, for ogc and tiles.", show_default="http://127.0.0.1 and the port of the settings"
)
_SERVICE = typer.Option("--service", help="Entry of pg_service.conf that tells QGIS where the database is.", show_default="host and port")
_LOGIN = typer.Option("--authcfg", help="Id of a login that QGIS keeps; without one QGIS asks.", show_default=False)


def qgis(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Project to write: .qgz or .qgs.", show_default=False)],
    *,
    source: Annotated[SourceKind, _SOURCE] = "postgis",
    url: Annotated[str | None, _URL] = None,
    service: Annotated[str | None, _SERVICE] = None,
    authcfg: Annotated[str | None, _LOGIN] = None,
    lang: Annotated[Literal["zh", "en"], typer.Option("--lang", help="Language of titles, legends and forms.")] = "zh",
) -> None:
    """Write a project of QGIS with every layer: symbols, labels, groups, names of fields, forms. It holds no password."""
    settings = load_settings()
    deployment = load_deployment(settings.deployment)
    if source == "postgis":
        server = postgis_server(settings, service=service, authcfg=authcfg)
    else:
        server = web_server(settings, source, url=url, authcfg=authcfg)
    start = start_of(settings, deployment, server)
    write_project(project_document(Project(deployment, server, start.extent, lang)), out)
    console = Console(highlight=False, soft_wrap=True)
    if start.doubt:
        console.print(start.doubt, style="yellow")
    console.print(f"{out}: {len(project_layers(deployment))} layers from {_where(server)}. Open it with QGIS 3.22 or newer.")


def _where(server: Server) -> str:
    connection = server.connection
    by_database = f"service {connection.service}" if connection.service else f"{connection.host}:{connection.port}/{connection.name}"
    return server.address or by_database
