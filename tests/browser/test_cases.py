"""The dispatcher's screen in a real browser: form, review, what others do, files, the wall."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from gisgrid.db import Database
from gisgrid.db.editors import add_editor
from tests.browser.conftest import draw_district
from tests.browser.looking import Console
from tests.serving import GISGRID, served

pytestmark = [pytest.mark.browser, pytest.mark.slow]

_EDITOR = "张三"
_ROADS = """
INSERT INTO gisgrid.roads (code, name, class, geom) VALUES
  ('R1', '西街', '支路', ST_GeomFromText('MULTILINESTRING((120.371 36.0874, 120.379 36.0874))', 4326)),
  ('R2', '东街', '支路', ST_GeomFromText('MULTILINESTRING((120.381 36.0868, 120.389 36.0868))', 4326))
"""
_DOORS = """
INSERT INTO gisgrid.addresses (code, road, house_number, geom)
SELECT 'A' || n, '西街', n || '号', ST_Point(120.3735 + n * 0.0003, 36.0876, 4326) FROM generate_series(1, 9, 2) AS n
"""


class Desk:
    """A server with cases of its own, and the token of an editor."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.token = url, token

    def report(self, **members: object) -> dict[str, object]:
        """Hand a case in as another client does, and return it."""
        body = {
            "source": "12345热线",
            "category": "占道经营",
            "reported_at": datetime.now(ZoneInfo("Asia/Shanghai")).isoformat(),
            **members,
        }
        answer = httpx.post(f"{self.url}/cases", json=body, timeout=30)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def one(self, number: object) -> dict[str, object]:
        """Return a case as the server has it."""
        return dict(httpx.get(f"{self.url}/cases/{number}", timeout=30).json())


@pytest.fixture(scope="module")
def desk(database_copies: object) -> Iterator[Desk]:
    """A server on the drawn district that takes cases."""
    database: Database = draw_district(database_copies())  # type: ignore[operator]
    with database.connect() as connection:
        for statement in (_ROADS, _DOORS):
            connection.execute(statement.encode())
        token = add_editor(connection, _EDITOR)
    with served([GISGRID, "serve", "--port"], {"GISGRID_DATABASE_URL": database.url}) as server:
        yield Desk(server.url, token)


