"""QGIS opens the project by PostGIS, by OGC API - Features and as vector tiles, and finds in it what PostGIS holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from gisgrid.db import Database
from gisgrid.layers import LAYERS, layer
from gisgrid.qgis.colours import palette
from gisgrid.qgis.sources import Connection
from tests.qgis.asking import Qgis, login_of
from tests.qgis.conftest import City
from tiles.sql import BUFFER, EXTENT

PUBLIC = [item.id for item in LAYERS if item.public]
COVERS, GRIDS, CAMERAS = "gisgrid_manhole_covers", "gisgrid_grids", "gisgrid_cameras"
NEAR = [533_327.0, 3_994_884.0, 533_627.0, 3_995_084.0]
NEAR_3857 = [13_399_529.0, 4_312_129.0, 13_399_903.0, 4_312_379.0]
TOWN_3857 = [13_398_900.0, 4_310_900.0, 13_402_050.0, 4_313_000.0]


def _rows(database: Database, table: str, where: str = "true") -> int:
    with database.connect() as connection:
        row = connection.execute(f"SELECT count(*) FROM gisgrid.{table} WHERE {where}".encode()).fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture(scope="module")
def by_postgis(city: City, qgis: Qgis) -> tuple[dict[str, Any], dict[str, Any]]:
    """The project and its layers by PostGIS."""
    project, layers = qgis.ask(("project", str(city.projects["postgis"])), ("layers",), login=login_of(city.database.url))
    return project, layers


@pytest.fixture(scope="module")
def by_ogc(city: City, qgis: Qgis) -> list[Any]:
    """The project and its layers by OGC API - Features, a filter, and a picture."""
    return qgis.ask(
        ("project", str(city.projects["ogc"])),
        ("layers",),
        ("filter", COVERS, "\"material\" = '铸铁'"),
        ("draw", str(city.projects["ogc"].with_suffix(".png")), NEAR),
    )


def test_every_layer_comes_from_postgis_with_every_row(city: City, by_postgis: tuple[dict[str, Any], dict[str, Any]]) -> None:
    project, layers = by_postgis
    assert (project["title"], project["crs"]) == ("青岛市市北区", "EPSG:4549")
    assert [id for id, told in layers.items() if not told["valid"]] == []
    for id in PUBLIC:
        assert sum(told["count"] for name, told in layers.items() if name.startswith(f"gisgrid_{id}")) == _rows(city.database, id), id
    # A point, a line, an area, and one without a place.
    assert [layers[f"gisgrid_quality_issues_{kind}"]["count"] for kind in ("point", "linestring", "polygon", "nogeometry")] == [1, 1, 1, 1]


def test_every_layer_comes_from_ogc_api_with_every_row(city: City, by_ogc: list[Any]) -> None:
    project, layers, _, _ = by_ogc
    assert (project["title"], project["crs"]) == ("青岛市市北区", "EPSG:4549")
    assert {name.removeprefix("gisgrid_") for name in layers} == set(PUBLIC)
    assert [id for id, told in layers.items() if not told["valid"]] == []
    for id in PUBLIC:
        told = layers[f"gisgrid_{id}"]
        assert told["fields"] == [field.name for field in layer(id).fields]
        if id != "quality_issues":
            assert told["count"] == _rows(city.database, id), id


def test_the_tiles_of_a_project_hold_every_feature(city: City, qgis: Qgis) -> None:
    _, layers, counted = qgis.ask(("project", str(city.projects["tiles"])), ("layers",), ("count", TOWN_3857))
    assert {name: told["valid"] for name, told in layers.items()} == {
        f"gisgrid_{name}": True
        for name in ("areas", "names", "camera_views", *(item.id for item in LAYERS if item.public and item.level is None))
    }
    usual = min(int(address.split("/")[0]) for address in counted)
    assert sum(counts.get("addresses", 0) for counts in counted.values()) >= _rows(city.database, "addresses")
    with city.database.connect() as connection:
        for address, counts in counted.items():
            z, x, y = map(int, address.split("/"))
            # Of a layer that begins at a larger zoom than the others QGIS takes the tiles of that.
            here = [item for item in PUBLIC if max(layer(item).min_zoom, usual) == z]
            for id in (item for item in here if item in counts or item != "quality_issues"):
                box = f"ST_TileEnvelope(%s, %s, %s, margin => {BUFFER / EXTENT})"
                query = f"SELECT count(*) FROM gisgrid.{id} WHERE ST_Intersects(geom_3857, {box})"
                assert connection.execute(query.encode(), [z, x, y]).fetchone() == (counts.get(id, 0),), (address, id)
    assert sum(counts.get("manhole_covers", 0) for counts in counted.values()) >= _rows(city.database, "manhole_covers")


def test_fields_have_chinese_names_and_lists_of_values(by_postgis: tuple[dict[str, Any], dict[str, Any]], by_ogc: list[Any]) -> None:
    for layers in (by_postgis[1], by_ogc[1]):
        covers = layers[COVERS]
        assert covers["name"] == "井盖"
        assert covers["aliases"]["state"] == "状态"
        assert covers["aliases"]["size"] == "规格 (mm)"
        assert ["完好", "intact"] in covers["values"]["state"]
        assert len(covers["values"]["state"]) == len(layer("manhole_covers").field("state").choices)
        assert ["0102 污水井盖", "0102"] in covers["values"]["class_code"]
        assert len(covers["values"]["class_code"]) == 16
        assert covers["widgets"]["installed_on"] == "DateTime"
        assert covers["tabs"] == ["部件", "规格", "单位", "编码与来源"]
        assert sorted(covers["placed"]) == sorted(field.name for field in layer("manhole_covers").fields)
        assert {"class_name", "kind"} <= set(covers["fixed"])
        assert "state" not in covers["fixed"]
        assert covers["defaults"]["scheme"] == "CJ/T 214"
        assert layers[CAMERAS]["values"]["kind"] == [["枪机", "fixed"], ["半球", "dome"], ["球机", "ptz"]]
        assert layers[GRIDS]["fixed"][-1] == "area_m2"
        assert layers[GRIDS]["constraints"]["code"].startswith('regexp_match("code"')


def test_layers_are_in_groups_drawn_from_their_scale_on_and_have_more_than_one_style(
    by_postgis: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    project, layers = by_postgis
    assert list(project["groups"]) == ["质量检查", "案件", "部件与设备", "楼院、门牌、地点", "道路", "网格与区划"]
    assert project["groups"]["网格与区划"] == ["gisgrid_grids", "gisgrid_communities", "gisgrid_streets", "gisgrid_districts"]
    assert layers[COVERS]["visible_from"] == 20_000
    assert layers["gisgrid_districts"]["visible_from"] is None
    assert set(layers[COVERS]["styles"]) == {"种类与状态", "按状态"}
    assert layers[COVERS]["style"] == "种类与状态"
    assert {"污水", "破损", "丢失"} <= set(layers[COVERS]["legend"])
    assert all(told["read_only"] for name, told in layers.items() if "quality_issues" in name)


@pytest.mark.parametrize("kind", ["postgis", "ogc", "tiles"])
def test_the_map_shows_grids_covers_cameras_and_buildings_in_their_colours(city: City, qgis: Qgis, by_ogc: list[Any], kind: str) -> None:
    if kind == "ogc":
        drawn = by_ogc[3]
    else:
        box = NEAR_3857 if kind == "tiles" else NEAR
        picture = str(city.projects[kind].with_suffix(".png"))  # type: ignore[index]
        drawn = qgis.ask(("project", str(city.projects[kind])), ("draw", picture, box), login=login_of(city.database.url))[1]  # type: ignore[index]
    colours = drawn["colours"]
    sewage = "#7a5537"
    for colour in (sewage, palette()["online"]):
        assert colours.get(colour, 0) > 10, colour
    assert len(colours) > 100
    assert max(colours.values()) < 0.9 * sum(colours.values())


def test_what_a_filter_leaves_is_what_postgis_says(city: City, qgis: Qgis, by_ogc: list[Any]) -> None:
    expected = _rows(city.database, "manhole_covers", "material = '铸铁'")
    by_database = qgis.ask(
        ("project", str(city.projects["postgis"])), ("filter", COVERS, "\"material\" = '铸铁'"), login=login_of(city.database.url)
    )[1]
    assert 0 < expected < _rows(city.database, "manhole_covers")
    assert by_database == {"taken": True, "count": expected}
    assert by_ogc[2] == {"taken": True, "count": expected}


def test_a_layer_that_is_added_by_hand_comes_with_its_style(city: City, qgis: Qgis) -> None:
    place = Connection(*_address(city.database))
    database = f"dbname='{place.name}' host='{place.host}' port={place.port}"
    uri = f'{database} key=\'id\' srid=4326 type=Point table="{{}}"."manhole_covers" (geom)'
    clean, own = qgis.ask(
        ("by hand", uri.format("gisgrid_qgis"), "postgres"),
        ("by hand", uri.format("gisgrid"), "postgres"),
        login=login_of(city.database.url),
    )
    for told in (clean, own):
        assert told["loaded"]
        assert told["renderer"] == "RuleRenderer"
        assert told["aliases"]["state"] == "状态"
        assert told["widgets"]["class_code"] == "ValueMap"
        assert {"种类与状态", "按状态"} <= set(told["stored"])
    assert clean["fields"] == ["id", *(field.name for field in layer("manhole_covers").fields)]
    assert own["widgets"]["geom_3857"] == "Hidden"


@pytest.fixture
def editor(city: City) -> dict[str, str]:
    """The login of an analyst who belongs to the role of editors and to nothing else."""
    name, password = f"{city.database.address.rpartition('/')[2]}_zhang", "secret"
    with psycopg.connect(city.database.url, autocommit=True) as connection:
        if connection.execute("SELECT to_regrole(%s)", [name]).fetchone() == (None,):
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE gisgrid_editor").format(sql.Identifier(name), password))
    return login_of(city.database.url, name, password)


def test_an_editor_changes_adds_and_deletes_and_reads_it_back(city: City, qgis: Qgis, editor: dict[str, str]) -> None:
    first, new = "3702030102000003", "3702030101999999"
    answers = qgis.ask(
        ("project", str(city.projects["postgis"])),
        ("change", COVERS, first, {"state": "broken", "material": "复合材料", "size": None, "geometry": [120.3741, 36.0811]}),
        ("add", COVERS, {"code": new, "class_code": "0101", "name": "上水井盖", "material": "铸铁"}, "Point(120.3742 36.0812)"),
        ("filter", COVERS, "\"state\" = 'broken'"),
        ("add", CAMERAS, {"code": "C-new", "kind": "dome"}, "Point(120.3743 36.0813)"),
        (
            "add",
            "gisgrid_buildings",
            {"code": "B-new"},
            "MultiPolygon(((120.3711 36.0812,120.3712 36.0812,120.3712 36.0813,120.3711 36.0812)))",
        ),
        ("remove", COVERS, "3702030102000004"),
        login=editor,
    )
    assert [answer.get("saved") for answer in answers if "saved" in answer] == [True] * 5, answers
    assert answers[3]["count"] == 1
    with city.database.connect() as connection:
        row = connection.execute(
            "SELECT state, material, shape, size, ST_AsText(geom), kind FROM gisgrid.manhole_covers WHERE code = %s", [first]
        ).fetchone()
        made = connection.execute("SELECT state, material, class_name FROM gisgrid.manhole_covers WHERE code = %s", [new]).fetchone()
        who = connection.execute(
            "SELECT DISTINCT editor FROM gisgrid.edits WHERE code = ANY(%s)", [[first, new, "C-new", "B-new"]]
        ).fetchall()
    assert row == ("broken", "复合材料", "圆形", None, "POINT(120.3741 36.0811)", "sewage")
    assert made == ("intact", "铸铁", "上水井盖")
    assert who == [(editor["PGUSER"],)]
    assert _rows(city.database, "manhole_covers", "code = '3702030102000004'") == 0
    assert _rows(city.database, "cameras", "code = 'C-new'") == _rows(city.database, "buildings", "code = 'B-new'") == 1


def test_what_breaks_a_rule_is_refused_in_words(city: City, qgis: Qgis, editor: dict[str, str]) -> None:
    shared = "MultiPolygon(((120.3701 36.0801,120.3711 36.0801,120.3711 36.0811,120.3701 36.0801)))"
    _, pattern, taken, overlap = qgis.ask(
        ("project", str(city.projects["postgis"])),
        ("change", COVERS, "3702030102000005", {"code": "x"}),
        ("change", COVERS, "3702030102000005", {"code": "3702030102000006"}),
        ("add", GRIDS, {"code": "370203001001999", "name": "新", "parent_code": "370203001001"}, shared),
        login=editor,
    )
    # Overlaps are looked at when the transaction ends: QGIS tells of that in its log, under PostGIS.
    for answer, where, words in (
        (pattern, "errors", "代码“x”不符合编码规则"), (taken, "errors", "3702030102000006"), (overlap, "log", "370203001001001"),
    ):  # fmt: skip
        assert answer["began"]
        assert not answer["saved"]
        assert words in "".join(answer[where]), answer
        assert "CASE WHEN" not in "".join(answer["errors"])
    assert _rows(city.database, "manhole_covers", "code = 'x'") == 0
    assert _rows(city.database, "grids") == 6


def test_an_analyst_who_only_reads_cannot_edit(city: City, qgis: Qgis) -> None:
    name = f"{city.database.address.rpartition('/')[2]}_li"
    with psycopg.connect(city.database.url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'secret' IN ROLE gisgrid_reader").format(sql.Identifier(name)))
    reader = login_of(city.database.url, name, "secret")
    _, layers, change = qgis.ask(
        ("project", str(city.projects["postgis"])), ("layers",), ("change", COVERS, "3702030102000007", {"state": "broken"}), login=reader
    )
    assert [id for id, told in layers.items() if not told["valid"]] == []
    assert not change["began"]


def _address(database: Database) -> tuple[str, str, str]:
    place, _, name = database.address.rpartition("/")
    host, _, port = place.partition(":")
    return host, port, name


def test_a_service_tells_qgis_where_the_database_is(city: City, qgis: Qgis, tmp_path: Path) -> None:
    from gisgrid.qgis.sources import postgis  # noqa: PLC0415

    host, port, name = _address(city.database)
    (tmp_path / "pg_service.conf").write_text(f"[grids]\nhost={host}\nport={port}\ndbname={name}\n")
    uri = postgis(Connection(service="grids"), layer("manhole_covers"), "Point")
    login = login_of(city.database.url) | {"PGSERVICEFILE": str(tmp_path / "pg_service.conf")}
    (told,) = qgis.ask(("by hand", uri, "postgres"), login=login)
    assert told["count"] == _rows(city.database, "manhole_covers")
