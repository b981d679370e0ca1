"""The commands of ``gisgrid tiles``."""

from __future__ import annotations

import typer

app = typer.Typer(help="Tiles: fill the cache of a server, write archives, simplify areas ahead.", no_args_is_help=True)


@app.callback()
def tiles() -> None:
    """Tiles: fill the cache of a server, write archives, simplify areas ahead."""