@pytest.fixture
def screen(chromium: Browser, desk: Desk) -> Iterator[Page]:
    """The screen of a Chinese dispatcher, with nothing remembered; its page must not complain."""
    context = chromium.new_context(viewport={"width": 1280, "height": 720}, locale="zh-CN", color_scheme="light", reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(60_000)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{desk.url}/dispatch.html")
    expect(page.locator(".pulse.on")).to_be_visible()
    page.wait_for_function("() => globalThis.gisgrid?.map?.loaded()")
    yield page
    assert not complaints
    context.close()


def sign_in(page: Page, desk: Desk) -> None:
    """Show the editor's token on the page of the open case."""
    page.fill("#editor-name", _EDITOR)
    page.fill("#editor-token", desk.token)
    page.click("#editor-keep")


def test_a_case_is_seen_before_it_is_saved(screen: Page, desk: Desk) -> None:
    screen.keyboard.press("n")
    expect(screen.locator("#case-address")).to_be_focused()
    screen.fill("#case-category", "污水井盖")
    screen.fill("#case-place", "120.37441, 36.08711")
    expect(screen.locator('#preview [data-fact="grid"]')).to_contain_text("西上网格")
    expect(screen.locator('#preview [data-fact="cover"]')).to_contain_text("3702030102000002")
    expect(screen.locator('#preview [data-fact="due"]')).not_to_have_text("—")
    # What cameras look at is drawn to scale.
    fans = "() => gisgrid.map.getSource('hand').serialize().data.features.filter(one => one.properties.role === 'view').length"
    cameras = screen.locator('#preview [data-fact="cameras"] li').count()
    assert screen.evaluate(fans) == cameras
    before = httpx.get(f"{desk.url}/cases?limit=1000", timeout=30).json()["cases"]
    screen.fill("#case-description", "<b>破损</b>")
    screen.press("#case-description", "Tab")
    screen.click("#save")
    expect(screen.locator("#case h2")).to_have_text("污水井盖")
    number = screen.locator(".case-head code").inner_text()
    assert number not in {one["number"] for one in before}
    assert desk.one(number)["grid"] == {"code": "370203005001001", "name": "西上网格"}
    expect(screen.locator("#case")).to_contain_text("<b>破损</b>")
    assert number in screen.url


def test_an_address_is_completed_and_found(screen: Page) -> None:
    screen.keyboard.press("n")
    screen.locator("#case-address").press_sequentially("西街1")
    expect(screen.locator("#suggestions option").first).to_have_attribute("value", re.compile("西街"), timeout=30_000)
    screen.fill("#case-address", "西街3号")
    screen.fill("#case-category", "暴露垃圾")
    expect(screen.locator('#preview [data-fact="grid"]')).to_contain_text("西上网格")
    expect(screen.locator('#preview [data-fact="place"]')).to_contain_text("取自地址")


def test_a_click_on_the_map_fills_the_form(screen: Page) -> None:
    screen.keyboard.press("n")
    screen.fill("#case-category", "暴露垃圾")
    where = Console(screen, "").pixel(120.3852, 36.0822)
    screen.mouse.click(*where)
    expect(screen.locator("#case-place")).to_have_value(re.compile(r"^120\.385\d+, 36\.082\d+$"))
    expect(screen.locator('#preview [data-fact="grid"]')).to_contain_text("东下网格")


def test_bad_coordinates_are_told_and_nothing_is_lost(screen: Page) -> None:
    screen.keyboard.press("n")
    screen.fill("#case-category", "暴露垃圾")
    screen.fill("#case-place", "here")
    expect(screen.locator("#case-problem")).not_to_be_empty()
    screen.fill("#case-place", "36.087, 120.374")
    expect(screen.locator("#case-problem")).to_contain_text("lon")
    expect(screen.locator("#case-category")).to_have_value("暴露垃圾")


def test_what_another_client_reports_appears_by_itself(screen: Page, desk: Desk) -> None:
    one = desk.report(lon=120.3850, lat=36.0872, crs="wgs84", description="别处来的")
    expect(screen.locator(f"#case-{one['number']}")).to_be_visible()
    drawn = f"() => gisgrid.map.getSource('today').serialize().data.features.some(one => one.properties.number === '{one['number']}')"
    screen.wait_for_function(drawn)


def test_the_queue_of_review_is_worked_off_by_keys(screen: Page, desk: Desk) -> None:
    # The address is in the west, the position in the east, and no other reading of it is near the address.
    one = desk.report(lon=120.3885, lat=36.0815, crs="wgs84", address="西街3号", accuracy_m=5)
    assert one["state"] == "needs_review"
    expect(screen.locator("#tab-review .badge")).to_be_visible()
    screen.keyboard.press("r")
    expect(screen.locator("#case .question")).to_be_visible()
    expect(screen.locator(f"#case-{one['number']}")).to_be_visible()
    screen.locator(f"#case-{one['number']}").click()
    expect(screen.locator(".case-head code")).to_have_text(str(one["number"]))
    sign_in(screen, desk)
    expect(screen.locator("#candidate-1")).to_be_enabled()
    screen.locator("#case").focus()
    screen.keyboard.press("1")
    expect(screen.locator("#case .case-head .chip")).to_have_text("已派遣")
    settled = desk.one(one["number"])
    assert settled["state"] == "assigned"
    assert settled["version"] == 2


def test_a_case_is_closed_with_its_history_kept(screen: Page, desk: Desk) -> None:
    one = desk.report(lon=120.3850, lat=36.0872, crs="wgs84")
    screen.locator(f"#case-{one['number']}").click()
    sign_in(screen, desk)
    screen.click("#do-void")
    expect(screen.locator(".deeds .field-problem")).to_have_text("请写明理由。")
    screen.fill("#reason", "已清理")
    screen.click("#do-close")
    expect(screen.locator("#case .case-head .chip")).to_have_text("已结案")
    expect(screen.locator(".history li")).to_have_count(2)
    expect(screen.locator(".history")).to_contain_text("已清理")
    screen.keyboard.press("Escape")
    screen.keyboard.press("Escape")
    expect(screen.locator("#case")).to_have_count(0)


def test_somebody_elses_change_is_not_lost(screen: Page, desk: Desk) -> None:
    one = desk.report(lon=120.3850, lat=36.0872, crs="wgs84")
    screen.locator(f"#case-{one['number']}").click()
    sign_in(screen, desk)
    # As if the stream were late: the page still has the first version.
    screen.evaluate("() => { gisgrid.happened = () => {}; }")
    editor = httpx.BasicAuth(_EDITOR.encode(), desk.token.encode())
    done = httpx.post(f"{desk.url}/cases/{one['number']}/close", json={}, auth=editor, timeout=30)
    assert done.status_code == 200, done.text
    screen.fill("#reason", "重复")
    screen.click("#do-void")
    expect(screen.locator(".notice")).to_contain_text("刚被他人更改")
    expect(screen.locator("#case .case-head .chip")).to_have_text("已结案")
    assert desk.one(one["number"])["state"] == "closed"


def test_a_file_is_answered_row_by_row_and_the_answer_kept(screen: Page, desk: Desk, tmp_path: Path) -> None:
    rows = [("number", "source", "category", "address", "lon", "lat", "crs")]
    rows += [(f"B-{n}", "12345热线", "占道经营", "", f"{120.3755 + n * 1e-5:.6f}", "36.0822", "wgs84") for n in range(30)]
    rows.append(("B-bad", "12345热线", "", "", "", "", ""))
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    screen.keyboard.press("b")
    screen.set_input_files("#batch-file", {"name": "cases.csv", "mimeType": "text/csv", "buffer": text.getvalue().encode()})
    expect(screen.locator("#batch-progress")).to_contain_text("完成：31 行")
    expect(screen.locator("#batch-progress")).to_contain_text("1 行不能受理")
    with screen.expect_download() as downloading:
        screen.click("#batch-download")
    downloading.value.save_as(tmp_path / "answer.csv")
    answered = list(csv.DictReader(io.StringIO((tmp_path / "answer.csv").read_text(encoding="utf-8-sig"))))
    assert [one["key"] for one in answered] == [row[0] for row in rows[1:]]
    assert {one["grid_code"] for one in answered[:30]} == {"370203005001002"}
    assert answered[30]["error"]
    # Sent again, the same rows are the same cases.
    screen.set_input_files("#batch-file", {"name": "cases.csv", "mimeType": "text/csv", "buffer": text.getvalue().encode()})
    expect(screen.locator("#batch-progress")).to_contain_text("完成：31 行")
    with screen.expect_download() as downloading:
        screen.click("#batch-download")
    downloading.value.save_as(tmp_path / "again.csv")
    again = list(csv.DictReader(io.StringIO((tmp_path / "again.csv").read_text(encoding="utf-8-sig"))))
    assert [one["case_number"] for one in again] == [one["case_number"] for one in answered]


def test_the_list_is_searched_and_gone_through_by_keys(screen: Page, desk: Desk) -> None:
    one = desk.report(lon=120.3850, lat=36.0872, crs="wgs84", address="东街2号", description="孤例查找")
    expect(screen.locator(f"#case-{one['number']}")).to_be_visible()
    screen.keyboard.press("/")
    expect(screen.locator("#words")).to_be_focused()
    screen.keyboard.type("孤例查找")
    expect(screen.locator(".rows li")).to_have_count(1)
    screen.keyboard.press("Escape")
    screen.keyboard.press("j")
    expect(screen.locator(".case-head code")).to_have_text(str(one["number"]))
    screen.keyboard.press("?")
    expect(screen.locator("#help")).to_be_visible()
    screen.keyboard.press("Escape")
    expect(screen.locator("#help")).to_be_hidden()


def test_english_words_and_dark_colours_are_a_key_away(screen: Page) -> None:
    screen.click("#language")
    expect(screen.locator("#tab-review")).to_contain_text("Review")
    screen.click("#theme")
    assert screen.evaluate("() => document.documentElement.dataset.theme") == "dark"
    screen.click("#language")
    expect(screen.locator("#tab-review")).to_contain_text("待复核")


def test_the_wall_is_read_from_five_metres_and_goes_on_by_itself(chromium: Browser, desk: Desk) -> None:
    context = chromium.new_context(viewport={"width": 1920, "height": 1080}, locale="zh-CN", reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{desk.url}/dispatch.html#wall")
    today = page.locator(".number b").first
    expect(today).to_have_text(re.compile(r"^[\d\s]+$"))
    page.wait_for_function("() => globalThis.gisgrid?.map?.loaded()")
    before = int(re.sub(r"\D", "", today.inner_text()))
    desk.report(lon=120.3850, lat=36.0872, crs="wgs84")
    expect(today).to_have_text(re.compile(rf"^{before + 1}$"))
    sizes = page.evaluate(
        """() => [...document.querySelectorAll('.wall-top *, .wall-side *, .wall-bottom *')]
          .filter(one => [...one.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.textContent.trim()))
          .map(one => parseFloat(getComputedStyle(one).fontSize))"""
    )
    assert min(sizes) >= 28
    size = "() => [...document.querySelectorAll('.number b, .wall-clock b')].map(one => parseFloat(getComputedStyle(one).fontSize))"
    numbers = page.evaluate(size)
    assert min(numbers) >= 96
    # Nothing is cut off at the edges of the screen.
    assert page.evaluate("() => document.documentElement.scrollHeight <= innerHeight && document.documentElement.scrollWidth <= innerWidth")
    expect(page.locator(".bars li").first).to_be_visible()
    assert page.evaluate("() => gisgrid.map.getSource('heat').serialize().data.features.length") > 0
    context.close()
