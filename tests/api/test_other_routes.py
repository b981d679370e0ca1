"""Health, documents, the console, and what is on no route."""

from __future__ import annotations

import os
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

from api import console as console_module
from api.front import Front
from api.openapi import openapi_document
from gisgrid.db import Database
from gisgrid.settings import Settings
from tests.api.conftest import Server, serving


def test_a_process_that_runs_is_healthy_and_ready(server: Server) -> None:
    assert server.get("/healthz").json() == {"status": "ok", "worker": os.getpid(), "workers": 1}
    ready = server.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["status"] == "ready"
    assert server.request("HEAD", "/healthz").content == b""


@pytest.mark.parametrize(
    "path", ["/nothing", "/locate/", "/locate/nothing", "/cameras", "/docs/x", "/..%2f..%2fetc/passwd", "/%00", "/" + "x" * 300]
)
def test_what_is_on_no_route_is_a_404_problem(server: Server, path: str) -> None:
    answer = server.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]
    assert answer.json()["type"] == "/problems/not-found"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/docs", "/openapi.json", "/"])
def test_reads_have_no_other_methods(server: Server, path: str) -> None:
    answer = server.request("POST", path)
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_document_describes_every_route_with_parameters_examples_and_errors(server: Server) -> None:
    document = server.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert {path for path in document["paths"] if not path.startswith("/ogc")} == {
        "/locate",
        "/cameras/nearest",
        "/manhole_covers/nearest",
        "/manhole_covers/match",
        "/buildings/nearest",
        "/convert",
        "/geocode",
        "/geocode/batch",
        "/reverse",
        "/suggest",
        "/cases",
        "/cases/batch",
        "/cases/statistics",
        "/cases/stream",
        "/cases/{number}",
        *(f"/cases/{{number}}/{act}" for act in ("settle", "reassign", "close", "void", "reopen")),
        "/locate/batch",
        "/tiles/{layers}/{z}/{x}/{y}.mvt",
        "/tiles/{layers}.json",
        "/tileMatrixSets",
        "/tileMatrixSets/{id}",
        "/tiles/h3/cameras/{z}/{x}/{y}.mvt",
        "/tiles/h3/cameras.json",
        "/tiles/h3/manhole_covers/{z}/{x}/{y}.mvt",
        "/tiles/h3/manhole_covers.json",
        "/tiles/camera_views/{z}/{x}/{y}.mvt",
        "/tiles/camera_views.json",
        "/tiles/names/{z}/{x}/{y}.mvt",
        "/tiles/names.json",
        "/styles",
        "/styles/{id}.json",
        "/styles/sprites/{name}.png",
        "/styles/sprites/{name}.json",
        "/rasters",
        "/rasters/{raster_id}.json",
        "/rasters/{raster_id}/point",
        "/rasters/{raster_id}/{z}/{x}/{y}.{ending}",
        "/rasters/{raster_id}.tif",
        "/archives",
        "/archives/{name}.json",
        "/archives/{name}.pmtiles",
        "/archives/{name}/{z}/{x}/{y}.mvt",
        "/healthz",
        "/readyz",
    }
    assert {path.removeprefix("/ogc") or "/" for path in document["paths"] if path.startswith("/ogc")} >= {"/", "/api", "/conformance"}
    locate = document["paths"]["/locate"]["get"]
    assert [parameter["name"] for parameter in locate["parameters"]] == [
        *("lon", "lat", "x", "y", "crs", "accuracy_m", "as_of", "include"),
        *("sight", "target_height_m", "text", "kind", "state", "owner_code"),
    ]
    assert set(locate["responses"]) == {"200", "400", "503"}
    schema = locate["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/LocateAnswer"}


def test_every_reference_in_the_document_leads_somewhere() -> None:
    document = openapi_document()
    text = str(document)
    names = {part.split("'")[0] for part in text.split("#/components/schemas/")[1:]}
    components = document["components"]
    assert isinstance(components, dict)
    assert names
    assert names <= set(components["schemas"])


def test_the_example_of_each_lookup_is_answered(server: Server) -> None:
    for path in ("/locate", "/cameras/nearest", "/manhole_covers/nearest", "/manhole_covers/match", "/buildings/nearest"):
        parameters = server.get("/openapi.json").json()["paths"][path]["get"]["parameters"]
        query = {parameter["name"]: str(parameter["example"]) for parameter in parameters if "example" in parameter}
        assert server.get(path, params=query).status_code == 200
    schema = server.get("/openapi.json").json()["components"]["schemas"]["BatchRequest"]
    assert server.batch(schema["examples"][0]).status_code == 200


