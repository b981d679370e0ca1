"""The styles as a page of somebody else's draws them, compared with pictures that were looked at and accepted.

``make accept-pictures`` draws the pictures anew; look at them before they are committed. What is written is hidden for the
comparison, for fonts differ from machine to machine, and looked at apart.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import prcoords
import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from gisgrid.db import Database
from tests.browser.conftest import draw_district
from tests.browser.drawing import Picture, decoded, draw, foreign_page, hide_text, picture, settle
from tests.browser.looking import rgb
from tests.serving import GISGRID, served

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ACCEPTED = Path(__file__).parent / "accepted"
ACCEPTING = bool(os.environ.get("GISGRID_ACCEPT_PICTURES"))
SCREEN: ViewportSize = {"width": 480, "height": 360}
MIDDLE = (120.3800, 36.0850)
STREET = (120.3748, 36.0872)

# Roads of each class that cross, with places and door plates; rows of covers of every kind, two cameras of each kind and status,
# houses of every use, and issues of each severity.
_MORE = (
    """
INSERT INTO gisgrid.roads (code, name, class, geom)
SELECT 'E' || n, '东西路' || n, (ARRAY['主干路','支路','次干路','支路'])[1 + n % 4],
       ST_Multi(ST_MakeLine(ST_Point(120.3700, 36.0809 + 0.0009 * n, 4326), ST_Point(120.3900, 36.0811 + 0.0009 * n, 4326)))
FROM generate_series(0, 9) AS n
UNION ALL
SELECT 'N' || n, '南北路' || n, (ARRAY['支路','次干路','支路'])[1 + n % 3],
       ST_Multi(ST_MakeLine(ST_Point(120.3710 + 0.0018 * n, 36.0800, 4326), ST_Point(120.3709 + 0.0018 * n, 36.0900, 4326)))
FROM generate_series(0, 9) AS n
""",
    """
INSERT INTO gisgrid.places (code, name, kind, geom)
SELECT 'P' || n, '公园' || n, '公园', ST_Point(120.3719 + 0.0018 * n, 36.0866 + 0.0009 * (n % 3), 4326) FROM generate_series(0, 9) AS n
""",
    """
INSERT INTO gisgrid.addresses (code, road, house_number, geom)
SELECT 'A' || n, '东西路7', n || '号', ST_Point(120.3702 + 0.0002 * n, 36.08727, 4326) FROM generate_series(1, 60) AS n
""",
    """
INSERT INTO gisgrid.components (code, scheme, edition, class_code, name, state, geom)
SELECT 8000000000000000 + n, 'CJ/T 214', '2007', '0101',
       (ARRAY['上水井盖','污水井盖','雨水井盖','电力井盖','路灯井盖','通讯井盖','热力井盖','燃气井盖','公安井盖','别的井盖'])[1 + n % 10],
       CASE WHEN n % 17 = 0 THEN 'missing' ELSE 'intact' END, ST_Point(120.3710 + 0.0006 * (n % 30), 36.0805 + 0.0006 * (n / 30), 4326)
FROM generate_series(0, 449) AS n
""",
    """
INSERT INTO gisgrid.cameras (code, name, kind, status, azimuth_deg, field_of_view_deg, range_m, geom)
SELECT 'C' || n, 'C' || n, (ARRAY['fixed','dome','ptz'])[1 + n % 3], (ARRAY['online','offline','fault'])[1 + n / 3 % 3],
       40 * (n % 9), 60, 80,
       ST_Point(120.3713 + 0.0009 * (n % 20), 36.0808 + 0.0009 * (n / 20), 4326)
FROM generate_series(0, 199) AS n
""",
    """
INSERT INTO gisgrid.buildings (code, use, floors, height_m, geom)
SELECT 'H' || n, (ARRAY['住宅','商业','办公','教育','医疗','工业','公共','别的'])[1 + n % 8], 1 + n % 30, 3 + 3 * (n % 30),
       ST_Multi(ST_MakeEnvelope(west, south, west + 0.0004, south + 0.0002, 4326))
FROM (SELECT n, 120.3712 + 0.0009 * (n % 20) AS west, 36.0811 + 0.0009 * (n / 20) AS south FROM generate_series(0, 179) AS n) AS place
""",
    """
INSERT INTO gisgrid.quality_issues (layer, code, severity, message, geom) VALUES
  ('grids', 'gap', 'error', 'A gap', ST_MakeEnvelope(120.3735, 36.0865, 120.3755, 36.0865005, 4326)),
  ('buildings', 'overlap', 'info', 'Overlaps', ST_MakeEnvelope(120.3752, 36.0869, 120.3757, 36.0871, 4326)),
  ('cameras', 'unlikely_value', 'warning', 'Range of 900 m', ST_Point(120.3756, 36.0873, 4326)),
  ('cameras', 'unlikely_value', 'error', 'Range of 9000 m', ST_Point(120.3744, 36.0875, 4326)),
  ('cameras', 'unlikely_value', 'info', 'Range of 0 m', ST_Point(120.3748, 36.0878, 4326))
