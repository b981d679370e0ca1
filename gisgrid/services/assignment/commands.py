"""``gisgrid rules``: the rules of assignment listed, exported, imported as a new version, tried on past cases."""

from __future__ import annotations

import sys
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Column, Table

from gisgrid.cases.calendar import calendar_of
from gisgrid.cases.categories import Categories
from gisgrid.cases.deadlines import MOST, UNIT_TITLES, Limit, due_at, unit_named
from gisgrid.cases.organizations import Organizations
from gisgrid.cases.rule_files import read_rules_file, shipped_rules, write_rules
from gisgrid.cases.rules import Rule, RuleSet
from gisgrid.db import Database, open_database
from gisgrid.db.assignment_rules import add_rules, organization_codes, read_rules_of, rule_versions
from gisgrid.db.cases.period import cases_of_period
from gisgrid.deployment import Deployment, load_deployment
from gisgrid.errors import ParameterError
from gisgrid.geocoding import Geocoding
from gisgrid.services.assignment.dry_run import Summary, Tried, try_rules
from gisgrid.services.cases.world import SnapshotWorld, Standing
from gisgrid.services.read_model import ReadModel
from gisgrid.settings import load_settings

app = typer.Typer(help="Rules of assignment: which unit has to act on a case, and until when.", no_args_is_help=True)

