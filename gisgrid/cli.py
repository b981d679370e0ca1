"""The ``gisgrid`` command: mounts the commands that each package declares in the entry-point group ``gisgrid.commands``."""

from __future__ import annotations

import logging
import sys
from importlib.metadata import entry_points

import typer
from rich.console import Console

from gisgrid import log
from gisgrid.errors import GisgridError
from gisgrid.settings import load_settings


def build() -> typer.Typer:
    """Return the command with every declared sub-command mounted, in alphabetical order."""
    app = typer.Typer(
        name="gisgrid", help="City-grid governance on PostGIS.", no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False
    )
    for entry in sorted(entry_points(group="gisgrid.commands"), key=lambda item: item.name):
        command = entry.load()
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=entry.name)
        else:
            app.command(name=entry.name)(command)
    return app


def main() -> None:
    """Run the command line: exit 0 when done, 2 for bad use or input, 1 for a failure; errors say what to do."""
    errors = Console(stderr=True, highlight=False)
    try:
        settings = load_settings()
        log.configure(settings.log_level, settings.log_format)
        build()()
    except GisgridError as error:
        errors.print(f"[bold red]gisgrid:[/] {error.message}", soft_wrap=True)
        if error.hint:
            errors.print(error.hint, soft_wrap=True)
        logging.getLogger(__name__).debug("failed", exc_info=error)
        sys.exit(error.exit_code)
