"""The command and its page in the docs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gisgrid import paths
from gisgrid.db import Database
from ingest.checks import CHECKS
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


def gisgrid(folder: Path, *arguments: str, url: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "200", **({"GISGRID_DATABASE_URL": url} if url else {})}
    command = [sys.executable, "-c", "from gisgrid.cli import main; main()", "ingest", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sources.toml").write_text(SOURCE)
    (tmp_path / "cameras.csv").write_text("code,lon,lat\nA1,120.38,36.08\nA2,0,0\n")
    return tmp_path


def test_the_report_is_json_when_asked_for_and_rejected_rows_are_no_failure(folder: Path, database: Database) -> None:
    done = gisgrid(folder, "sources.toml", "--json", url=database.url)
    assert (done.returncode, done.stderr) == (0, "")
    (source,) = json.loads(done.stdout)["sources"]
    assert (source["status"], source["read"], source["loaded"], source["rejected"]) == ("loaded", 2, 1, 1)
    assert source["reasons"] == {"outside_bounds": 1}
    again = gisgrid(folder, "sources.toml", url=database.url)
    assert again.returncode == 0
    assert "Nothing changed" in again.stdout
    assert "1 rows were rejected" in again.stdout


def test_a_dry_run_needs_no_database(folder: Path) -> None:
    done = gisgrid(folder, "sources.toml", "--dry-run", url="postgresql://nobody@127.0.0.1:1/none")
    assert (done.returncode, done.stderr) == (0, "")
    assert "outside_bounds" in done.stdout
    assert "nothing was written" in done.stdout


def test_a_database_that_is_down_ends_with_1_and_a_missing_file_with_2(folder: Path) -> None:
    down = gisgrid(folder, "sources.toml", url="postgresql://nobody@127.0.0.1:1/none")
    assert (down.returncode, down.stdout) == (1, "")
    assert "127.0.0.1:1/none" in down.stderr
    (folder / "cameras.csv").unlink()
    missing = gisgrid(folder, "sources.toml", url="postgresql://nobody@127.0.0.1:1/none")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "cameras.csv" in missing.stderr
    assert "Traceback" not in missing.stderr + down.stderr


def test_the_docs_tell_every_key_field_and_check() -> None:
    root = paths.checkout()
    assert root is not None
    docs = (root / "docs" / "ingest.md").read_text(encoding="utf-8")
    keys = [(name, field.description or "?") for model in (Source, Rule) for name, field in model.model_fields.items()]
    keys += [(check.code, check.description) for check in CHECKS.values()]
    assert [name for name, description in keys if f"| `{name}` |" not in docs or description not in docs] == []
    fields = [(target.id, field) for target in TARGETS.values() for field in target.all_fields]
    assert [(id, field) for id, field in fields if f"`{field}`" not in docs] == []
