"""A small drawn district in PostGIS, a real server on it, and Chromium to look at its console."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright

from gisgrid.db import Database
from tests.browser.looking import Console, launch
from tests.serving import GISGRID, served

ROOT = Path(__file__).resolve().parents[2]
SCREEN: ViewportSize = {"width": 900, "height": 600}

# Two streets side by side, each of one community of two grids, one above the other; the border between the streets is
# the meridian 120.3800, the one between upper and lower grids the parallel 36.0850.
_AREAS = """
WITH generation AS (
  INSERT INTO gisgrid.generations (status, activated_at) VALUES ('active', now()) RETURNING id
), drawn (level, code, name, parent_code, west, south, east, north) AS (VALUES
  ('district', '370203', '市北区', NULL, 120.37, 36.08, 120.39, 36.09),
  ('street', '370203005', '西街道', '370203', 120.37, 36.08, 120.38, 36.09),
  ('street', '370203008', '东街道', '370203', 120.38, 36.08, 120.39, 36.09),
  ('community', '370203005001', '西社区居委会', '370203005', 120.37, 36.08, 120.38, 36.09),
  ('community', '370203008001', '东社区居委会', '370203008', 120.38, 36.08, 120.39, 36.09),
  ('grid', '370203005001001', '西上网格', '370203005001', 120.37, 36.085, 120.38, 36.09),
  ('grid', '370203005001002', '西下<b>网格</b>', '370203005001', 120.37, 36.08, 120.38, 36.085),
  ('grid', '370203008001001', '东上网格', '370203008001', 120.38, 36.085, 120.39, 36.09),
  ('grid', '370203008001002', '东下网格', '370203008001', 120.38, 36.08, 120.39, 36.085)
)
INSERT INTO gisgrid.areas (generation_id, level, code, name, parent_code, area_m2, geom)
SELECT generation.id, level, code, name, parent_code, ST_Area(place::geography), ST_Multi(place)
FROM generation, drawn, ST_MakeEnvelope(west, south, east, north, 4326) AS place
"""

_OBJECTS = (
    """
INSERT INTO gisgrid.components (code, scheme, edition, class_code, name, state, geom) VALUES
  ('3702030101000001', 'CJ/T 214', '2007', '0101', '上水井盖', 'intact', ST_Point(120.3750, 36.0873, 4326)),
  ('3702030102000002', 'CJ/T 214', '2007', '0102', '污水井盖', 'broken', ST_Point(120.3744, 36.0871, 4326)),
  ('3702030105000003', 'CJ/T 214', '2007', '0105', '<img src=x onerror=alert(1)>', 'intact', ST_Point(120.3760, 36.0875, 4326))
""",
    """
INSERT INTO gisgrid.cameras (code, name, kind, status, azimuth_deg, field_of_view_deg, range_m, geom) VALUES
  ('37020300001320000001', '西街路口00001', 'fixed', 'online', 135, 60, 80, ST_Point(120.3741, 36.0876, 4326)),
  ('37020300001320000002', '西街路口00002', 'ptz', 'offline', NULL, 60, 120, ST_Point(120.3755, 36.0868, 4326))
""",
    """
INSERT INTO gisgrid.buildings (code, address, use, floors, height_m, geom)
SELECT code, address, '住宅', floors, 3 * floors, ST_Multi(ST_MakeEnvelope(west, south, west + 0.0006, south + 0.0002, 4326))
FROM (VALUES ('B1', '西街1号1号楼', 6, 120.3745, 36.0877), ('B2', '东街2号1号楼', 18, 120.3850, 36.0870))
  AS drawn (code, address, floors, west, south)
""",
    "INSERT INTO gisgrid.organizations (code, name) VALUES ('U1', '西街道办事处'), ('U2', '东街道办事处')",
    """
INSERT INTO gisgrid.area_roles (area_level, area_code, role, organization_code) VALUES
  ('grid', '370203005001001', 'responsible_unit', 'U1'), ('street', '370203008', 'responsible_unit', 'U2')
""",
)


@pytest.fixture(scope="session")
def drawn_district(database_copies: Callable[[], Database]) -> Database:
    """A database with four grids, three covers, two cameras and two buildings."""
    return draw_district(database_copies())


def draw_district(database: Database) -> Database:
    """Put four grids, three covers, two cameras and two buildings into an empty database."""
    with database.connect() as connection:
        for statement in (_AREAS, *_OBJECTS):
            connection.execute(statement)
    return database


@pytest.fixture(scope="session")
def console_url(drawn_district: Database) -> Iterator[str]:
    """The address of a real server on the drawn district, with the console built."""
    assert (ROOT / "api" / "static" / "index.html").is_file(), "the console is not built: run `make console`"
    with served([GISGRID, "serve", "--port"], {"GISGRID_DATABASE_URL": drawn_district.url}) as server:
        yield server.url


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, drawing by software.

    For one module, not for the session: as long as Playwright is open its event loop counts as running, and a test of
    another module that calls ``asyncio.run`` would be refused.
    """
    # A busy machine that draws by software may take long; a test that waits for nothing is not slowed by patience.
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def reader(chromium: Browser) -> BrowserContext:
    """A Chinese reader with a small screen, since every pixel is drawn by the processor here."""
    return chromium.new_context(viewport=SCREEN, locale="zh-CN", color_scheme="light", reduced_motion="reduce")


@pytest.fixture
def page(reader: BrowserContext, console_url: str) -> Iterator[Page]:
    """A fresh page of the reader, who remembers nothing of the tests before."""
    page = reader.new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{console_url}/favicon.svg")
    page.evaluate("localStorage.clear()")
    yield page
    page.close()


@pytest.fixture
def console(page: Page, console_url: str) -> Console:
    """The console, not yet opened."""
    return Console(page, console_url)
