"""The commands ``gisgrid ingest`` as they are called, and their page in the docs."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import logging
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer
from typer.main import get_command

from gisgrid import cli, paths
from gisgrid.db import Database
from ingest.checks import CHECKS
from ingest.commands import app
from ingest.description import Rule, Source
from ingest.targets import TARGETS

SOURCE = """
[[sources]]
id = "cameras"
layer = "cameras"
path = "cameras.csv"
crs = "wgs84"
coordinates = { lon = "lon", lat = "lat" }
fields = { code = "code", kind = { constant = "fixed" } }
"""
NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


class Done(NamedTuple):
    """What a command left: its exit code, and what it printed."""

    returncode: int
    stdout: str
    stderr: str


def _environment(folder: Path, url: str) -> dict[str, str]:
    return {"COLUMNS": "80", "GISGRID_DATABASE_URL": url, "GISGRID_HOME": str(folder / "home")}


def process(folder: Path, *arguments: str, url: str = NOWHERE) -> Done:
    """Run the command in a process of its own."""
    command = [sys.executable, "-c", "from gisgrid.cli import main; main()", "ingest", *arguments]
    environment = os.environ | _environment(folder, url)
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


def gisgrid(folder: Path, *arguments: str, url: str = NOWHERE) -> Done:
    """Run the command in this process, which leaves logging as it was."""
    root, out, err, code = logging.getLogger(), io.StringIO(), io.StringIO(), 0
    handlers, level = root.handlers[:], root.level
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["gisgrid", "ingest", *arguments])
        for name, value in _environment(folder, url).items():
            patch.setenv(name, value)
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)
    return Done(code, out.getvalue(), err.getvalue())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sources.toml").write_text(SOURCE)
    (tmp_path / "cameras.csv").write_text("code,lon,lat\nA1,120.38,36.08\nA2,1,2\n")
    return tmp_path


@pytest.fixture
def loaded(folder: Path, database: Database) -> tuple[Path, str]:
    assert gisgrid(folder, "sources.toml", "--quiet", url=database.url).returncode == 0
    return folder, database.url


def test_the_report_is_json_when_asked_for_and_rejected_rows_are_no_failure(folder: Path, database: Database) -> None:
    done = process(folder, "sources.toml", "--json", url=database.url)
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    (source,) = document["sources"]
    assert (source["status"], source["read"], source["loaded"], source["rejected"]) == ("loaded", 2, 1, 1)
    assert source["reasons"] == {"outside_bounds": 1}
    assert document["totals"]["rejected"] == 1
    again = gisgrid(folder, "load", "sources.toml", url=database.url)
    assert again.returncode == 0
    assert "Nothing changed" in again.stdout
    assert "1 row of 2 was rejected" in again.stdout
    assert "gisgrid ingest rejects cameras -o cameras-rejects.csv" in again.stdout


def test_a_dry_run_needs_no_database_and_leaves_a_report(folder: Path) -> None:
    done = gisgrid(folder, "--dry-run", "sources.toml")
    assert (done.returncode, done.stderr) == (0, "")
    assert "outside_bounds" in done.stdout
    assert "nothing was written" in done.stdout
    (page,) = (folder / "home" / "reports").glob("*-dry-run.html")
    assert str(page) in done.stdout
    assert json.loads(page.with_suffix(".json").read_text())["dry_run"] is True


def test_a_database_that_is_down_ends_with_1_and_a_missing_file_with_2(folder: Path) -> None:
    down = gisgrid(folder, "sources.toml")
    assert (down.returncode, down.stdout) == (1, "")
    assert "127.0.0.1:1/none" in down.stderr
    (folder / "cameras.csv").unlink()
    missing = process(folder, "sources.toml")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "cameras.csv" in missing.stderr
    assert "Traceback" not in missing.stderr + down.stderr


def test_quiet_prints_nothing_but_errors_and_json(folder: Path, database: Database) -> None:
    quiet = gisgrid(folder, "sources.toml", "--quiet", url=database.url)
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
    both = gisgrid(folder, "sources.toml", "-q", "--json", url=database.url)
    assert (both.returncode, both.stderr) == (0, "")
    assert json.loads(both.stdout)["sources"][0]["status"] == "unchanged"
    (folder / "cameras.csv").write_text("code,lon,lat\n,120.38,36.08\n")
    refused = gisgrid(folder, "sources.toml", "--quiet", url=database.url)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "All 1 rows" in refused.stderr


def test_the_report_goes_where_it_is_wanted_and_a_place_that_cannot_be_is_an_error(folder: Path) -> None:
    done = gisgrid(folder, "sources.toml", "--dry-run", "--report", "out/page.html")
    assert done.returncode == 0
    assert "out/page.html" in done.stdout
    assert "<svg" in (folder / "out" / "page.html").read_text()
    wrong = gisgrid(folder, "sources.toml", "--dry-run", "--report", "out/page.json")
    assert (wrong.returncode, wrong.stdout, ".html" in wrong.stderr) == (2, "", True)
    shutil.rmtree(folder / "home", ignore_errors=True)
    (folder / "home").mkdir()
    (folder / "home" / "reports").write_text("not a folder")
    in_the_way = gisgrid(folder, "sources.toml", "--dry-run", "--report", "home/reports/page.html")
    assert (in_the_way.returncode, "cannot be written" in in_the_way.stderr) == (2, True)
    by_itself = gisgrid(folder, "sources.toml", "--dry-run")
    assert (by_itself.returncode, "cannot be written" in by_itself.stderr) == (0, True)
    assert "outside_bounds" in by_itself.stdout


def test_runs_are_listed_and_shown_again(loaded: tuple[Path, str]) -> None:
    folder, url = loaded
    listed = gisgrid(folder, "runs", url=url)
    assert listed.returncode == 0
    assert re.search(r"^1 .* cameras +loaded +2 +1 +1 ", listed.stdout, re.MULTILINE), listed.stdout
    assert json.loads(gisgrid(folder, "runs", "--json", url=url).stdout)[0]["outcome"] == "loaded"
    for name in ("1", "last", "cameras"):
        shown = gisgrid(folder, "show", name, "--report", f"{name}.html", url=url)
        assert (shown.returncode, "1 row of 2 was rejected" in shown.stdout) == (0, True)
        assert "outside_bounds" in (folder / f"{name}.html").read_text()
    again = json.loads(gisgrid(folder, "show", "last", "--json", url=url).stdout)["sources"][0]
    assert again["examples"]["outside_bounds"][0]["row_number"] == 2


def test_a_run_that_failed_is_shown_with_the_reason_and_its_bad_rows_come_back(folder: Path, database: Database) -> None:
    (folder / "cameras.csv").write_text("code,lon,lat\n,120.38,36.08\n")
    failed = gisgrid(folder, "sources.toml", url=database.url)
    assert (failed.returncode, "All 1 row" in failed.stderr, "Failed: cameras" in failed.stdout) == (2, True, True)
    shown = gisgrid(folder, "show", "cameras", url=database.url)
    assert (shown.returncode, "All 1 row" in shown.stdout, "required" in shown.stdout) == (0, True, True)
    assert "failed" in gisgrid(folder, "runs", url=database.url).stdout
    assert gisgrid(folder, "rejects", "cameras", "-o", "back.csv", url=database.url).returncode == 0
    assert (folder / "back.csv").exists()


def test_an_interrupted_run_is_called_that(loaded: tuple[Path, str], database: Database) -> None:
    folder, url = loaded
    with database.connect() as connection:
        connection.execute("INSERT INTO gisgrid.ingest_runs (source_id, layer, path, status) VALUES ('x', 'cameras', 'x.csv', 'failed')")
    assert "interrupted" in gisgrid(folder, "runs", url=url).stdout


def test_bad_rows_come_back_as_a_file_and_a_run_that_is_not_there_is_named(loaded: tuple[Path, str]) -> None:
    folder, url = loaded
    done = gisgrid(folder, "rejects", "last", "-o", "back.csv", url=url)
    assert (done.returncode, done.stdout) == (0, "back.csv: 1 rejected row of cameras, run 1.\n")
    with (folder / "back.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["code"] for row in csv.DictReader(file)] == ["A2"]
    again = gisgrid(folder, "rejects", "last", "-o", "back.csv", url=url)
    assert (again.returncode, "exists already" in again.stderr) == (2, True)
    none = gisgrid(folder, "repairs", "cameras", "-o", "repairs.csv", url=url)
    assert (none.returncode, "no repaired rows" in none.stdout) == (0, True)
    assert not (folder / "repairs.csv").exists()
    for name, said in (("99", "no ingest run 99"), ("covers", "Sources: cameras")):
        missing = gisgrid(folder, "rejects", name, "-o", "none.csv", url=url)
        assert (missing.returncode, said in missing.stderr) == (2, True)


def test_a_source_lets_go_of_its_rows(loaded: tuple[Path, str], database: Database) -> None:
    folder, url = loaded
    done = gisgrid(folder, "release", "cameras", url=url)
    assert (done.returncode, "cameras: 1 row" in done.stdout) == (0, True)
    with database.connect() as connection:
        assert connection.execute("SELECT source_id FROM gisgrid.cameras").fetchall() == [(None,)]
    assert gisgrid(folder, "release", "cameras", url=url).returncode == 2


def test_help_shows_the_short_form_and_the_commands_and_a_slip_is_named(folder: Path) -> None:
    shown = gisgrid(folder, "--help").stdout
    assert "SOURCES.toml" in shown
    assert all(name in shown for name in ("load", "inspect", "runs", "show", "rejects", "repairs", "release"))
    slip = gisgrid(folder, "reject", "1")
    assert (slip.returncode, "'rejects'" in slip.stderr) == (2, True)
    file = gisgrid(folder, "nothing.toml", "--dry-run")
    assert (file.returncode, "There is no source description nothing.toml" in file.stderr) == (2, True)


def _commands() -> dict[str, Any]:
    group: Any = get_command(app)
    context = typer.Context(group)
    return {name: group.get_command(context, name) for name in group.list_commands(context)}


def test_every_command_and_option_is_in_the_docs() -> None:
    root = paths.checkout()
    assert root is not None
    docs = (root / "docs" / "commands.md").read_text(encoding="utf-8")
    found = _commands()
    assert {"load", "inspect", "runs", "show", "rejects", "repairs", "release"} <= set(found)
    assert [name for name in found if name != "load" and f"gisgrid ingest {name}" not in docs] == []
    options = {option for command in found.values() for parameter in command.params for option in parameter.opts if option.startswith("--")}
    assert {"--activate", "--output", "--report"} <= options
    assert sorted(option for option in options - {"--help"} if option not in docs) == []


def test_the_docs_tell_every_key_field_and_check() -> None:
    root = paths.checkout()
    assert root is not None
    docs = (root / "docs" / "ingest.md").read_text(encoding="utf-8")
    keys = [(name, field.description or "?") for model in (Source, Rule) for name, field in model.model_fields.items()]
    keys += [(check.code, check.description) for check in CHECKS.values()]
    assert [name for name, description in keys if f"| `{name}` |" not in docs or description not in docs] == []
    fields = [(target.id, field) for target in TARGETS.values() for field in target.all_fields]
    assert [(id, field) for id, field in fields if f"`{field}`" not in docs] == []


def test_an_interrupted_load_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ingest.load_command.run", interrupted)
    done = gisgrid(tmp_path, "sources.toml", "--dry-run")
    assert done.returncode == 130
    assert "gisgrid: interrupted." in done.stderr
    assert "Traceback" not in done.stderr