def test_an_answer_has_the_members_that_the_document_promises(server: Server) -> None:
    schemas = server.get("/openapi.json").json()["components"]["schemas"]
    everything = {"include": "cameras,manhole_covers,building,cover", "sight": "true", "accuracy_m": 50, "as_of": "2100-01-01"}
    answer = server.locate(120.3722, 36.0819, **everything)
    assert set(answer) | {"age_s"} == set(schemas["LocateAnswer"]["properties"])
    assert set(answer["point"]) == set(schemas["Point"]["properties"])
    assert set(answer["candidates"][0]) == set(schemas["Candidate"]["properties"])
    assert set(answer["cameras"][0]) == set(schemas["Camera"]["properties"])
    assert set(answer["cameras"][0]["sight"]) == set(schemas["Sight"]["properties"])
    assert set(answer["manhole_covers"][0]) == set(schemas["Neighbour"]["properties"])
    assert set(answer["cover"]) == set(schemas["CoverMatch"]["properties"])
    assert set(answer["cover"]["candidates"][0]) == set(schemas["ScoredCover"]["properties"])
    matched = server.get("/manhole_covers/match?lon=120.3722&lat=36.0819&crs=wgs84&as_of=2100-01-01").json()
    assert set(matched) | {"age_s"} == set(schemas["MatchAnswer"]["properties"])
    assert set(server.get("/tiles/grids.json").json()) == set(schemas["TileJson"]["properties"])


class _Sources(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.inputs: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value for name, value in attrs if name in ("src", "href", "action") and value]
        self.inputs += [value for name, value in attrs if tag == "input" and name == "name" and value]


def test_the_page_of_routes_needs_nothing_from_elsewhere(server: Server) -> None:
    answer = server.get("/docs")
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    page = _Sources()
    page.feed(answer.text)
    assert "accuracy_m" in page.inputs
    assert not any("//" in link for link in page.links)
    example = next(link for link in page.links if link.endswith(".mvt"))
    assert server.get(f"/{example}").status_code in (200, 204)


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>console</title>", encoding="utf-8")
    (tmp_path / "assets" / "main-abc.js").write_text("// " + "x" * 5000, encoding="utf-8")
    return tmp_path


def _with_console(server: Server, folder: Path) -> Server:
    front = server.app
    assert isinstance(front, Front)
    other = Front.__new__(Front)
    other.__dict__.update(front.__dict__ | {"_console": console_module.Console(folder)})
    return Server(server.runner, other)


def test_the_console_is_served_with_a_policy_that_lets_maplibre_work(server: Server, built: Path) -> None:
    own = _with_console(server, built)
    page = own.get("/")
    assert "console" in page.text
    assert page.headers["cache-control"] == "no-cache"
    policy = page.headers["content-security-policy"]
    assert "worker-src 'self' blob:" in policy
    assert "default-src 'self'" in policy
    script = own.get("/assets/main-abc.js", headers={"accept-encoding": "gzip"})
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert script.headers["content-encoding"] == "gzip"
    assert script.headers.get_list("x-content-type-options") == ["nosniff"]
    assert own.request("HEAD", "/").content == b""
    assert own.request("POST", "/").status_code == 405
    assert own.get("/locate").status_code == 400
    assert own.get("/assets/none.js").status_code == 404
    assert own.get("/%2e%2e/%2e%2e/etc/passwd").status_code == 404


def test_without_a_build_the_page_says_how_to_make_one(server: Server, tmp_path: Path) -> None:
    page = _with_console(server, tmp_path).get("/")
    assert page.status_code == 503
    assert "make console" in page.text


def test_a_bug_is_answered_with_a_reference_and_nothing_else(
    town: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("secret inner text")

    monkeypatch.setattr("api.plain.PlainAnswers.reply", fail)
    monkeypatch.setattr("api.health.status_problem", fail)
    with serving(Settings(database_url=town.url)) as own:
        monkeypatch.setattr("api.backend.Backend.reasons_not_ready", partial(fail))
        for path in ("/locate?lon=120.3722&lat=36.0819&crs=wgs84", "/readyz"):
            answer: httpx.Response = own.get(path)
            assert answer.status_code == 500
            assert answer.headers["content-type"] == "application/problem+json"
            assert "secret" not in answer.text
            assert answer.json()["reference"] in caplog.text
    assert "secret inner text" in caplog.text
