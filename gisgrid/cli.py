"""The ``gisgrid`` command: mounts the commands that each package declares in the entry-point group ``gisgrid.commands``."""

from __future__ import annotations

import logging
import sys
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup
from typer.main import get_command

from gisgrid import log
from gisgrid.errors import GisgridError
from gisgrid.settings import load_settings

_INTERRUPTED = 130  # what Typer ends with on Ctrl-C


def declared_commands() -> dict[str, EntryPoint]:
    """Return the entry point of each command by its name, in alphabetical order."""
    return {entry.name: entry for entry in sorted(entry_points(group="gisgrid.commands"), key=lambda item: item.name)}


class DeclaredCommands(TyperGroup):
    """The declared commands, each imported only when it is asked for, so that a small one starts fast."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Return the names of all declared commands."""
        return list(declared_commands())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """Import and return the command called ``cmd_name``, None when nobody declares it."""
        entry = declared_commands().get(cmd_name)
        if entry is None:
            return None
        declared = entry.load()
        if not isinstance(declared, typer.Typer):
            function, declared = declared, typer.Typer(pretty_exceptions_enable=False, add_completion=False)
            declared.command(name=cmd_name)(function)
        command = get_command(declared)
        command.name = cmd_name
        return command


def build() -> typer.Typer:
    """Return the command line with every declared command."""
    app = typer.Typer(cls=DeclaredCommands, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)

    @app.callback()
    def gisgrid() -> None:
        """City-grid governance on PostGIS."""

    return app


def main() -> None:
    """Run the command line: exit 0 when done, 2 for bad use or input, 1 for a failure; errors say what to do."""
    errors = Console(stderr=True, highlight=False, markup=False)
    try:
        settings = load_settings()
        log.configure(settings.log_level, settings.log_format)
        build()(prog_name="gisgrid")
    except SystemExit as end:
        if end.code == _INTERRUPTED:
            errors.print("gisgrid: interrupted. What was finished stays; the step at hand was undone.", soft_wrap=True, style="red")
        raise
    except GisgridError as error:
        errors.print(f"gisgrid: {error.message}", soft_wrap=True, style="red")
        if error.hint:
            errors.print(error.hint, soft_wrap=True)
        logging.getLogger(__name__).debug("failed", exc_info=error)
        sys.exit(error.exit_code)
