"""The console in a real browser, on a real server with a drawn district (see conftest.py)."""

from __future__ import annotations

import json
import re

import httpx
import numpy as np
import prcoords
import pytest
from playwright.sync_api import Route, expect

from gisgrid.db import Database
from tests.browser.looking import Console, rgb

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WEST_UPPER, WEST_LOWER, EAST_UPPER, EAST_LOWER = "370203005001001", "370203005001002", "370203008001001", "370203008001002"
IN_WEST_UPPER = (120.3747, 36.0873)
STREET_LEVEL = "#map=17/36.08730/120.37470"
COVERS = ["3702030101000001", "3702030102000002", "3702030105000003"]
CAMERAS = ["37020300001320000001", "37020300001320000002"]


def grid_code(console: Console) -> str:
    return console.page.locator(".grid-code").inner_text()


def test_the_page_draws_the_areas_and_asks_nobody_but_its_own_server(console: Console) -> None:
    console.open()
    assert console.drawn("grids/border") == [WEST_UPPER, WEST_LOWER, EAST_UPPER, EAST_LOWER]
    assert console.drawn("streets/border") == ["370203005", "370203008"]
    assert console.drawn("communities/border") == ["370203005001", "370203008001"]
    assert console.drawn("streets/label") == ["370203005", "370203008"]
    assert console.hosts == {console.url.removeprefix("http://")}
    assert console.complaints == []


def test_objects_are_drawn_where_they_are(console: Console) -> None:
    console.open(STREET_LEVEL)
    assert console.drawn("manhole_covers/dot") == COVERS
    assert console.drawn("manhole_covers/sign") == COVERS
    assert console.drawn("cameras/body") == CAMERAS
    assert console.drawn("cameras/view") == CAMERAS
    assert console.drawn("buildings/area") == ["B1"]
    at_cover = console.page.evaluate(
        "([x, y]) => gisgrid.map.queryRenderedFeatures([x, y], {layers: ['manhole_covers/dot']}).map(f => f.properties.name)",
        list(console.pixel(120.3750, 36.0873)),
    )
    assert at_cover == ["上水井盖"]
    assert console.complaints == []


def test_the_screen_shows_colours_and_not_only_features(console: Console) -> None:
    console.open(STREET_LEVEL)
    picture = console.picture().astype(int)

    x, y = console.pixel(120.3748, 36.0878)
    assert np.abs(picture[round(y), round(x)] - rgb("#e2d5bb")).max() < 25, "a house of six floors"
    # Beside the sign in the middle of a cover is the colour of its kind: water is blue.
    x, y = console.pixel(120.3750, 36.0873)
    around = picture[round(y) - 5 : round(y) + 6, round(x) - 5 : round(x) + 6].reshape(-1, 3)
    assert (np.abs(around - rgb("#2f74b5")).max(axis=1) < 12).sum() > 30
    assert (np.abs(around - 255).max(axis=1) < 40).sum() > 5, "the sign is written in white"
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 500


def test_outside_the_district_the_paper_is_empty(console: Console) -> None:
    console.open("#map=16/36.09500/120.38000")
    picture = console.picture().astype(int)
    x, y = console.pixel(120.3800, 36.0960)
    assert tuple(picture[round(y), round(x)]) == rgb("#e9e3d6")
    assert console.drawn("grids/border", "buildings/area", "manhole_covers/dot") == []


def test_a_click_shows_the_grid_its_unit_and_what_is_near(console: Console) -> None:
    console.open(STREET_LEVEL)
    console.click(*IN_WEST_UPPER)
    expect(console.page.locator(".grid-code")).to_have_text(WEST_UPPER)
    assert console.page.locator(".grid-name").inner_text() == "西上网格"
    assert "西街道办事处" in console.fact("unit")
    assert [console.fact(level).split()[0] for level in ("community", "street", "district")] == ["西社区居委会", "西街道", "市北区"]
    # 0.0047 degrees of longitude to the west edge, but only 0.0023 of latitude to the lower one: 255 m.
    assert float(re.sub(r"[^\d.]", "", console.fact("edge"))) == pytest.approx(255, abs=2)
    covers = console.page.locator(".neighbours.manhole_covers .neighbour")
    expect(covers).to_have_count(3)
    assert [text.split()[0] for text in covers.all_inner_texts()] == ["上水井盖", "污水井盖", "<img"]
    expect(console.page.locator(".neighbours.cameras .neighbour")).to_have_count(2)
    console.settle()
    assert console.drawn("selected/border") == [WEST_UPPER]
    assert console.drawn("selected/view") == CAMERAS
    roles = console.page.evaluate(
        "() => gisgrid.map.querySourceFeatures('overlay').map(f => f.properties.role + (f.properties.layer ?? ''))"
    )
    assert set(roles) == {"linkmanhole_covers", "targetmanhole_covers", "linkcameras", "targetcameras", "pin"}
    assert console.complaints == []


