"""The locator of what PostGIS serves, the commands that keep it in a file, and the page that tells of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gisgrid.db import Database
from gisgrid.errors import DatabaseError
from gisgrid.locator import Locator
from gisgrid.locator.columns import ADDED_COLUMNS, SHARE_COLUMNS
from gisgrid.services import ReadModel, open_locator
from gisgrid.settings import Settings
from tests.services.conftest import Run

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python.md"
PLACES = [(120.3722, 36.0819), (120.3775, 36.084), (120.3725, 36.079), (120.38, 36.085), (121.0, 37.0)]


@pytest.fixture
def run(town: Database, run_on: Callable[[Database], Run]) -> Run:
    return run_on(town)


def test_the_locator_of_postgis_answers_as_the_read_model(town: Database, model: ReadModel, tmp_path: Path) -> None:
    by_address, by_settings = open_locator(town.url), open_locator(Settings(database_url=town.url))
    by_settings.save(tmp_path / "town.locator")
    opened = Locator.open(tmp_path / "town.locator")
    for lon, lat in PLACES:
        expected = model.locator.locate(lon, lat, 30.0)
        assert [found.locate(lon, lat, 30.0) for found in (by_address, by_settings, opened)] == [expected] * 3
    assert opened.about == by_settings.about
    assert opened.about.data_version == model.version
    with pytest.raises(DatabaseError):
        open_locator("postgresql://nobody@127.0.0.1:1/none")


def test_save_and_show(run: Run, tmp_path: Path, model: ReadModel) -> None:
    path = tmp_path / "town.locator"
    code, out, err = run("locator", "save", str(path))
    assert (code, err) == (0, "")
    assert "district 1, street 2, community 3, grid 6" in out
    assert Locator.open(path).locate(120.3722, 36.0819).responsible_unit == ("U2", "社区服务站", "grid")
    code, out, _ = run("locator", "show", str(path), "--json")
    document = json.loads(out)
    assert code == 0
    assert document["areas"] == {"district": 1, "street": 2, "community": 3, "grid": 6}
    assert document["bounds"] == pytest.approx({"west": 120.37, "south": 36.08, "east": 120.385, "north": 36.088})
    assert (document["data_version"], document["responsible_units"], document["doubt_m"]) == (model.version, 2, 0.5)
    code, out, _ = run("locator", "show", str(path))
    assert code == 0
    assert "grid 6" in out
    assert document["made_at"] in out


def test_files_that_cannot_be_used_end_with_code_2(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.locator"
    assert "There is no file" in run("locator", "show", str(path))[2]
    path.write_bytes(b"not one")
    code, out, err = run("locator", "show", str(path))
    assert (code, out) == (2, "")
    assert "is not a file of a locator" in err
    assert run("locator", "save", str(tmp_path / "nowhere" / "a.locator"))[0] == 2


def test_the_examples_of_the_page_run(town: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GISGRID_DATABASE_URL", town.url)
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 5
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    assert names["answer"].grid == ("370203001001002", "网格 12")
    assert (tmp_path / "areas.locator").exists()
    assert names["own"].codes(533550, 3994950, crs="EPSG:4549") == "01"
    expected = ["370203001001002", "370203001002002"]
    assert names["one"] == expected[0]
    assert names["array"].tolist() == names["arrow"].to_pylist() == names["series"].tolist() == expected
    assert names["located"]["grid"].tolist()[:2] == expected
    assert list(names["located"].columns) == ["case", "geometry", "grid", "street_name"]


def test_the_page_names_every_column() -> None:
    text = PAGE.read_text(encoding="utf-8")
    # The other levels have the columns that grids have.
    others = ("community", "street", "district")
    names = [name for name in (*ADDED_COLUMNS, *SHARE_COLUMNS) if not name.startswith(others)]
    assert [name for name in (*names, *others) if f"`{name}`" not in text] == []
