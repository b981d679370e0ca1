"""The page of HTML: one file, every value escaped, all that the report holds; and the JSON beside it."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
import shapely
from playwright.sync_api import sync_playwright

from gisgrid.deployment import Deployment, load_deployment
from gisgrid.errors import UsageError
from ingest.checks import CHECKS
from ingest.report import Example, Outline, Spot, report_path, write_report
from ingest.report.page import page
from tests.browser.looking import launch
from tests.ingest.report.made import START, a_report, a_source, an_issue

EVIL = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>&{{ 7 * 191 }}"
AREA = Outline("street", "东街道", shapely.box(120.3, 36.0, 120.4, 36.1))


@pytest.fixture(scope="module")
def shibei() -> Deployment:
    return load_deployment("shibei")


class Parsed(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src", "xlink:href", "action"} or name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_tells_all_that_the_report_holds(shibei: Deployment) -> None:
    source = a_source(evidence=("98 % lie in the district.",), notes=("Encoding gb18030.",), timings={"read": 0.5}, settings={"a": 1})
    report = a_report(source, a_source(layer="cameras", source_id="cams", rejected=0), issues=(an_issue(),), generation=4)
    told = Parsed(page(report, shibei, [AREA])).text
    said = [
        "17,000",
        "井盖",
        "covers/survey.shp",
        "duplicate_code",
        CHECKS["duplicate_code"].description,
        "row 813",
        "98 % lie in",
        "gb18030",
    ]
    said += ["read 0.50 s", "draft 4", "gisgrid areas diff", "gisgrid ingest rejects covers", "They overlap.", "青岛市", "东街道", "34,000"]
    assert [word for word in said if word not in told] == []


def test_no_value_becomes_markup(shibei: Deployment) -> None:
    places = (Spot(EVIL, "reject", 120.35, 36.05), Spot(EVIL, "repair", 0, 0))
    source = a_source(
        **dict.fromkeys(("source_id", "path", "encoding", "crs", "error"), EVIL),
        status="failed",
        reasons={"bad_date": 1, EVIL: 1},
        examples={"bad_date": (Example(1, EVIL, EVIL),), EVIL: (Example(2, "", EVIL),)},
        evidence=(EVIL,),
        notes=(EVIL,),
        timings={EVIL: 1.0},
        settings={EVIL: {EVIL: EVIL}},
        spots=places,
    )
    issue = an_issue(code=EVIL, message=EVIL, place=shapely.Point(120.36, 36.05))._replace(feature_code=EVIL, layer=EVIL)
    report = a_report(source, issues=(issue,), refusal=EVIL, settings={EVIL: EVIL})
    area = AREA._replace(name=EVIL)
    plain = a_report(a_source(spots=places, settings={"b": 2}), issues=(an_issue(place=AREA.geometry),), settings={"a": 1})
    evil, harmless = Parsed(page(report, shibei, [area])), Parsed(page(plain, shibei, [AREA]))
    assert "script" not in evil.tags
    assert "img" not in evil.tags
    assert set(evil.tags) <= set(harmless.tags) | {"code", "br", "b", "li", "ul"}
    assert evil.text.count("alert('x')") > 15
    assert "1337" not in evil.text, "a value is no template"


def test_the_page_needs_nothing_else(shibei: Deployment) -> None:
    found = Parsed(page(a_report(a_source(spots=(Spot("bad_date", "reject", 120.35, 36.05),))), shibei, [AREA]))
    assert found.links, "the marks refer to their symbols"
    assert [link for link in found.links if not link.startswith("#mark-")] == []


@pytest.mark.parametrize("count", [0, 1, 10_000])
def test_any_number_of_places_fits(shibei: Deployment, count: int) -> None:
    places = tuple(Spot("bad_date", "reject", 120.3 + (n % 100) / 1000, 36.0 + (n // 100) / 1000) for n in range(count))
    told = page(a_report(a_source(rejected=count, spots=places)), shibei)
    assert len(told) < 2_000_000
    assert told.count("<use") == (count + 1 if count else 0)
    assert ("No finding has a place" in told) == (count == 0)


def test_an_empty_report_has_a_page(shibei: Deployment) -> None:
    assert "Nothing changed" in page(a_report(a_source(status="unchanged", reasons={}, examples={}, seconds=0.0)), shibei)


def test_page_and_json_are_written_side_by_side_and_never_over_others(tmp_path: Path, shibei: Deployment) -> None:
    report = a_report(a_source(), a_source(run_id=15))
    paths = []
    for _ in range(2):
        path = report_path(report, tmp_path)
        write_report(report, path, shibei)
        paths.append(path)
    stem = f"{START.astimezone():%Y%m%d-%H%M%S}-runs-12-15"
    assert [path.name for path in paths] == [f"{stem}.html", f"{stem}-2.html"]
    assert report_path(a_report(a_source(run_id=None), dry_run=True), tmp_path).stem.endswith("-dry-run")
    document = json.loads(paths[0].with_suffix(".json").read_text(encoding="utf-8"))
    assert (document["format"], document["totals"]["rejected"], document["sources"][0]["run_id"]) == (1, 168, 12)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, shibei: Deployment) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"cannot be written to .*page\.html"):
        write_report(a_report(), tmp_path / "file" / "page.html", shibei)


def test_the_json_has_a_point_for_each_issue_and_no_secrets_of_persons(tmp_path: Path, shibei: Deployment) -> None:
    roles = a_source(layer="area_roles", source_id="roles", examples={"trimmed": (Example(3, "phone", "' 13800000000' → '13800000000'"),)})
    report = a_report(roles, issues=(an_issue(place=shapely.box(0, 0, 2, 2)), an_issue()))
    write_report(report, tmp_path / "r.html", shibei)
    document = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert [(issue["lon"], issue["lat"]) for issue in document["issues"]] == [(1, 1), (None, None)]
    assert document["issue_counts"] == [{"code": "overlap", "severity": "error", "count": 2}]
    assert "13800000000" not in (tmp_path / "r.html").read_text(encoding="utf-8") + (tmp_path / "r.json").read_text(encoding="utf-8")


@pytest.mark.browser
def test_a_browser_shows_the_page_without_a_word_of_complaint(tmp_path: Path, shibei: Deployment) -> None:
    spots = (Spot("bad_date", "reject", 120.35, 36.05), Spot("trimmed", "repair", 120.36, 36.06))
    write_report(a_report(a_source(spots=spots, examples={"bad_date": (Example(1, "f", EVIL),)})), tmp_path / "r.html", shibei, [AREA])
    said: list[str] = []
    with sync_playwright() as playwright, launch(playwright) as browser:
        sheet = browser.new_page(viewport={"width": 1000, "height": 800})
        sheet.on("console", lambda message: said.append(message.text))
        sheet.on("pageerror", lambda error: said.append(str(error)))
        sheet.on("request", lambda request: said.append(request.url) if not request.url.startswith("file:") else None)
        sheet.on("dialog", lambda dialog: said.append(dialog.message))
        sheet.goto((tmp_path / "r.html").as_uri())
        assert sheet.locator("svg.map use").count() == 2
        box = sheet.locator("svg.map use").first.bounding_box()
        assert box is not None
        assert box["width"] > 5
        wide = sheet.evaluate("document.documentElement.scrollWidth")
        sheet.set_viewport_size({"width": 390, "height": 800})
        narrow = sheet.evaluate("document.documentElement.scrollWidth")
    assert (wide, narrow, said) == (1000, 390, [])
