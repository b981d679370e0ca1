"""``gisgrid areas``: the generations of areas listed, checked, compared, put into service and taken back."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from rich.console import Console
from rich.text import Text

from gisgrid.db import Database, open_database
from gisgrid.db.database import transaction
from gisgrid.db.generations import Generation, activate, drop_draft, find_generation, list_generations, rollback
from gisgrid.db.periods import note_on, read_periods
from gisgrid.db.records import Issue
from gisgrid.deployment import load_deployment
from gisgrid.errors import ParameterError, UsageError
from gisgrid.layers import AREA_LAYERS
from gisgrid.progress import progress_bar
from gisgrid.settings import Settings, load_settings
from ingest.generations.cases import read_cases
from ingest.generations.check import Diff, check_generation, check_within, compare
from ingest.generations.documents import counts_of, diff_document, generation_document, issue_document, require_writable, write_pieces
from ingest.generations.lines import generation_lines, issue_lines, level_lines, summary_table
from ingest.report import counted, print_plain
from ingest.report.text import wrapped

app = typer.Typer(
    help="Generations of areas: list, check, compare, activate, roll back.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

_NONE_YET = UsageError("There are no areas in the database yet.", "Load some with `gisgrid ingest`.")
_GLUE = "\ue000"  # of private use: stands for a space at which no line ends

JsonOption = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]


class _Known(NamedTuple):
    """The generations there are, newest first."""

    database: Database
    generations: list[Generation]

    def of_status(self, status: str) -> Generation | None:
        """Return the newest generation of a status."""
        return next((found for found in self.generations if found.status == status), None)


def _known(settings: Settings) -> _Known:
    database = open_database(settings)
    with database.connect() as connection:
        return _Known(database, list_generations(connection))


def _chosen(known: _Known, number: int | None, *statuses: str) -> Generation:
    """Return the generation of a number, or without one the newest of the first status that there is."""
    if number is not None:
        with known.database.connect() as connection:
            return find_generation(connection, number)
    if not known.generations:
        raise _NONE_YET
    for status in statuses:
        if found := known.of_status(status):
            return found
    raise UsageError(
        f"There is no {' or '.join(statuses)} generation of the areas.",
        "`gisgrid areas list` shows what there is; `gisgrid ingest` loads a draft.",
    )


def _out() -> Console:
    return Console(highlight=False, markup=False)


def _print_lines(lines: Iterable[str]) -> None:
    out = _out()
    for line in lines:
        out.print(Text(line), soft_wrap=True)


def _say(words: str) -> None:
    """Print a sentence; a command in it stays on one line, to be copied."""
    whole = re.sub("`[^`]*`", lambda found: found[0].replace(" ", _GLUE), words)
    _print_lines(line.replace(_GLUE, " ") for line in wrapped(whole))


def _print_json(document: Any) -> None:
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the generations, newest first: status, when they were served, how many areas and issues they have."""
    known = _known(load_settings())
    with known.database.connect() as connection:
        periods = read_periods(connection)
    if as_json:
        served = {found.id: [period for period in periods if period.generation == found.id] for found in known.generations}
        _print_json({"generations": [generation_document(found, served[found.id]) for found in known.generations]})
        return
    for found in known.generations:
        _print_lines([*generation_lines(found, periods), ""])
    if not known.generations:
        _say(f"{_NONE_YET.message} {_NONE_YET.hint}")


@app.command()
def check(
    generation: Annotated[int | None, typer.Argument(help="Its number.", show_default="the draft, else the one that is served")] = None,
    as_json: JsonOption = False,
) -> None:
    """Check the topology of a generation and keep what was found in the layer quality_issues.

    Exit code 0 also when there are errors: they keep the generation from being activated.
    """
    settings = load_settings()
    known = _known(settings)
    found = _chosen(known, generation, "draft", "active")
    issues = _checked(known.database, settings, found)
    if as_json:
        counts = [{"severity": key[0], "code": key[1], "layer": key[2], "count": count} for key, count in counts_of(issues).items()]
        _print_json(
            {"generation": found.id, "status": found.status, "counts": counts, "issues": [issue_document(issue) for issue in issues]}
        )
        return
    _print_lines(issue_lines(issues))
    _say(_verdict(found, issues))


def _checked(database: Database, settings: Settings, found: Generation) -> list[Issue]:
    with progress_bar(f"Checking generation {found.id}"):
        return check_generation(database, load_deployment(settings.deployment), found.id)


def _verdict(found: Generation, issues: list[Issue]) -> str:
    kept = "; they are in the layer quality_issues" if issues else ""
    words = f"Generation {found.id} ({found.status}) has {_counted(issues)}{kept}."
    if found.status == "active":
        return words
    if any(issue.severity == "error" for issue in issues):
        return f"{words} Mend the file and load it again, or `gisgrid areas activate {found.id} --force`."
    return f"{words} Next: `gisgrid areas diff`, then `gisgrid areas activate {found.id}`."


def _counted(issues: list[Issue]) -> str:
    if not issues:
        return "no issues"
    errors = sum(issue.severity == "error" for issue in issues)
    return f"{counted(errors, 'error')} and {counted(len(issues) - errors, 'warning')}"


