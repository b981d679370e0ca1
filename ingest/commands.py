"""The commands ``gisgrid ingest``: a group that loads by default, each command in a module of its own."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

_DEFAULT = "load"
_COMMANDS = {
    "load": "ingest.load_command",
    "inspect": "ingest.inspecting.commands",
    "runs": "ingest.run_commands",
    "show": "ingest.run_commands",
    "rejects": "ingest.run_commands",
    "repairs": "ingest.run_commands",
    "release": "ingest.run_commands",
}
"""The module of each command, a function of its name, imported only when it is asked for."""


class LoadByDefault(TyperGroup):
    """A group whose first argument may be a source description, which is then loaded."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Return the names of all commands, the one that runs by default first."""
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """Import and return the command called ``cmd_name``, None when there is none."""
        if cmd_name not in _COMMANDS:
            return None
        single = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
        single.command(name=cmd_name)(getattr(import_module(_COMMANDS[cmd_name]), cmd_name))
        return get_command(single)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the default command before arguments that begin with none; a command written wrong is no file."""
        if args and args[0] not in {"--help", *_COMMANDS}:
            alike = get_close_matches(args[0], _COMMANDS)
            if alike and not Path(args[0]).exists():
                ctx.fail(f"No such command {args[0]!r}. Did you mean {alike[0]!r}?")
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=LoadByDefault,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    subcommand_metavar="SOURCES.toml [OPTIONS] | COMMAND [ARGS]...",
)


@app.callback()
def ingest() -> None:
    """Load source files into PostGIS, and see what is wrong with them.

    `gisgrid ingest SOURCES.toml` is short for `gisgrid ingest load SOURCES.toml`; `gisgrid ingest load --help` lists its options.
    """
