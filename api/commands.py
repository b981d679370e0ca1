"""The command ``gisgrid serve``."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from api.server import listen_on, run
from gisgrid.db import open_database
from gisgrid.db.revision import current
from gisgrid.deployment import load_deployment
from gisgrid.errors import DatabaseError
from gisgrid.settings import Settings, load_settings


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. Default: GISGRID_API__HOST, else 127.0.0.1.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port; 0 takes any free one. Default: GISGRID_API__PORT, else 8000.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Server processes. Default: GISGRID_API__WORKERS, else 1.")] = None,
) -> None:
    """Serve lookups, tiles and the console over HTTP until Ctrl-C."""
    settings = load_settings()
    limits = settings.api
    listener = listen_on(limits.host if host is None else host, limits.port if port is None else port)
    try:
        # Asked before the workers start, so that what would keep them from it is told once, in words.
        load_deployment(settings.deployment)
        _require_database(settings)
        count = workers or limits.workers
        # The processes that are started now read their settings anew; what was said here holds for them too.
        os.environ["GISGRID_API__WORKERS"] = str(count)
        run(listener, count, lambda address: typer.echo(f"{address}  (Ctrl-C ends it)"))
    finally:
        listener.close()


def _require_database(settings: Settings) -> None:
    """Raise DatabaseError when the database cannot be reached or has never been migrated; starts the private cluster."""
    database = open_database(settings)
    if current(database) is None:
        raise DatabaseError(f"The database at {database.address} has never been migrated.", "Run `gisgrid db migrate`, or `make demo`.")