""",
)


class Scene(NamedTuple):
    """What is drawn, where."""

    style: str
    zoom: float
    place: tuple[float, float]
    issues: bool = False


SCENES = {
    "light-from-afar": Scene("light", 12.4, MIDDLE),
    "light-district": Scene("light", 13.6, MIDDLE),
    "light-street": Scene("light", 17, STREET),
    "dark-district": Scene("dark", 14.6, MIDDLE),
    "dark-street": Scene("dark", 17, STREET),
    "outlines-street": Scene("outlines", 16, STREET),
    "density": Scene("density", 14.6, MIDDLE),
    "light-issues": Scene("light", 16.5, STREET, issues=True),
}

_SHOW_ISSUES = """() => {
  for (const layer of map.getStyle().layers)
    if (layer.source === "quality_issues") map.setLayoutProperty(layer.id, "visibility", "visible");
}"""
_NAMES = """() => {
  const layers = map.getStyle().layers.filter(layer => layer.source === "names").map(layer => layer.id);
  return map.queryRenderedFeatures({ layers }).map(feature => {
    const { x, y } = map.project(feature.geometry.coordinates);
    return [feature.layer.id, feature.properties.name, x, y];
  });
}"""


@pytest.fixture(scope="module")
def styles_url(database_copies: Callable[[], Database]) -> Iterator[str]:
    """The address of a real server on the drawn district with much more in it."""
    database = draw_district(database_copies())
    with database.connect() as connection:
        for statement in _MORE:
            connection.execute(statement)
    with served([GISGRID, "serve", "--port"], {"GISGRID_DATABASE_URL": database.url}) as server:
        yield f"{server.url}/styles"


@pytest.fixture(scope="module")
def screen(chromium: Browser) -> Iterator[Page]:
    """A page of another origin that draws styles, with its complaints as ``problems``."""
    with foreign_page() as url, chromium.new_context(viewport=SCREEN, locale="zh-CN", reduced_motion="reduce") as context:
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(url)
        yield page


def show(page: Page, address: str, zoom: float, place: tuple[float, float]) -> None:
    draw(page, address, *place, zoom)
    assert page.evaluate("problems") == []


@pytest.mark.parametrize("name", SCENES)
def test_a_style_looks_as_it_was_accepted(screen: Page, styles_url: str, name: str, tmp_path: Path) -> None:
    scene = SCENES[name]
    show(screen, f"{styles_url}/{scene.style}.json", scene.zoom, scene.place)
    if scene.issues:
        screen.evaluate(_SHOW_ISSUES)
        settle(screen)
    hide_text(screen)
    png = screen.screenshot()
    if ACCEPTING:
        (ACCEPTED / f"{name}.png").write_bytes(png)
    accepted = decoded((ACCEPTED / f"{name}.png").read_bytes())
    drawn = decoded(png)
    (tmp_path / f"{name}.png").write_bytes(png)
    assert difference(drawn, accepted) < 0.005, f"see {tmp_path / name}.png; when it is as it should be: make accept-pictures"
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) > 50


def test_the_accepted_pictures_differ_where_styles_and_places_do() -> None:
    pictures = {name: decoded((ACCEPTED / f"{name}.png").read_bytes()) for name in SCENES}
    for first, second in combinations(pictures, 2):
        assert difference(pictures[first], pictures[second]) > 0.05, (first, second)
    assert {path.stem for path in ACCEPTED.glob("*.png")} == set(SCENES)


@pytest.mark.parametrize(("style", "ink"), [("light", "#4a3823"), ("dark", "#e2e7ec"), ("outlines", "#4a3823")])
def test_names_are_written_in_chinese_with_no_font_server(screen: Page, styles_url: str, style: str, ink: str) -> None:
    show(screen, f"{styles_url}/{style}.json", 14.2, MIDDLE)
    names = screen.evaluate(_NAMES)
    assert {"西街道", "东街道"} <= {name for _, name, _, _ in names}
    assert len([name for layer, name, _, _ in names if layer == "streets/label"]) == 2, "no name is there twice"
    written = picture(screen)
    hide_text(screen)
    bare = picture(screen)
    for layer, name, x, y in names:
        if layer != "streets/label":
            continue
        around = slice(round(y) - 12, round(y) + 12), slice(round(x) - 32, round(x) + 32)
        changed = differing(written[around], bare[around])
        assert changed.mean() > 0.1, name
        inked = np.abs(written[around].astype(int) - rgb(ink)).max(axis=-1) < 70
        assert (inked & changed).sum() > 40, name


def test_shifted_tiles_fit_where_a_shifted_base_map_has_the_place(screen: Page, styles_url: str) -> None:
    """What WGS 84 tiles show around a place, GCJ-02 tiles show around the place shifted by an independent formula."""
    lon, lat = STREET
    there = prcoords.wgs_gcj(prcoords.Coords(lat, lon))
    pictures = []
    for query, place in (("", STREET), ("?datum=gcj02", (there.lon, there.lat)), ("", (there.lon, there.lat))):
        show(screen, f"{styles_url}/light.json{query}", 16, place)
        hide_text(screen)
        pictures.append(picture(screen))
    unshifted, shifted, elsewhere = pictures
    apart = difference(unshifted, elsewhere)
    assert apart > 0.05
    assert difference(unshifted, shifted) < apart / 4, "but for the smoothness of edges the same"


def differing(first: Picture, second: Picture) -> npt.NDArray[np.bool_]:
    """Return which pixels differ by more than smooth edges do from one drawing to the next."""
    differs: npt.NDArray[np.bool_] = np.abs(first.astype(int) - second.astype(int)).max(axis=-1) > 40
    return differs


def difference(first: Picture, second: Picture) -> float:
    """Return the share of pixels that differ."""
    assert first.shape == second.shape
    return float(differing(first, second).mean())