def test_the_unit_of_a_street_answers_for_its_grids(console: Console) -> None:
    console.visit("#point=120.3850,36.0820,wgs84")
    expect(console.page.locator(".grid-code")).to_have_text(EAST_LOWER)
    assert console.fact("unit") == "东街道办事处 按街道指定"


def test_a_point_in_a_building_names_the_building(console: Console) -> None:
    console.open("#point=120.3853,36.0871,wgs84")
    building = console.page.locator("div.building")
    expect(building).to_contain_text("东街2号1号楼")
    expect(building).to_contain_text("住宅 · 18 层 · 54 m")
    console.settle()
    assert console.drawn("selected/building") == ["B2"]


def test_a_typed_gcj02_point_goes_to_its_true_place(console: Console) -> None:
    """Taken for WGS 84 the same numbers lie 460 m further east, in the other street."""
    lon, lat = 120.3780, 36.0870
    shifted = prcoords.wgs_gcj(prcoords.Coords(lat, lon))
    assert shifted.lon > 120.38
    console.open()
    console.type_point("gcj02", f"{shifted.lon:.7f}", f"{shifted.lat:.7f}")
    expect(console.page.locator(".grid-code")).to_have_text(WEST_UPPER)
    assert [float(word) for word in console.fact("wgs84").split(",")] == pytest.approx([lon, lat], abs=2e-6)
    console.settle()
    x, y = console.pixel(lon, lat)
    panel = console.page.locator(".side").bounding_box()
    assert panel is not None
    assert panel["x"] + panel["width"] < x < 900
    assert 0 < y < 600
    assert "gcj02" in console.page.url


def test_a_projected_point_is_typed_as_x_and_y(console: Console) -> None:
    console.visit()
    console.page.select_option("#crs", "EPSG:4549")
    expect(console.page.locator("label[for=first]")).to_have_text("X（东）")
    console.type_point("EPSG:4549", "533747.219", "3995272.267")
    expect(console.page.locator(".grid-code")).to_have_text(WEST_UPPER)
    assert [float(word) for word in console.fact("wgs84").split(",")] == pytest.approx([120.3747, 36.0871], abs=2e-6)


def test_a_pair_of_coordinates_can_be_pasted_whole(console: Console) -> None:
    console.visit()
    console.page.fill("#first", "(120.3747, 36.0873)")
    console.page.press("#first", "Enter")
    expect(console.page.locator(".grid-code")).to_have_text(WEST_UPPER)


def test_doubt_is_said_aloud_on_a_shared_edge(console: Console) -> None:
    console.open("#map=17/36.08700/120.38000&point=120.38,36.087,wgs84")
    expect(console.page.locator(".chip")).to_have_text("网格边界上")
    expect(console.page.locator(".grid-code")).to_have_text(WEST_UPPER)
    doubt = console.page.locator(".doubt")
    expect(doubt).to_contain_text("位置存疑")
    expect(doubt).to_contain_text(EAST_UPPER)
    console.settle()
    assert console.drawn("selected/candidate") == [EAST_UPPER]


def test_outside_every_grid_the_nearest_is_named(console: Console) -> None:
    console.visit("#point=120.3800,36.0950,wgs84")
    expect(console.page.locator(".chip")).to_have_text("不在任何网格内")
    expect(console.page.locator(".grid-code")).to_have_count(0)
    assert WEST_UPPER in console.fact("nearest") or EAST_UPPER in console.fact("nearest")
    assert float(console.fact("edge").removesuffix(" m")) == pytest.approx(555, abs=2)


def test_a_click_on_a_near_object_flies_there(console: Console) -> None:
    console.open(f"{STREET_LEVEL}&point=120.3747,36.0873,wgs84")
    camera = console.page.locator(".neighbours.cameras .neighbour").first
    camera.click()
    expect(console.page.locator(".neighbours.cameras .neighbour").first).to_have_attribute("aria-pressed", "true")
    console.settle()
    found = console.camera()
    assert (found["lng"], found["lat"], found["zoom"]) == pytest.approx((120.3741, 36.0876, 18), abs=1e-6)
    expect(console.page.locator(".neighbours.cameras details")).to_contain_text("方位角")


