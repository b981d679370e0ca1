"""Quality issues on the console's map: off at first, drawn as they are found, told on a click."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import numpy as np
import pytest
from playwright.sync_api import expect

from gisgrid.db import Database
from tests.browser.looking import Console, rgb

pytestmark = [pytest.mark.browser, pytest.mark.slow]

GRID = "370203005001001"
STREET_LEVEL = "#map=17/36.08730/120.37470"
AT_POINT, ON_SLIVER, IN_AREA, ELSEWHERE = (120.3756, 36.0873), (120.3750, 36.0865), (120.37545, 36.0870), (120.3746, 36.0881)
STYLES = [f"quality_issues/{part}" for part in ("area", "casing", "line", "point")]

# The sliver is five centimetres wide: less than a unit of a tile up to zoom 17.
_ISSUES = """
INSERT INTO gisgrid.quality_issues (layer, feature_code, code, severity, message, geom) VALUES
  ('grids', '370203005001001', 'gap', 'error', 'A gap of <b>0.05 m</b>', ST_MakeEnvelope(120.3745, 36.0865, 120.3755, 36.0865005, 4326)),
  ('buildings', 'B1', 'overlap', 'info', 'Overlaps B2', ST_MakeEnvelope(120.3752, 36.0869, 120.3757, 36.0871, 4326)),
  ('cameras', NULL, 'unlikely_value', 'warning', 'Range of 900 m', ST_Point(120.3756, 36.0873, 4326))
"""
_DRAWN = """([layers, count]) =>
  new Set(gisgrid.map.queryRenderedFeatures({layers}).map(feature => feature.properties.code)).size === count"""


class Change:
    """Changes the database under a server that follows it."""

    def __init__(self, database: Database, console: Console) -> None:
        self._database = database
        self._console = console

    def __call__(self, sql: str) -> None:
        """Run ``sql`` and return when the server answers with the newest version of the data."""
        with self._database.connect() as connection:
            connection.execute(sql.encode())
            (newest,) = connection.execute("SELECT max(id) FROM gisgrid.changes").fetchone() or (0,)
        for _ in range(100):
            if httpx.get(f"{self._console.url}/readyz").json()["data_version"] >= newest:
                return
            self._console.page.wait_for_timeout(100)
        pytest.fail(f"after ten seconds the server has not heard of: {sql}")


@pytest.fixture
def change(drawn_district: Database, console: Console) -> Iterator[Change]:
    """Change the issues, then wait until the server knows; they are gone in the end."""
    change = Change(drawn_district, console)
    yield change
    change("DELETE FROM gisgrid.quality_issues")


def test_issues_show_when_they_are_found_and_go_when_they_are_mended(console: Console, change: Change) -> None:
    asked: list[str] = []
    console.page.on("request", lambda request: asked.append(request.url))
    console.open(f"{STREET_LEVEL}&point=120.3747,36.0873,wgs84")
    expect(console.page.locator(".grid-code")).to_have_text(GRID)
    switch = console.page.locator("#layer-quality_issues")
    expect(switch).not_to_be_checked()
    expect(console.page.locator("[data-layer=quality_issues] .layer-name")).to_contain_text("质量问题")
    assert [url for url in asked if "/tiles/quality_issues/" in url] == [], "what is not shown is not fetched"
    switch.check()
    console.settle()
    assert console.drawn(*STYLES) == []

    change(_ISSUES)
    console.click(*ELSEWHERE)
    console.page.wait_for_function(_DRAWN, arg=[STYLES, 3])
    console.settle()
    assert "overlap" in console.drawn("quality_issues/area")
    assert console.drawn("quality_issues/line") == ["gap", "overlap"]
    assert console.drawn("quality_issues/point") == ["unlikely_value"]
    expect(console.page.locator(".issue")).to_have_count(0)

    change("DELETE FROM gisgrid.quality_issues WHERE code <> 'overlap'")
    console.click(*ELSEWHERE)
    console.page.wait_for_function(_DRAWN, arg=[STYLES, 1])
    assert console.complaints == []


def test_a_click_on_an_issue_says_what_it_is(console: Console, change: Change) -> None:
    change(_ISSUES)
    console.open(STREET_LEVEL)
    console.page.check("#layer-quality_issues")
    console.settle()
    issue = console.page.locator(".issue")
    console.click(*ON_SLIVER)
    expect(issue).to_have_count(1)
    expect(issue).to_have_attribute("data-severity", "error")
    expect(issue.locator(".chip")).to_have_text("错误")
    expect(issue.locator("p")).to_have_text("A gap of <b>0.05 m</b>")
    assert [console.fact(name).strip() for name in ("check", "layer", "feature")] == ["gap", "责任网格", GRID]
    # The place is looked up all the same.
    expect(console.page.locator(".grid-code")).to_have_text(GRID)

    console.click(*AT_POINT)
    expect(issue.locator(".chip")).to_have_text("警告")
    expect(issue).to_contain_text("Range of 900 m")
    expect(issue.locator("[data-fact=feature]")).to_have_count(0)
    console.click(*IN_AREA)
    expect(issue.locator(".chip")).to_have_text("提示")
    console.page.click(".answer-head > button")
    expect(issue).to_have_count(0)
    assert console.complaints == []


def test_issues_have_the_colour_of_their_severity_and_stay_in_sight_from_afar(console: Console, change: Change) -> None:
    change(_ISSUES)
    console.open(STREET_LEVEL)
    console.page.check("#layer-quality_issues")
    console.settle()
    assert _near(console, ON_SLIVER, "#dc0f28") > 20
    assert _near(console, AT_POINT, "#f27a00") > 20
    assert _near(console, (120.3752, 36.0870), "#1769d8") > 5, "the outline of the area"
    for zoom in (13, 9):
        console.page.evaluate("([lon, lat, zoom]) => gisgrid.map.jumpTo({center: [lon, lat], zoom})", [*ON_SLIVER, zoom])
        console.settle()
        assert console.drawn(*STYLES) == ["gap", "overlap", "unlikely_value"], zoom
    # All of them are within a few pixels here: the sign of the one that is a point lies uppermost.
    assert _near(console, AT_POINT, "#f27a00") > 20


def _near(console: Console, place: tuple[float, float], colour: str) -> int:
    """Return how many pixels within ten of a place have a colour."""
    x, y = (round(value) for value in console.pixel(*place))
    around = console.picture().astype(int)[y - 10 : y + 11, x - 10 : x + 11].reshape(-1, 3)
    return int((np.abs(around - rgb(colour)).max(axis=1) < 16).sum())
