"""``gisgrid cases``: load files of cases, look at cases, decide a period again."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from gisgrid.cases.categories import Categories
from gisgrid.cases.decision import STATES
from gisgrid.cases.drafts import Reading
from gisgrid.cases.organizations import Organizations
from gisgrid.cases.rule_files import read_rules_file
from gisgrid.cases.rules import RuleSet
from gisgrid.crs import parse_crs
from gisgrid.db import Database, open_database
from gisgrid.db.cases import CaseFilter
from gisgrid.db.cases.period import cases_of_period
from gisgrid.errors import ParameterError
from gisgrid.services.cases.batch import CaseBatch
from gisgrid.services.cases.desk import CaseDesk, open_desk
from gisgrid.services.cases.replay import Difference, replay
from gisgrid.services.cases.rows import open_rows, parse_time
from gisgrid.services.cases.showing import summary_document
from gisgrid.services.options import CrsOption
from gisgrid.services.read_model import ReadModel
from gisgrid.settings import Settings, load_settings

app = typer.Typer(help="Reported cases: take them in, look at them, decide them again.", no_args_is_help=True)

_SUFFIXES = {".csv": "csv", ".tsv": "tsv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".json": "json"}

SinceOption = Annotated[str, typer.Option("--since", help="Reported from then on: a day of the city, or a time with its offset.")]
UntilOption = Annotated[str, typer.Option("--until", help="Reported before then; a day itself is left out.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def _out() -> Console:
    return Console(highlight=False, soft_wrap=True)


def _opened() -> tuple[Settings, Database, ReadModel, CaseDesk]:
    settings = load_settings()
    database = open_database(settings)
    model = ReadModel.load(database, settings)
    model.prepare()
    return settings, database, model, open_desk(database, model, settings.api)


@app.command()
def load(
    file: Annotated[
        Path, typer.Argument(help="CSV, TSV, NDJSON or JSON; columns as the members of POST /cases.", exists=True, dir_okay=False)
    ],
    *,
    crs: CrsOption = None,
    encoding: Annotated[str | None, typer.Option(help="Encoding of the text; by default found out.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Decide, and keep nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Take the cases of a file in; a row with a `number` or `key` makes no case twice."""
    format_ = _SUFFIXES.get(file.suffix.lower())
    if format_ is None:
        raise ParameterError("FILE", f"{file.name} is of no known type.", f"a name that ends with one of {', '.join(_SUFFIXES)}")
    settings, _, _, desk = _opened()
    default = parse_crs(crs).name if crs is not None else settings.default_crs
    rows = open_rows(file.read_bytes(), format_, encoding, str(file))
    taking = CaseBatch(desk, Reading(default, desk.intake.standing.calendar.zone, needs_crs=False), dry_run=dry_run)

    async def take() -> None:
        await desk.open()
        try:
            async for piece in taking.take(rows):
                for one in piece:
                    if as_json:
                        _print_json({"row": one.row, "key": one.key, **(one.document or {"error": str(one.error)})})
                    elif one.error is not None:
                        _out().print(f"row {one.row}: {one.error}", markup=False)
        finally:
            await desk.close()

    asyncio.run(take())
    if not as_json:
        table = Table("outcome", "rows")
        for state, count in sorted(taking.counts.items()):
            table.add_row(state, f"{count:,}")
        _out().print(table)


