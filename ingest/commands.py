"""The commands ``gisgrid ingest``: load sources, look at an unknown file, list runs, give bad rows back."""

from __future__ import annotations

import json
import sys
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup
from typer.main import get_command

from gisgrid.db import open_database
from gisgrid.deployment import load_deployment
from gisgrid.progress import progress_bar
from gisgrid.settings import load_settings
from ingest.pipeline import run
from ingest.report import IngestReport, LayerReport, print_report

_DEFAULT = "load"
_ELSEWHERE = {"inspect": "ingest.inspecting.commands"}
"""Commands that live in a module of their own, imported only when asked for: a function of the command's name."""


class LoadByDefault(TyperGroup):
    """A group whose first argument may be a source description, which is then loaded."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands, the one that runs by default first."""
        return [*super().list_commands(ctx), *_ELSEWHERE]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command called ``cmd_name``, None when there is none."""
        if cmd_name not in _ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        single = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
        single.command(name=cmd_name)(getattr(import_module(_ELSEWHERE[cmd_name]), cmd_name))
        return get_command(single)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the default command before arguments that begin with none."""
        if args and args[0] not in {"--help", *self.list_commands(ctx)} and not self._is_slip(ctx, args[0]):
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)

    def _is_slip(self, ctx: Any, word: str) -> bool:
        """Say whether ``word`` looks like a command written wrong rather than like a file."""
        return bool(get_close_matches(word, self.list_commands(ctx))) and not Path(word).exists()


app = typer.Typer(
    cls=LoadByDefault,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    subcommand_metavar="SOURCES.toml [OPTIONS] | COMMAND [ARGS]...",
    help="Load source files into PostGIS, and see what is wrong with them. `gisgrid ingest SOURCES.toml` is short for"
    " `gisgrid ingest load SOURCES.toml`, whose options `gisgrid ingest load --help` lists.",
)


@app.command()
def load(
    sources: Annotated[Path, typer.Argument(help="Source description, a TOML file.", show_default=False)],
    *,
    layer: Annotated[list[str] | None, typer.Option(help="Only sources of this layer; may be given more than once.")] = None,
    source: Annotated[list[str] | None, typer.Option(help="Only the source with this id; may be given more than once.")] = None,
    root: Annotated[Path | None, typer.Option(help="Folder that paths are relative to.", show_default="folder of the description")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and check everything, write nothing; needs no database.")] = False,
    partial: Annotated[bool, typer.Option("--partial", help="Keep rows that a source delivered before and does not now.")] = False,
    accept_crs: Annotated[bool, typer.Option("--accept-crs", help="Load positions that look shifted all the same.")] = False,
    activate: Annotated[bool, typer.Option("--activate", help="Put new areas into service at once, if nothing is wrong.")] = False,
    force: Annotated[bool, typer.Option("--force", help="With --activate: in spite of topology errors.")] = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Give up at once when another ingest is at work.")] = False,
    report: Annotated[Path | None, typer.Option(help="Where to write the HTML report.", show_default="reports in GISGRID_HOME")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors (and JSON, with --json).")] = False,
) -> None:
    """Load source files: read, check, repair what can be repaired, keep rejected rows with the reason. This is the default.

    Exit code 0 also when rows were rejected: they are listed and kept. 2 when a file or the description cannot be used, 1 when
    the database cannot be reached.
    """
    settings = load_settings()
    deployment = load_deployment(settings.deployment)
    database = None if dry_run else open_database(settings)
    wishes = {"layers": layer, "sources": source, "partial": partial, "accept_crs": accept_crs, "activate": activate, "force": force}
    options: dict[str, Any] = {name: wish for name, wish in wishes.items() if wish}
    if no_wait:
        options["wait"] = False
    with progress_bar("Ingest", quiet=quiet) as progress:
        found = run(database, deployment, sources, root=root, dry_run=dry_run, progress=progress, **options)
    whole = _whole(found, dry_run=dry_run)
    tell(whole, None, as_json=as_json, quiet=quiet)


def _whole(found: list[LayerReport] | IngestReport, *, dry_run: bool) -> IngestReport:
    return found if isinstance(found, IngestReport) else IngestReport(tuple(found), dry_run=dry_run)


def tell(report: IngestReport, page: Path | None, *, as_json: bool, quiet: bool) -> None:
    """Print a report on standard output: as JSON, or for people, or not at all."""
    if as_json:
        sys.stdout.write(json.dumps({"sources": [one.as_json() for one in report.sources]}, ensure_ascii=False, indent=2) + "\n")
    elif not quiet:
        print_report(report, Console(highlight=False), page)
