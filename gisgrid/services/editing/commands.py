"""``gisgrid editors``: who may edit over HTTP, and what was edited."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from gisgrid.db import open_database
from gisgrid.db.editors import Edit, add_editor, list_editors, log_of_edits, revoke_editor
from gisgrid.layers import layer as layer_of
from gisgrid.settings import load_settings

app = typer.Typer(help="Who may edit over HTTP, and what was edited by hand.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(help="Name of the editor, as it appears in the log of edits.")]
_SHOWN = 60


def _out() -> Console:
    return Console(highlight=False, soft_wrap=True)


@app.command()
def add(name: NameArgument, renew: Annotated[bool, typer.Option("--renew", help="Give an editor a new token.")] = False) -> None:
    """Let somebody edit; print the token, which is shown this once."""
    with open_database(load_settings()).connect() as connection:
        token = add_editor(connection, name, renew=renew)
    _out().print(f"{name} may edit now. The token, which takes the place of a password, is shown this once:", markup=False)
    print(token)


@app.command("list")
def list_command() -> None:
    """Show all who may edit, or once might."""
    with open_database(load_settings()).connect() as connection:
        editors = list_editors(connection)
    table = Table("name", "since", "revoked", "last edit", "edits")
    for one in editors:
        table.add_row(one.name, *(_minute(at) for at in (one.added_at, one.revoked_at, one.last_edit_at)), f"{one.edits:,}")
    _out().print(table if editors else "There are no editors. `gisgrid editors add NAME` makes one.")


@app.command()
def revoke(name: NameArgument) -> None:
    """Let somebody edit no more, from the next request on; what they did stays in the log."""
    with open_database(load_settings()).connect() as connection:
        revoke_editor(connection, name)
    _out().print(f"{name} may not edit any more.", markup=False)


@app.command()
def log(
    *,
    editor: Annotated[str | None, typer.Option(help="Only what this editor did.")] = None,
    layer: Annotated[str | None, typer.Option(help="Only edits of this layer.")] = None,
    code: Annotated[str | None, typer.Option(help="Only edits of features with this code.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many edits, the newest first.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object for each edit, with all that changed.")] = False,
) -> None:
    """Show what was edited by hand: over HTTP, in QGIS, in psql."""
    if layer is not None and layer != "components":
        layer_of(layer)
    with open_database(load_settings()).connect() as connection:
        edits = log_of_edits(connection, limit, editor, layer, code)
    if as_json:
        for edit in edits:
            print(json.dumps({**edit._asdict(), "edited_at": edit.edited_at.isoformat()}, ensure_ascii=False))
        return
    table = Table("when", "who", "with", "layer", "action", "feature", "what")
    for edit in edits:
        feature = edit.code or (f"{edit.rows:,} rows" if edit.feature_id is None else str(edit.feature_id))
        table.add_row(_minute(edit.edited_at), edit.editor, edit.application, edit.layer, edit.action, feature, _what(edit))
    _out().print(table)


def _minute(at: Any) -> str:
    return "" if at is None else f"{at.astimezone():%Y-%m-%d %H:%M}"


def _what(edit: Edit) -> str:
    """Return the changed fields with their values before and after; of what came or went, nothing."""
    if edit.before is None or edit.after is None:
        return ""
    pairs = [f"{name}: {_short(name, edit.before.get(name))} > {_short(name, edit.after.get(name))}" for name in edit.after]
    return "; ".join(pairs)


def _short(name: str, value: object) -> str:
    if name == "geom":
        return "a place"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