def test_an_edit_in_the_database_shows_with_the_next_answer(console: Console, drawn_district: Database) -> None:
    """Any answer that tells of newer data makes the map fetch its tiles again."""
    console.open(f"{STREET_LEVEL}&point=120.3747,36.0873,wgs84")
    expect(console.page.locator(".neighbours.manhole_covers .neighbour")).to_have_count(3)
    assert console.drawn("manhole_covers/dot") == COVERS
    try:
        with drawn_district.connect() as connection:
            connection.execute(_ONE_MORE)
        _wait_for_cover(console, "3702030103000004")
        console.click(120.3746, 36.0872)
        expect(console.page.locator(".neighbours.manhole_covers .neighbour")).to_have_count(4)
        console.page.wait_for_function(_DRAWN, arg="3702030103000004")
    finally:
        with drawn_district.connect() as connection:
            connection.execute("DELETE FROM gisgrid.components WHERE code = '3702030103000004'")


_ONE_MORE = """
INSERT INTO gisgrid.components (code, scheme, edition, class_code, name, state, geom)
VALUES ('3702030103000004', 'CJ/T 214', '2007', '0103', '雨水井盖', 'intact', ST_Point(120.3748, 36.0869, 4326))
"""
_DRAWN = "code => gisgrid.map.queryRenderedFeatures({layers: ['manhole_covers/dot']}).some(feature => feature.properties.code === code)"


def _wait_for_cover(console: Console, code: str) -> None:
    """Wait until the server answers with a cover that has just been put into the database."""
    asked = {"lon": "120.3747", "lat": "36.0873", "crs": "wgs84", "include": "manhole_covers"}
    for _ in range(100):
        answer = httpx.get(f"{console.url}/locate", params=asked).json()
        if any(cover["code"] == code for cover in answer["manhole_covers"]):
            return
        console.page.wait_for_timeout(100)
    pytest.fail(f"after ten seconds the server does not answer with cover {code}: {answer}")


