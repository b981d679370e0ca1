"""The files that QGIS is given, without QGIS: what is in them, what is not, and what the command says."""

from __future__ import annotations

import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from gisgrid.cli import build
from gisgrid.db import Database
from gisgrid.db.layer_styles import write_styles
from gisgrid.deployment import load_deployment
from gisgrid.errors import ParameterError, UsageError
from gisgrid.layers import LAYERS
from gisgrid.qgis import SOURCES, Project, Server, SourceKind, project_document, styles_of, write_project
from gisgrid.qgis.sources import Connection
from gisgrid.services.qgis import postgis_server, start_of, web_server
from gisgrid.settings import Settings

CITIES = ("shibei", "helsinki", "rotterdam", "shenzhen", "taiwan")


def _server(kind: SourceKind) -> Server:
    return Server(kind, "http://grid.example", Connection("127.0.0.1", "5432", "grids"))


@pytest.mark.parametrize("city", CITIES)
@pytest.mark.parametrize("kind", SOURCES)
def test_every_city_has_a_project_by_every_way_in_both_languages(city: str, kind: SourceKind) -> None:
    deployment = load_deployment(city)
    for language, title in (("zh", deployment.title_zh), ("en", deployment.title_en)):
        text = project_document(Project(deployment, _server(kind), deployment.box, language))  # type: ignore[arg-type]
        root = ET.fromstring(text)
        assert root.findtext("title") == title
        in_tree = {leaf.get("id") for leaf in root.iter("layer-tree-layer")}
        assert in_tree == {layer.findtext("id") for layer in root.iter("maplayer")}
        # QGIS makes up others for shorter ids, and then finds nothing in its tree.
        assert all(id is not None and len(id) > 10 for id in in_tree)
        areas = {f"gisgrid_{layer.id}" for layer in LAYERS if layer.level in deployment.areas}
        assert kind == "tiles" or areas == {id for id in in_tree if id in {f"gisgrid_{layer.id}" for layer in LAYERS if layer.level}}


def test_every_symbol_that_a_rule_names_is_there() -> None:
    for layer in LAYERS:
        for style in styles_of(layer, load_deployment("shibei")):
            renderer = ET.fromstring(style.qml).find("renderer-v2")
            assert renderer is not None
            named = {rule.get("symbol") for rule in renderer.iter("rule")} - {None}
            assert named <= {symbol.get("name") for symbol in renderer.findall("symbols/symbol")}


def test_the_same_project_has_the_same_bytes_and_no_password(town: Database, tmp_path: Path) -> None:
    settings, deployment = Settings(database_url=town.url, home=tmp_path), load_deployment("shibei")
    server = postgis_server(settings)
    start = start_of(settings, deployment, server)
    assert not start.doubt
    assert start.extent == pytest.approx((120.370, 36.080, 120.385, 36.088))
    document = project_document(Project(deployment, server, start.extent))
    for name in ("a.qgz", "b.qgz"):
        write_project(document, tmp_path / name)
    assert (tmp_path / "a.qgz").read_bytes()[100:] != b""
    with zipfile.ZipFile(tmp_path / "a.qgz") as one, zipfile.ZipFile(tmp_path / "b.qgz") as other:
        assert one.read("a.qgs") == other.read("b.qgs") == document.encode()
    password = town.libpq_environment().get("PGPASSWORD")
    assert password is None or password not in document
    assert "user=" not in document


def test_without_an_answer_the_map_begins_with_the_bounds_of_the_city(tmp_path: Path) -> None:
    deployment = load_deployment("shibei")
    start = start_of(Settings(home=tmp_path), deployment, Server("ogc", "http://127.0.0.1:1"))
    assert start.extent == deployment.box
    assert "127.0.0.1:1" in start.doubt


@pytest.mark.parametrize(
    "url", ["grid.example", "ftp://grid.example", "http://", "http://grid.example/a b", "http://h/'\"", "http://h/?f=json"]
)
def test_what_is_no_address_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="no address"):
        web_server(Settings(home=tmp_path), "ogc", url=url)


def test_an_address_may_be_given_with_or_without_the_api(tmp_path: Path) -> None:
    for url in ("http://h:1", "http://h:1/", "http://h:1/ogc", "http://h:1/ogc/"):
        assert web_server(Settings(home=tmp_path), "ogc", url=url).address == "http://h:1"


def test_names_and_logins_that_qgis_does_not_know_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.qgz or \.qgs|no name"):
        write_project("", tmp_path / "a.zip")
    with pytest.raises(UsageError, match="cannot be written"):
        write_project("", tmp_path / "none" / "a.qgz")
    with pytest.raises(ParameterError, match="authcfg"):
        postgis_server(Settings(home=tmp_path), service="x", authcfg="x' host='evil")


def test_the_command_writes_a_project(town: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GISGRID_DATABASE_URL", town.url)
    target = tmp_path / "town.qgs"
    result = CliRunner().invoke(build(), ["qgis", str(target), "--lang", "en"])
    assert result.exit_code == 0, result.output
    assert "12 layers" in result.output
    assert "Manhole covers" in target.read_text(encoding="utf-8")


def test_styles_are_written_once_and_those_of_people_stay(own_town: Database) -> None:
    shibei = load_deployment("shibei")
    with own_town.connect() as connection:
        first = write_styles(connection, shibei)
        assert first == 48
        assert write_styles(connection, shibei) == 0
        of = "WHERE f_table_schema = 'gisgrid' AND f_table_name ="
        connection.execute(f"UPDATE public.layer_styles SET description = 'mine', styleqml = '<qgis/>' {of} 'grids'".encode())
        connection.execute(f"UPDATE public.layer_styles SET styleqml = '<qgis/>', useasdefault = false {of} 'streets'".encode())
        connection.execute("DELETE FROM public.layer_styles WHERE f_table_name = 'cameras' AND f_geometry_column = 'geom'")
        assert write_styles(connection, shibei) == 2 + 2
        rows = connection.execute(
            "SELECT f_table_name, useasdefault, styleqml::text = '<qgis/>' FROM public.layer_styles"
            " WHERE f_table_schema = 'gisgrid' AND f_geometry_column = 'geom' AND f_table_name IN ('grids', 'streets', 'cameras')"
            " ORDER BY 1"
        ).fetchall()
    assert rows == [("cameras", True, False), ("grids", True, True), ("streets", False, False)]


def test_two_people_who_change_different_fields_of_a_cover_both_keep_their_change(own_town: Database) -> None:
    with own_town.connect() as one, own_town.connect() as other:
        one.execute("UPDATE gisgrid_qgis.manhole_covers SET state = 'broken' WHERE id = 1")
        other.execute("UPDATE gisgrid_qgis.manhole_covers SET material = '铸铁二' WHERE id = 2")
        one.commit()
        other.execute("UPDATE gisgrid_qgis.manhole_covers SET material = '复合材料' WHERE id = 1")
        other.commit()
        row = one.execute("SELECT state, material, shape FROM gisgrid.manhole_covers WHERE id = 1").fetchone()
    assert row == ("broken", "复合材料", "圆形")
