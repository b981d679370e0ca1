"""The command ``gisgrid ingest inspect``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gisgrid.deployment import load_deployment
from gisgrid.errors import SourceError
from gisgrid.settings import load_settings
from ingest.inspecting.inspecting import Inspection, Options, inspect_files, path_from
from ingest.inspecting.proposal import Inspected
from ingest.inspecting.showing import as_json, show
from ingest.inspecting.writing import description


def inspect(
    files: Annotated[list[Path], typer.Argument(metavar="FILES", help="Files to look at, in any format that can be loaded.")],
    *,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Where to write the source description.")] = None,
    layer: Annotated[str | None, typer.Option(help="Layer that the rows are for, if you know it.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Encoding of the text, if you know it.")] = None,
    crs: Annotated[str | None, typer.Option(help="Coordinate system, if you know it.")] = None,
    deployment_to: Annotated[Path | None, typer.Option(help="Where to write the rules of a new city, made from the files.")] = None,
    as_json_: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Look at unknown files: what they hold, which column is probably what, and a source description to start from.

    Reads the first 100,000 rows of each and no database. What cannot be guessed is marked FILL IN in the description. Exit code 2 when
    a file cannot be read (what the others show is written all the same), or none holds anything that a layer takes.
    """
    deployment = load_deployment(load_settings().deployment)
    found = inspect_files(files, deployment, Options(layer, encoding, crs), deployment_to.stem if deployment_to else None)
    text = description(found.parts, lambda path: path_from(output, path), found.unread)
    if as_json_:
        sys.stdout.write(_json(found, text) + "\n")
    else:
        for part in found.parts:
            show(Console(), part)
    for error in found.unread:
        _tell(f"{error.message} {error.hint}")
    _require_a_source(files, found.parts)
    if found.problem is not None:
        raise found.problem
    if deployment_to is not None:
        _write(deployment_to, found.deployment)
    if output is not None:
        _write(output, text)
    elif not as_json_:
        sys.stdout.write(f"\n{text}")
    if found.unread:
        raise typer.Exit(2)


def _json(found: Inspection, text: str) -> str:
    whole = {
        "parts": [as_json(part) for part in found.parts],
        "unread": [error.message for error in found.unread],
        "description": text,
        "deployment": found.deployment or None,
    }
    return json.dumps(whole, ensure_ascii=False, indent=2)


def _require_a_source(files: list[Path], parts: list[Inspected]) -> None:
    if not any(part.proposals for part in parts):
        reasons = " ".join(dict.fromkeys(part.why_not for part in parts))
        names = ", ".join(map(str, files))
        raise SourceError(f"Nothing in {names} can be loaded as it is. {reasons}", "docs/ingest.md lists the layers and what they take.")


def _write(path: Path, text: str) -> None:
    """Write a new file; one that is there is somebody's work, and stays."""
    try:
        with path.open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        raise SourceError(f"{path} is there already.", "Name another file, or move that one away first.") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be written: {error.strerror or error}.", "Check the folder.") from error
    _tell(f"Written: {path}")


def _tell(text: str) -> None:
    Console(stderr=True).print(text, soft_wrap=True, highlight=False, markup=False)