def test_the_language_can_be_switched_and_is_remembered(console: Console) -> None:
    console.visit(f"{STREET_LEVEL}&point=120.3747,36.0873,wgs84")
    expect(console.page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(console.page.locator(".chip")).to_have_text("网格内")
    console.page.click("#language")
    expect(console.page.locator("html")).to_have_attribute("lang", "en")
    expect(console.page.locator(".chip")).to_have_text("Inside a grid")
    assert console.page.evaluate("document.activeElement.id") == "language", "the keyboard stays where it was"
    assert console.page.input_value("#first") == "120.3747"
    console.page.reload()
    expect(console.page.locator(".chip")).to_have_text("Inside a grid")


def test_an_english_browser_gets_english(console: Console) -> None:
    browser = console.page.context.browser
    assert browser is not None
    with browser.new_context(locale="en-GB") as context:
        page = context.new_page()
        page.goto(console.url)
        expect(page.locator("button[type=submit]")).to_have_text("Look up")


def test_a_point_out_of_range_is_refused_in_words(console: Console) -> None:
    console.visit()
    console.type_point("wgs84", "36.08", "120.37")
    problem = console.page.locator(".problem")
    expect(problem).to_be_visible()
    expect(problem).to_contain_text("查询条件有误")
    expect(problem).to_contain_text("lat")
    expect(console.page.locator(".answer")).to_have_count(0)
    # The browser itself notes the refused request, and nothing else.
    assert [text for text in console.complaints if "400" not in text] == []


def test_what_is_no_number_is_not_even_sent(console: Console) -> None:
    console.visit()
    asked: list[str] = []
    console.page.on("request", lambda request: asked.append(request.url))
    console.type_point("wgs84", "120.37", "north")
    expect(console.page.locator("#form-problem")).to_have_text("第二个坐标不是数字。")
    expect(console.page.locator("#second")).to_have_attribute("aria-invalid", "true")
    assert console.page.evaluate("document.activeElement.id") == "second"
    assert [url for url in asked if "/locate" in url] == []


def test_names_from_the_data_are_never_read_as_html(console: Console) -> None:
    console.visit("#point=120.3759,36.0875,wgs84")
    expect(console.page.locator(".neighbours.manhole_covers")).to_contain_text("<img src=x onerror=alert(1)>")
    assert console.page.locator("img").count() == 0
    console.type_point("wgs84", "120.3747", "36.0820")
    expect(console.page.locator(".grid-name")).to_have_text("西下<b>网格</b>")
    assert console.page.locator(".grid-name b").count() == 0


def test_a_hidden_layer_is_not_drawn_and_stays_hidden(console: Console) -> None:
    console.open(STREET_LEVEL)
    console.page.click("#layer-manhole_covers")
    console.settle()
    assert console.drawn("manhole_covers/dot", "manhole_covers/sign") == []
    assert console.drawn("cameras/body") == CAMERAS
    console.page.reload()
    console.settle()
    expect(console.page.locator("#layer-manhole_covers")).not_to_be_checked()
    assert console.drawn("manhole_covers/dot") == []
    console.page.click("#layer-manhole_covers")
    console.settle()
    assert console.drawn("manhole_covers/dot") == COVERS


def test_the_keyboard_alone_can_ask(console: Console) -> None:
    console.open(STREET_LEVEL)
    console.page.locator("canvas.maplibregl-canvas").focus()
    console.page.keyboard.press("Enter")
    expect(console.page.locator(".grid-code")).to_have_text(WEST_UPPER)


def test_the_address_leads_back_to_what_is_shown(console: Console) -> None:
    console.open(STREET_LEVEL)
    console.click(*IN_WEST_UPPER)
    expect(console.page.locator(".grid-code")).to_have_text(WEST_UPPER)
    console.page.wait_for_url(re.compile(r"point=120\.3747\d*,36\.0873\d*,wgs84$"))
    address = console.page.url
    console.page.goto("about:blank")
    console.page.goto(address)
    expect(console.page.locator(".grid-code")).to_have_text(WEST_UPPER)
    console.settle()
    found = console.camera()
    assert (found["lng"], found["lat"], found["zoom"]) == pytest.approx((120.3747, 36.0873, 17), abs=1e-5)
    console.page.click(".answer-head > button")
    expect(console.page.locator(".answer")).to_have_count(0)
    assert "point=" not in console.page.url


def test_a_dead_database_is_told(console: Console) -> None:
    def without_database(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=json.dumps({**answer.json(), "database": "down"}))

    console.page.route(re.compile("/locate"), without_database)
    console.visit("#point=120.3747,36.0873,wgs84")
    notice = console.page.locator("[data-notice=database]")
    expect(notice).to_contain_text("数据库已断开")
    expect(console.page.locator(".grid-code")).to_have_text(WEST_UPPER)
    console.page.unroute(re.compile("/locate"))
    console.type_point("wgs84", "120.3747", "36.0820")
    expect(console.page.locator(".grid-code")).to_have_text(WEST_LOWER)
    expect(notice).to_have_count(0)


def test_a_server_that_does_not_answer_is_told_and_can_be_asked_again(console: Console) -> None:
    console.visit()
    console.page.route(re.compile("/locate"), lambda route: route.abort())
    console.type_point("wgs84", "120.3747", "36.0873")
    expect(console.page.locator(".problem")).to_contain_text("服务器没有应答")
    console.page.unroute(re.compile("/locate"))
    console.page.click(".problem button")
    expect(console.page.locator(".grid-code")).to_have_text(WEST_UPPER)


def test_on_a_phone_the_point_stands_above_the_answer(console: Console) -> None:
    console.page.set_viewport_size({"width": 390, "height": 780})
    console.open(f"{STREET_LEVEL}&point=120.3747,36.0873,wgs84")
    expect(console.page.locator(".grid-code")).to_have_text(WEST_UPPER)
    console.settle()
    assert console.page.evaluate("document.documentElement.scrollWidth") == 390
    sheet = console.page.locator(".side").bounding_box()
    assert sheet is not None
    x, y = console.pixel(*IN_WEST_UPPER)
    assert 0 < x < 390
    assert 0 < y < sheet["y"]


def test_the_dark_theme_changes_the_map_too(console: Console) -> None:
    console.open(f"{STREET_LEVEL}&point=120.3747,36.0873,wgs84")
    light = console.picture().mean()
    console.page.click("#theme")
    console.settle()
    assert console.picture().mean() < light / 2
    assert console.drawn("selected/border") == [WEST_UPPER]
    assert console.drawn("cameras/body") == CAMERAS
