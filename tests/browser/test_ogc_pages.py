"""The pages of the OGC API in a browser: readable, with a map, without a complaint, and the same without a script."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.looking import Console

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

# For whoever wants to look: a folder that pictures of the pages are written to.
_PICTURES = os.environ.get("GISGRID_PAGE_PICTURES")

_COVERS = "/ogc/collections/manhole_covers"
_WITH_MAP = (_COVERS, f"{_COVERS}/items", f"{_COVERS}/items/1", "/ogc/tiles/WebMercatorQuad", "/ogc/styles/light")
_WITHOUT = (
    "/ogc",
    "/ogc/collections",
    f"{_COVERS}/schema",
    f"{_COVERS}/tiles",
    "/ogc/tileMatrixSets/CGCS2000Quad",
    "/ogc/collections/none",
)
_HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def narrow(chromium: Browser) -> Iterator[Page]:
    """A page on a telephone, without a script."""
    context = chromium.new_context(viewport={"width": 360, "height": 640}, java_script_enabled=False, locale="en-GB")
    yield context.new_page()
    context.close()


def _picture(page: Page, path: str) -> None:
    if _PICTURES:
        page.screenshot(path=Path(_PICTURES) / f"{path.strip('/').replace('/', '_')}-{page.viewport_size['width']}.png", full_page=True)  # type: ignore[index]


@pytest.mark.parametrize("path", _WITH_MAP)
def test_a_map_is_drawn_without_a_complaint_and_from_this_server_alone(console: Console, path: str) -> None:
    console.page.goto(f"{console.url}{path}")
    # A map is ready when its style is drawn, and its features where there are any.
    expect(console.page.locator("#map")).to_have_attribute("data-ready", "features" if "/items" in path else "map")
    _picture(console.page, path)
    assert console.complaints == []
    assert {host.partition(":")[0] for host in console.hosts} == {"127.0.0.1"}


def test_what_is_hostile_is_text(console: Console) -> None:
    console.page.on("dialog", lambda dialog: pytest.fail(f"a page asked {dialog.message}"))
    console.page.goto(f"{console.url}{_COVERS}/items")
    expect(console.page.get_by_role("cell", name=_HOSTILE)).to_be_visible()
    assert console.page.locator("img[src=x]").count() == 0


def test_the_form_asks_for_what_is_filled_in(console: Console) -> None:
    console.page.goto(f"{console.url}{_COVERS}/items?lang=en")
    console.page.get_by_text("By field").click()
    console.page.locator("select[name=state]").select_option("broken")
    console.page.get_by_role("button", name="Ask").click()
    expect(console.page.locator("table.rows tr").filter(has_text="broken")).to_have_count(1)
    assert "q=" not in console.page.url
    assert "state=broken" in console.page.url
    assert "lang=en" in console.page.url


def test_the_map_gives_the_form_its_box(console: Console) -> None:
    console.page.goto(f"{console.url}{_COVERS}/items")
    expect(console.page.locator("#map")).to_have_attribute("data-ready", "features")
    console.page.get_by_role("button", name="只看地图所示范围").click()
    console.page.wait_for_url("**bbox=**")
    expect(console.page.locator("table.rows")).to_be_visible()


def test_pages_do_without_a_script_and_on_a_narrow_screen(narrow: Page, console_url: str) -> None:
    for path in (*_WITHOUT, *_WITH_MAP):
        narrow.goto(f"{console_url}{path}")
        _picture(narrow, path)
        for part in narrow.locator("h1, .panel, .scroll, .map, pre, .cards").all():
            box = part.bounding_box()
            assert box is None or box["x"] + box["width"] <= 360, path
    narrow.goto(f"{console_url}{_COVERS}/items?limit=10")
    narrow.locator("input[name=q]").fill("污水")
    narrow.get_by_role("button", name="Ask").click()
    expect(narrow.locator("table.rows")).to_contain_text("3702030102000002")
    expect(narrow.locator("table.rows")).not_to_contain_text("3702030101000001")