@app.command()
def diff(
    old: Annotated[int | None, typer.Argument(help="Number of the one before.", show_default="the one that is served")] = None,
    new: Annotated[int | None, typer.Argument(help="Number of the one after.", show_default="the draft")] = None,
    *,
    level: Annotated[str | None, typer.Option(help=f"Only one layer: {', '.join(layer.id for layer in AREA_LAYERS.values())}.")] = None,
    cases: Annotated[Path | None, typer.Option(help="CSV file that `gisgrid batch` wrote: whose cases get another area?")] = None,
    days: Annotated[float, typer.Option(help="How many days the cases are of.")] = 1.0,
    target: Annotated[Path | None, typer.Option("-o", "--output", help="Write the land that changes hands: .geojson or .gpkg.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what differs between two generations, and what changes hands: land, components, cameras, buildings and cases."""
    if not 0.0 < days < float("inf"):
        raise ParameterError("days", f"{days} is no number of days.", "a number above 0")
    if target is not None:
        require_writable(target)
    followed = read_cases(cases) if cases else None
    settings = load_settings()
    known = _known(settings)
    before, after = _chosen(known, old, "active"), _chosen(known, new, "draft")
    with progress_bar("Comparing"):
        found = _only(compare(known.database, load_deployment(settings.deployment), before.id, after.id, cases=followed, days=days), level)
    if target is not None:
        written = write_pieces(found, target)
        Console(stderr=True, highlight=False, markup=False).print(f"{target}: {written:,} pairs of areas between which land changes hands.")
    if as_json:
        _print_json(diff_document(found))
    else:
        _print_diff(found, before, after)


def _only(found: Diff, level: str | None) -> Diff:
    """Return a difference without all levels but one, which may be called by its layer or by its own name."""
    if level is None:
        return found
    wanted = {name: key for key, layer in AREA_LAYERS.items() for name in (layer.id, key)}.get(level)
    if wanted is None:
        raise ParameterError("level", f"there is no {level!r}.", f"one of {', '.join(layer.id for layer in AREA_LAYERS.values())}")
    return found._replace(levels=tuple(part for part in found.levels if part.level == wanted))


def _print_diff(found: Diff, before: Generation, after: Generation) -> None:
    _say(f"From generation {before.id} ({before.status}) to generation {after.id} ({after.status}):")
    print_plain([summary_table(found)], _out())
    if found.is_empty:
        _say("They are the same.")
        return
    for level in found.levels:
        if lines := list(level_lines(found, level)):
            _print_lines([*lines, ""])
    if after.status == "draft":
        _say(f"Next: `gisgrid areas check {after.id}`, then `gisgrid areas activate {after.id}`.")


@app.command("activate")
def activate_(
    generation: Annotated[int | None, typer.Argument(help="Its number.", show_default="the draft")] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Activate it although it has errors.")] = False,
    note: Annotated[str | None, typer.Option(help="Why, for those who read the list later.")] = None,
) -> None:
    """Check a generation and serve it from now on, in one transaction; refused when it has errors, unless forced.

    The one that is served now is kept, answers lookups with as_of, and can be rolled back to.
    """
    settings = load_settings()
    known = _known(settings)
    chosen = _chosen(known, generation, "draft")
    served = known.of_status("active")
    if chosen.status == "active":
        raise UsageError(f"Generation {chosen.id} is served already.", "`gisgrid areas list` shows all.")
    _refuse_errors(chosen, _checked(known.database, settings, chosen), force)
    if served is not None:
        with progress_bar("Comparing"):
            found = compare(known.database, load_deployment(settings.deployment), served.id, chosen.id)
        _say(f"From generation {served.id} to generation {chosen.id}:")
        print_plain([summary_table(found)], _out())
    with known.database.connect() as connection, transaction(connection):
        activate(connection, chosen.id, force=force)
        if note:
            note_on(connection, chosen.id, note)
    back = f" `gisgrid areas rollback` goes back to generation {served.id}." if served else ""
    _say(f"Generation {chosen.id} is served from now on.{back}")


def _refuse_errors(chosen: Generation, issues: list[Issue], force: bool) -> None:
    errors = Counter(issue.code for issue in issues if issue.severity == "error")
    if errors and not force:
        listed = ", ".join(f"{count:,} {code}" for code, count in errors.most_common())
        raise UsageError(
            f"Generation {chosen.id} has {errors.total():,} errors and was not activated: {listed}.",
            f"`gisgrid areas check {chosen.id}` shows them, the layer quality_issues their places. Mend the file and load it again, or "
            "use --force.",
        )


@app.command("rollback")
def rollback_(
    to: Annotated[int | None, typer.Option(help="Number of a generation that was served.", show_default="the one before")] = None,
) -> None:
    """Serve again what was served before, in one transaction, and check it; the present generation is kept.

    It is served whatever is wrong with it: the issues are kept in the layer quality_issues.
    """
    settings = load_settings()
    known = _known(settings)
    served = known.of_status("active")
    if to is not None and _chosen(known, to).status == "draft":
        raise UsageError(f"Generation {to} is a draft that was never served.", f"`gisgrid areas activate {to}` checks and activates it.")
    deployment = load_deployment(settings.deployment)
    with progress_bar("Rolling back"), known.database.connect() as connection, transaction(connection):
        now = rollback(connection) if to is None else activate(connection, to)
        issues = check_within(connection, deployment, now.id)
    undo = f" `gisgrid areas activate {served.id}` undoes this." if served else ""
    _say(f"Generation {now.id} is served again from now on, with {_counted(issues)}.{undo}")


@app.command()
def drop(
    generation: Annotated[int | None, typer.Argument(help="Its number.", show_default="the draft")] = None,
) -> None:
    """Throw a draft away; what is or was served stays."""
    known = _known(load_settings())
    found = _chosen(known, generation, "draft")
    with known.database.connect() as connection:
        drop_draft(connection, found.id)
    _say(f"Draft {found.id} was thrown away. What is served stays as it is.")
