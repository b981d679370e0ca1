"""docs/new-city.md is true: its TOML loads the files that it tells of, with the outcome that it promises."""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gisgrid import paths
from gisgrid.db import Database
from gisgrid.deployment import Deployment, load_deployment
from ingest.inspecting.inspecting import Options, inspect_files
from ingest.inspecting.writing import description
from ingest.pipeline import run

FILES = ("areas.gpkg", "manholes.csv", "buildings.zip", "cameras.kml")


@pytest.fixture(scope="module")
def page() -> str:
    return (paths.data_dir().parent / "docs" / "new-city.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def blocks(page: str) -> dict[str, str]:
    """The TOML of the page by the name of the file in its first line; blocks without one are left out."""
    found = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    return {text.split("\n", 1)[0].removeprefix("# "): text for text in found if text.startswith("# ")}


@pytest.fixture
def city(tmp_path: Path, blocks: dict[str, str], write_city: Callable[[Path], None]) -> Path:
    """A folder with the files of the city and what the page says to write."""
    write_city(tmp_path)
    for name, text in blocks.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def _outcome(found: Any) -> dict[str, tuple[int, int, int]]:
    return {report.source_id: (report.read, report.loaded, report.rejected) for report in found.sources}


def test_the_page_has_all_its_files(blocks: dict[str, str]) -> None:
    assert set(blocks) == {"vlnava.toml", "sources.toml", "mended.toml"}


def test_every_other_piece_of_toml_on_the_page_is_toml(page: str) -> None:
    for text in re.findall(r"```toml\n(.*?)```", page, re.DOTALL):
        assert tomllib.loads(text)


def test_the_city_loads_as_the_page_promises(city: Path, database: Database, page: str) -> None:
    deployment = load_deployment(str(city / "vlnava.toml"))
    found = run(database, deployment, city / "sources.toml")
    promised = re.findall(r"^\| (\w+) \| (\d+) \| (\d+) \| (\d+) \|", page, re.MULTILINE)
    assert _outcome(found) == {name: (int(read), int(loaded), int(rejected)) for name, read, loaded, rejected in promised}
    reasons = {report.source_id: {code for code, count in report.reasons.items() if count} for report in found.sources}
    assert reasons["manholes"] >= {"no_geometry", "null_island", "duplicate_code"}
    assert "z_dropped" in reasons["cameras"]
    assert found.activated
    again = run(database, deployment, city / "sources.toml")
    assert {report.status for report in again.sources} == {"unchanged"}
    with database.connect() as connection:
        addresses = connection.execute("SELECT address FROM gisgrid.buildings ORDER BY code LIMIT 2").fetchall()
        classes = connection.execute("SELECT DISTINCT class_code FROM gisgrid.manhole_covers ORDER BY 1").fetchall()
        sizes = connection.execute("SELECT DISTINCT size FROM gisgrid.manhole_covers ORDER BY 1").fetchall()
    assert addresses == [("Žižkova 1",), ("Na Příkopě 1",)]
    assert [row[0] for row in classes] == ["rainwater", "sewage", "telecom", "water_supply"]
    assert [row[0] for row in sizes] == ["60 cm", "70 cm", "80 cm"]


def test_mended_rows_are_loaded_and_the_others_stay(city: Path, database: Database) -> None:
    deployment = load_deployment(str(city / "vlnava.toml"))
    run(database, deployment, city / "sources.toml")
    with (city / "manholes.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file, delimiter=";")
    bad = next(row for row in rows if row[0] == "MH-0061")
    with (city / "mended.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows([header, [*bad[:5], rows[0][5], rows[0][6]]])
    assert _outcome(run(database, deployment, city / "mended.toml")) == {"manholes": (1, 1, 0)}
    with database.connect() as connection:
        assert connection.execute("SELECT count(*) FROM gisgrid.manhole_covers").fetchone() == (61,)


def test_what_inspect_writes_for_the_city_loads_just_as_much(city: Path, database: Database, shibei: Deployment) -> None:
    found = inspect_files([city / name for name in FILES], shibei, Options(), "vlnava")
    assert not [part.why_not for part in found.parts if part.why_not]
    assert not [proposal.open for part in found.parts for proposal in part.proposals if proposal.open]
    (city / "guessed.toml").write_text(description(found.parts, lambda path: path.name), encoding="utf-8")
    (city / "guessed_city.toml").write_text(found.deployment, encoding="utf-8")
    deployment = load_deployment(str(city / "guessed_city.toml"))
    by_hand = load_deployment(str(city / "vlnava.toml"))
    assert deployment.levels == by_hand.levels
    assert {level: rules.code_pattern for level, rules in deployment.areas.items()} == {
        level: rules.code_pattern for level, rules in by_hand.areas.items()
    }
    assert deployment.components.code_pattern == by_hand.components.code_pattern
    assert all(abs(one - other) < 0.02 for one, other in zip(deployment.bounds, by_hand.bounds, strict=True))
    outcome = _outcome(run(database, deployment, city / "guessed.toml"))
    assert sorted(outcome.values()) == sorted([(2, 2, 0), (8, 8, 0), (63, 60, 3), (40, 40, 0), (12, 12, 0)])


def test_words_that_no_scheme_knows_become_classes_of_the_city(tmp_path: Path, shibei: Deployment, database: Database) -> None:
    words = ("šachta A", "šachta B", "")
    rows = "".join(f"M{number};{words[number % 3]};{17 + number / 1e4:.4f};49.5\n" for number in range(60))
    (tmp_path / "manholes.csv").write_text(f"id;druh;lon;lat\n{rows}", encoding="utf-8")
    found = inspect_files([tmp_path / "manholes.csv"], shibei, Options(), "brod")
    (tmp_path / "brod.toml").write_text(found.deployment, encoding="utf-8")
    (tmp_path / "sources.toml").write_text(description(found.parts, lambda path: path.name), encoding="utf-8")
    deployment = load_deployment(str(tmp_path / "brod.toml"))
    assert [item.code for item in deployment.own_classes.values()] == ["šachta A", "šachta B", "unknown"]
    assert _outcome(run(database, deployment, tmp_path / "sources.toml")) == {"manholes": (60, 60, 0)}
    with database.connect() as connection:
        counts = connection.execute("SELECT class_code, count(*) FROM gisgrid.manhole_covers GROUP BY 1 ORDER BY 1").fetchall()
    assert counts == [("unknown", 20), ("šachta A", 20), ("šachta B", 20)]