@app.command("list")
def list_command(
    *,
    state: Annotated[str | None, typer.Option(help=f"One of {', '.join(STATES)}.")] = None,
    grid: Annotated[str | None, typer.Option(help="Code of the grid.")] = None,
    unit: Annotated[str | None, typer.Option(help="Code of the unit.")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those whose deadline is over.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, the newest first.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """Show cases, the newest first."""
    if state is not None and state not in STATES:
        raise ParameterError("--state", f"{state!r} is not known.", f"one of {', '.join(STATES)}")
    state_, unit_, grid_ = ((value,) if value else () for value in (state, unit, grid))
    chosen = CaseFilter(state_, unit_, grid_, overdue=True if overdue else None)
    _, _, _, desk = _opened()

    async def page() -> list[dict[str, Any]]:
        await desk.open()
        try:
            found = await desk.reader.page(chosen, limit)
        finally:
            await desk.close()
        return [summary_document(case, datetime.now(UTC)) for case in found.cases]

    cases = asyncio.run(page())
    if as_json:
        for case in cases:
            _print_json(case)
        return
    table = Table("number", "state", "reported", "category", "grid", "unit", "due")
    for case in cases:
        unit_name = (case["unit"] or {}).get("name", "-")
        grid_code = (case["grid"] or {}).get("code", "-")
        due = (case["due_at"] or "-") + (" !" if case["is_overdue"] else "")
        table.add_row(case["number"], case["state"], case["reported_at"], case["category"]["name"], grid_code, unit_name, due)
    _out().print(table if cases else "There are no such cases.")


@app.command()
def show(number: Annotated[str, typer.Argument(help="Number of the case.")], as_json: JsonOption = False) -> None:
    """Show a case with its reasons and its history."""
    _, _, _, desk = _opened()

    async def read() -> dict[str, Any]:
        await desk.open()
        try:
            return await desk.show(number)
        finally:
            await desk.close()

    case = asyncio.run(read())
    if as_json:
        _print_json(case, indent=True)
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    for name in ("number", "state", "source", "description", "address", "reported_at", "due_at"):
        table.add_row(name, str(case[name] or "-"))
    for name in ("grid", "community", "street", "unit"):
        table.add_row(name, f"{case[name]['code']}  {case[name]['name']}" if case[name] else "-")
    for said in case["reasons"]:
        table.add_row("reason", f"{said['zh']} {said['en']}")
    if case["review"]:
        table.add_row("question", f"{case['review']['question']['zh']} {case['review']['question']['en']}")
    for one in case["history"]:
        table.add_row("history", f"{one['at']}  {one['action']}  {one['reason']}")
    _out().print(table)


@app.command("replay")
def replay_command(
    *,
    since: SinceOption,
    until: UntilOption,
    rules: Annotated[Path | None, typer.Option(help="A CSV file of rules to try, in place of those in force.", exists=True)] = None,
    as_json: JsonOption = False,
) -> None:
    """Decide the cases of a period again in the areas and by the rules of today, and name those that would be different.

    Nothing is changed. Exit code 0, whatever is found.
    """
    _, database, model, desk = _opened()
    zone = desk.intake.standing.calendar.zone
    begin, end = parse_time("--since", since, zone), parse_time("--until", until, zone)
    trial = None if rules is None else _rules(rules, model)
    desk.rules.read()
    world = desk.intake.world(trial)
    looked_at, different = 0, list[Difference]()
    with database.connect() as connection:
        for one in replay(cases_of_period(connection, begin, end), world):
            looked_at += 1
            if one.difference is not None:
                different.append(one.difference)
                if as_json:
                    _print_json(one.difference.as_document())
    if not as_json:
        _print_differences(looked_at, different)


def _print_differences(looked_at: int, different: list[Difference]) -> None:
    table = Table("number", "state", "what", "is", "would be")
    for one in different:
        for name, value in one.before.items():
            table.add_row(one.number, one.state, name, _short(value), _short(one.after[name]))
    if different:
        _out().print(table)
    _out().print(f"{looked_at:,} cases were looked at; {len(different):,} would be different.")


def _rules(path: Path, model: ReadModel) -> RuleSet:
    organizations = Organizations(model.snapshot.organizations)
    return RuleSet(-1, read_rules_file(path, Categories(model.deployment), organizations), path.name)


def _short(value: Any) -> str:
    return f"{value['code']} {value['name']}" if isinstance(value, dict) else str(value or "-")


def _print_json(document: Any, *, indent: bool = False) -> None:
    option = orjson.OPT_APPEND_NEWLINE | (orjson.OPT_INDENT_2 if indent else 0)
    sys.stdout.write(orjson.dumps(document, option=option).decode())
