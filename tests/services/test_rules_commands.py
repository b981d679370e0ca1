"""``gisgrid rules`` as it is typed: versions come and go forward only, and a dry run names what would differ."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gisgrid.cases.rule_files import shipped_rules
from gisgrid.db import Database
from gisgrid.db.assignment_rules import read_rules_of, rule_versions
from gisgrid.deployment import load_deployment
from tests.services.conftest import Run

RULES = shipped_rules(load_deployment("shibei")).rules


@pytest.fixture
def run(database: Database, run_on: Callable[[Database], Run]) -> Run:
    return run_on(database)


def done(outcome: tuple[int, str, str]) -> str:
    code, out, err = outcome
    assert (code, err) == (0, "")
    return out


def exported(run: Run, path: Path, *version: str) -> list[dict[str, str]]:
    done(run("rules", "export", *version, "-o", str(path)))
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def written(path: Path, rows: list[dict[str, str]]) -> str:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def without_names(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Rules that name no organisation: the town has none of the sample's."""
    return [{**row, "units": "|".join(word for word in row["units"].split("|") if "市北区" not in word)} for row in rows]


def test_rules_are_exported_changed_imported_and_restored(run: Run, database: Database, tmp_path: Path) -> None:
    assert "no rules yet" in done(run("rules", "list"))
    rows = exported(run, tmp_path / "a.csv")
    assert [row["number"] for row in rows] == [str(rule.number) for rule in RULES]
    rows[0]["note"] = "改过"
    code, out, err = run("rules", "import", written(tmp_path / "b.csv", rows), "--note", "first", "--by", "王科长")
    assert (code, out) == (0, f"Version 1 with {len(RULES)} rules holds now.\n")
    assert "no organisations yet" in err
    assert "rules of version 1 already" in run("rules", "import", str(tmp_path / "b.csv"))[1]
    assert "holds now" in run("rules", "import", str(tmp_path / "a.csv"))[1]
    assert exported(run, tmp_path / "c.csv", "1") == rows
    assert done(run("rules", "restore", "1")) == "Version 3 with the rules of version 1 holds now.\n"
    assert "has the rules of version 1" in done(run("rules", "restore", "1"))
    listed = json.loads(done(run("rules", "list", "--json")))
    assert [(one["version"], one["note"], one["created_by"] == "王科长") for one in listed] == [
        (3, "as version 1", False),
        (2, "a.csv", False),
        (1, "first", True),
    ]
    shown = done(run("rules", "show", "1"))
    assert "改过" in shown
    assert "Version 1" in shown


def test_a_file_with_mistakes_changes_nothing(run: Run, database: Database, tmp_path: Path) -> None:
    with database.connect() as connection:
        connection.execute("INSERT INTO gisgrid.organizations (code, name) VALUES ('D4', '市北区城市管理局')")
    rows = exported(run, tmp_path / "a.csv")
    rows[0]["classes"] = "unknwn"
    code, out, err = run("rules", "import", written(tmp_path / "b.csv", rows))
    assert (code, out) == (2, "")
    assert "line 2: classes: there is no class of components 'unknwn'" in err
    assert "there is no organisation '市北区应急管理局'" in err
    rows[0]["classes"] = "unknown"
    good = written(tmp_path / "c.csv", without_names(rows))
    assert "can be imported" in done(run("rules", "import", good, "--check"))
    with database.connect() as connection:
        assert rule_versions(connection) == []
    for arguments, said in (
        (("import", str(tmp_path / "none.csv")), "none.csv cannot be read"),
        (("show", "4"), "There is no version 4"),
        (("restore", "4"), "There is no version 4"),
        (("export", "-o", "/nowhere/x.csv"), "--output"),
        (("dry-run", good, "--since", "yesterday"), "--since: 'yesterday' is no day and no time"),
        (("deadline", "2026-11-02T09:00", "4", "周"), "UNIT: there is no unit '周'"),
        (("deadline", "9999-12-31T09:00", "4", "工作日"), "START: '9999-12-31T09:00' is too late"),
        (("deadline", "soon", "4", "工作日"), "START: 'soon' is no day"),
    ):
        code, out, err = run("rules", *arguments)
        assert (code, out) == (2, ""), arguments
        assert said in err


def test_a_deadline_is_told_with_its_reasons(run: Run) -> None:
    out = done(run("rules", "deadline", "2026-09-30T17:00", "4", "工作时"))
    assert out.splitlines()[0] == "2026-10-08 11:00:00 Thursday"
    assert "其间放假：10-01" in out
    told = json.loads(done(run("rules", "deadline", "2026-12-30T09:00:00Z", "3", "working_days", "--json")))
    assert (told["due_at"], told["calendar_is_provisional"]) == ("2027-01-05T17:00:00+08:00", True)


CASES = [
    {"source": "12345热线", "category": "暴露垃圾", "description": "垃圾没人清", "reported_at": "2026-11-02T09:00:00+08:00"},
    {"source": "12345热线", "category": "污水井盖", "description": "污水井盖破损", "reported_at": "2026-11-02T10:00:00+08:00"},
    {"source": "12345热线", "category": "污水井盖", "description": "污水井盖破损", "reported_at": "2026-11-05T10:00:00+08:00"},
]


def test_a_dry_run_names_the_cases_that_would_differ_and_changes_nothing(
    own_town: Database, run_on: Callable[[Database], Run], tmp_path: Path
) -> None:
    run = run_on(own_town)
    path = tmp_path / "cases.ndjson"
    place = {"lon": 120.3722, "lat": 36.0819, "crs": "wgs84"}
    path.write_text("\n".join(json.dumps({**case, **place}, ensure_ascii=False) for case in CASES), encoding="utf-8")
    assert run("cases", "load", str(path))[0] == 0
    rows = without_names(exported(run, tmp_path / "a.csv"))
    november = ("--since", "2026-11-01")  # the town has cases of March
    same = json.loads(done(run("rules", "dry-run", written(tmp_path / "same.csv", rows), *november, "--json")))
    assert (same["cases"], same["different"], same["differing"]) == (3, 0, [])
    for row in rows:
        if row["number"] == "515":
            row["limit"], row["limit_unit"] = "1", "自然日"
        if row["number"] == "250":
            row["units"] = "community|locality"
    changed = written(tmp_path / "b.csv", rows)
    found: dict[str, Any] = json.loads(done(run("rules", "dry-run", changed, *november, "--json")))
    assert (found["cases"], found["different"], found["other_deadline"]) == (3, 3, 2)
    assert found["limits"] == [{"before": "4工作时", "after": "1自然日", "cases": 2}]
    assert [one["after"]["due_at"] for one in found["differing"] if one["category"] == "污水井盖"] == [
        "2026-11-03T10:00:00+08:00",
        "2026-11-06T10:00:00+08:00",
    ]
    period = json.loads(done(run("rules", "dry-run", changed, "--since", "2026-11-05", "--until", "2026-11-06", "--json")))
    assert (period["cases"], [one["reported_at"][:10] for one in period["differing"]]) == (1, ["2026-11-05"])
    shown = done(run("rules", "dry-run", changed, *november, "--limit", "1"))
    assert "3 cases: 1 would go to another unit, 2 would have another deadline" in shown
    assert "And 2 more" in shown
    with own_town.connect() as connection:
        assert read_rules_of(connection) is None
        states = connection.execute("SELECT DISTINCT version FROM gisgrid.cases_all WHERE reported_on >= '2026-11-01'").fetchall()
    assert states == [(1,)]