VersionArgument = Annotated[int | None, typer.Argument(help="Version of the rules.", show_default="the last, which holds")]
FileArgument = Annotated[Path, typer.Argument(help="CSV file of rules, as `gisgrid rules export` writes it.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
NoteOption = Annotated[str, typer.Option("--note", help="Why there are other rules; kept with the version.")]
ByOption = Annotated[str | None, typer.Option("--by", help="Who made them.", show_default="the user of the database")]
OutOption = Annotated[Path | None, typer.Option("--output", "-o", help="File to write.", show_default="standard output")]
CheckOption = Annotated[bool, typer.Option("--check", help="Only say whether the file could be imported.")]
SinceOption = Annotated[str | None, typer.Option("--since", help="From this day or time on, in the time of the city.")]
UntilOption = Annotated[str | None, typer.Option("--until", help="Before this day or time.")]
ShownOption = Annotated[int, typer.Option("--limit", min=0, help="Name at most so many cases; all are counted.")]

_FIRST = "the database has no rules yet: these are the ones to begin with"


@app.command("list")
def list_command(*, as_json: JsonOption = False) -> None:
    """Show the versions of the rules, the newest first; the newest holds."""
    with open_database(load_settings()).connect() as connection:
        versions = rule_versions(connection)
    if as_json:
        _print_json([{**one._asdict(), "created_at": one.created_at.isoformat()} for one in versions])
        return
    table = Table("version", "made", "by", "rules", "note")
    for one in versions:
        table.add_row(str(one.version), f"{one.created_at.astimezone():%Y-%m-%d %H:%M}", one.created_by, str(one.rules), one.note)
    _out().print(table if versions else f"{_FIRST.capitalize()}; `gisgrid rules show` shows them.")


@app.command()
def show(version: VersionArgument = None) -> None:
    """Show the rules of a version in the order in which they are tried."""
    found = _rules(open_database(load_settings()), load_deployment(load_settings().deployment), version)
    table = Table("rule", "for", "units", "limit", "note")
    for rule in found.rules:
        limit = "" if rule.limit is None else rule.limit.said().zh
        table.add_row(str(rule.number), _conditions(rule), " > ".join(rule.units), limit, rule.note)
    table.title = f"Version {found.version}" if found.version else _FIRST
    _out().print(table)


@app.command()
def export(
    version: VersionArgument = None,
    *,
    output: OutOption = None,
    bom: Annotated[bool, typer.Option("--bom", help="Begin with a byte-order mark, by which spreadsheets know UTF-8.")] = False,
) -> None:
    """Write the rules of a version as a CSV file, to be edited and imported."""
    text = write_rules(_rules(open_database(load_settings()), load_deployment(load_settings().deployment), version).rules)
    content = text.encode("utf-8-sig" if bom else "utf-8")
    if output is None:
        sys.stdout.buffer.write(content)
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        raise ParameterError("--output", f"{output} cannot be written: {error.strerror}.", "a file in a folder that exists") from error


@app.command("import")
def import_command(file: FileArgument, *, note: NoteOption = "", by: ByOption = None, check: CheckOption = False) -> None:
    """Make the rules of a file a new version, which holds from now on; nothing changes when anything in it is wrong."""
    database = open_database(load_settings())
    rules = _read(file, database, load_deployment(load_settings().deployment))
    with database.connect() as connection:
        last = read_rules_of(connection)
        if last is not None and last.rules == rules:
            _out().print(f"These are the {len(rules)} rules of version {last.version} already.")
        elif check:
            _out().print(f"The {len(rules)} rules of {file.name} can be imported.", markup=False)
        else:
            version = add_rules(connection, rules, note or file.name, by)
            _out().print(f"Version {version} with {len(rules)} rules holds now.")


@app.command()
def restore(version: Annotated[int, typer.Argument(help="Version of the rules.")], *, note: NoteOption = "", by: ByOption = None) -> None:
    """Make the rules of an earlier version a new one, which holds from now on."""
    with open_database(load_settings()).connect() as connection:
        earlier, last = read_rules_of(connection, version), read_rules_of(connection)
        assert earlier is not None
        if last is not None and last.rules == earlier.rules:
            _out().print(f"Version {last.version}, which holds, has the rules of version {version}.")
            return
        added = add_rules(connection, earlier.rules, note or f"as version {version}", by)
    _out().print(f"Version {added} with the rules of version {version} holds now.")


@app.command("dry-run")
def dry_run(
    file: FileArgument,
    *,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: ShownOption = 50,
    as_json: JsonOption = False,
) -> None:
    """Try the rules of a file on past cases: which would go to another unit, or have another deadline. Nothing is changed."""
    settings = load_settings()
    database = open_database(settings)
    model = ReadModel.load(database, settings)
    standing = Standing.of(model.deployment)
    holding = _rules(database, model.deployment, None)
    trying = RuleSet(0, _read(file, database, model.deployment))
    before, after = (SnapshotWorld(model.snapshot, standing, rules, _no_address) for rules in (holding, trying))
    summary, shown = Summary(), list[Tried]()
    zone = standing.calendar.zone
    with database.connect() as connection:
        kept = cases_of_period(connection, _instant("--since", since, zone), _instant("--until", until, zone))
        for one in summary.passed(try_rules(kept, before, after)):
            if len(shown) < limit:
                shown.append(one)
    if as_json:
        _print_json({"rules_version": holding.version, **summary.document(), "differing": [one.document() for one in shown]})
        return
    _print_summary(summary, shown, trying.rules)


@app.command()
def deadline(
    start: Annotated[str, typer.Argument(help="When the case is reported, in the time of the city: 2026-09-30T17:00.")],
    value: Annotated[int, typer.Argument(min=1, max=MOST, help="How many.")],
    unit: Annotated[str, typer.Argument(help="Of what: 紧急工作时, 工作时, 工作日, 自然日, or urgent_hours, working_hours and so on.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Say until when a case has to be dealt with, and why."""
    calendar = calendar_of(load_deployment(load_settings().deployment))
    found_unit, begun = unit_named(unit), _instant("START", start, calendar.zone)
    if found_unit is None or begun is None:
        raise ParameterError(
            "UNIT", f"there is no unit {unit[:40]!r}.", ", ".join(f"{said.zh} ({name})" for name, said in UNIT_TITLES.items())
        )
    try:
        found = due_at(begun, Limit(value, found_unit), calendar)
    except OverflowError:
        raise ParameterError("START", f"{start[:40]!r} is too late.", "a time from which one can count so far") from None
    if as_json:
        _print_json(found.document())
        return
    _out().print(f"{found.due_at:%Y-%m-%d %H:%M:%S} {found.due_at:%A}")
    for why in found.why:
        _out().print(f"  {why.zh} {why.en}")


def _rules(database: Database, deployment: Deployment, version: int | None) -> RuleSet:
    """Return a version of the rules; where there is none yet, those to begin with."""
    with database.connect() as connection:
        return read_rules_of(connection, version) or shipped_rules(deployment)


def _read(file: Path, database: Database, deployment: Deployment) -> tuple[Rule, ...]:
    with database.connect() as connection:
        codes = organization_codes(connection)
    if not codes:
        Console(stderr=True).print("There are no organisations yet: whether those that the rules name exist is not checked.")
    return read_rules_file(file, Categories(deployment), Organizations(codes) if codes else None)


def _instant(name: str, text: str | None, zone: tzinfo) -> datetime | None:
    """Return the instant of a day or a time, in the zone if it names no offset."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ParameterError(name, f"{text[:40]!r} is no day and no time.", "2026-11-02 or 2026-11-02T08:00") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=zone)


def _conditions(rule: Rule) -> str:
    """Return for which cases a rule is."""
    told = "|".join((*rule.words, *rule.states))
    parts = [
        rule.kind or "any",
        " ".join(rule.classes),
        f"with {told}" if told else "",
        f"without {'|'.join(rule.without)}" if rule.without else "",
        f"in {' '.join(rule.areas)}" if rule.areas else "",
    ]
    return ", ".join(part for part in parts if part)


def _print_summary(summary: Summary, shown: list[Tried], rules: tuple[Rule, ...]) -> None:
    out = _out()
    out.print(
        f"{summary.cases:,} cases: {summary.units:,} would go to another unit, {summary.deadlines:,} would have another deadline,"
        f" {summary.without_unit:,} no unit."
    )
    for title, counter in (("unit", summary.moves), ("limit", summary.limits)):
        table = Table(f"{title} by the rules that hold", f"{title} by the file", "cases")
        for (before, after), count in counter.most_common():
            table.add_row(before or "none", after or "none", f"{count:,}")
        if counter:
            out.print(table)
    idle = [str(rule.number) for rule in rules if rule.number not in summary.asked]
    if idle and summary.cases:
        out.print(f"Rules that no case came to: {', '.join(idle)}.")
    if shown:
        table = Table(Column("case", no_wrap=True), "about", "unit before", "after", "due before", "after")
        for one in shown:
            units = (side.unit.name if side.unit is not None else "none" for side in (one.before, one.after))
            dues = (f"{side.due_at:%m-%d %H:%M}" if side.due_at is not None else "none" for side in (one.before, one.after))
            table.add_row(f"{one.number}{' *' if one.by_hand else ''}", one.category, *units, *dues)
        out.print(table)
        if summary.differing > len(shown):
            out.print(f"And {summary.differing - len(shown):,} more; --limit names them.")
        if any(one.by_hand for one in shown):
            out.print("* A person has named the unit of this case: rules do not change that.")


def _no_address(address: str) -> Geocoding:
    """Stand in for the geocoder: in a dry run every place is known already."""
    return Geocoding(address, None)


def _print_json(document: object) -> None:
    sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode())


def _out() -> Console:
    return Console(highlight=False, soft_wrap=True)
