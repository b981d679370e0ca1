"""Styles by MapLibre's own validator, and against the catalogue: they draw what tiles hold."""

from __future__ import annotations

import re
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import orjson
import pytest
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile

from gisgrid.errors import NotFoundError
from gisgrid.layers import LAYERS, layer
from gisgrid.types import Bounds
from tiles import camera_views
from tiles.names import names_tilejson
from tiles.request import Datum
from tiles.styles import SPRITES, Language, Site, StyleRequest, making, sprite, style_document, style_list
from tiles.styles.shipped import kinds
from tiles.styles.values import filled

WEB = Path(__file__).resolve().parents[2] / "web"
VALIDATOR = WEB / "node_modules" / "@maplibre" / "maplibre-gl-style-spec" / "dist" / "gl-style-validate.mjs"
SITE = Site("http://town.test", Bounds(120.3, 36.0, 120.5, 36.2), "some town", "市北区")
IDS = [style.id for style in style_list()]
DERIVED = {"camera_views": set(camera_views.FIELDS), "h3": {"cell", "count"}}
DATUMS: tuple[Datum, ...] = ("wgs84", "gcj02")
LANGUAGES: tuple[Language, ...] = ("zh", "en")
EVERY = [StyleRequest(id, datum, language) for id in IDS for datum in DATUMS for language in LANGUAGES]


def document(id: str, datum: Datum = "wgs84", language: Language = "zh") -> dict[str, Any]:
    return style_document(StyleRequest(id, datum, language), SITE)


def validate(*files: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["node", str(VALIDATOR), *map(str, files)], capture_output=True, text=True, check=False)


def texts(part: Any) -> Iterator[str]:
    """Every string of a document."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict | list):
        for item in part.values() if isinstance(part, dict) else part:
            yield from texts(item)


def read_properties(part: Any) -> Iterator[str]:
    """Every property that expressions in ``part`` read."""
    if isinstance(part, list):
        if len(part) == 2 and part[0] in ("get", "has") and isinstance(part[1], str):
            yield part[1]
        for item in part:
            yield from read_properties(item)
    elif isinstance(part, dict):
        for item in part.values():
            yield from read_properties(item)


def test_every_style_passes_the_official_validator(tmp_path: Path) -> None:
    files = []
    for request in EVERY:
        files.append(tmp_path / f"{'-'.join(request)}.json")
        files[-1].write_bytes(orjson.dumps(style_document(request, SITE)))
    done = validate(*files)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(files) == 4 * len(IDS)


def test_the_validator_finds_what_is_wrong(tmp_path: Path) -> None:
    style = document("light")
    style["layers"][1]["paint"]["line-colour"] = "#000000"
    (tmp_path / "wrong.json").write_bytes(orjson.dumps(style))
    done = validate(tmp_path / "wrong.json")
    assert done.returncode != 0
    assert "line-colour" in done.stdout + done.stderr


@pytest.mark.parametrize("id", IDS)
def test_a_style_asks_nobody_but_its_own_server_and_needs_no_fonts(id: str) -> None:
    style = document(id)
    addresses = [text for text in texts(style) if re.match(r"\w+://", text)]
    assert addresses
    assert all(address.startswith("http://town.test/") for address in addresses)
    assert "glyphs" not in style
    assert not [text for text in texts(style) if text.startswith("@")], "every place of a value is filled"


def test_a_value_that_is_not_known_is_no_style() -> None:
    assert filled({"a": ["@one", "two"]}, {"one": 1}) == {"a": [1, "two"]}
    with pytest.raises(KeyError, match="other"):
        filled(["@other"], {"one": 1})


def test_a_style_that_does_not_exist_is_answered_with_those_that_do() -> None:
    with pytest.raises(NotFoundError, match="nothing") as found:
        document("nothing")
    assert all(id in str(found.value.hint) for id in IDS)


@pytest.mark.parametrize("id", IDS)
def test_a_style_reads_what_tiles_hold_at_the_zooms_where_it_reads_it(id: str) -> None:
    style = document(id)
    read = {
        drawn["id"]: (
            drawn["source-layer"],
            drawn.get("minzoom", 0),
            set(read_properties([drawn.get(key) for key in ("filter", "layout", "paint")])),
        )
        for drawn in style["layers"]
        if "source-layer" in drawn
    }
    for drawn_id, (layer_id, from_zoom, names) in read.items():
        assert names <= carried(layer_id, int(from_zoom)), drawn_id
    shown = {layer_id for layer_id, _, _ in read.values()}
    assert shown >= {"districts", "streets", "communities", "grids", "names"}
    assert shown >= {item.id for item in LAYERS} or id == "density"


def carried(layer_id: str, zoom: int) -> set[str]:
    """Return the properties in tiles of a layer at a zoom, or at the first where it has tiles."""
    if layer_id == "names":
        (described,) = cast(list[dict[str, Any]], names_tilejson("", SITE.bounds, "")["vector_layers"])
        return set(described["fields"])
    if layer_id in DERIVED:
        return DERIVED[layer_id]
    found = layer(layer_id)
    names = {field.name for field in found.tile_fields(min(max(zoom, found.min_zoom), found.max_zoom))}
    return names | ({"feature_count"} if found.thinned_below is not None else set())


def test_a_style_for_shifted_base_maps_takes_shifted_tiles_alone() -> None:
    urls = [source["url"] for source in document("light", "gcj02")["sources"].values()]
    assert len(urls) == 11
    assert all(url.endswith(".json?datum=gcj02") for url in urls)
    assert not [source for source in document("light")["sources"].values() if "?" in source["url"]]


def test_what_nobody_may_see_is_in_no_style(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "LAYERS", tuple(item._replace(public=item.id not in ("cameras", "grids")) for item in LAYERS))
    style = document("light")
    assert "cameras" not in style["sources"]
    assert style["sources"]["areas"]["url"] == "http://town.test/tiles/districts,streets,communities.json"
    assert not [drawn["id"] for drawn in style["layers"] if drawn.get("source-layer") in ("cameras", "grids")]
    assert any(drawn.get("source-layer") == "manhole_covers" for drawn in style["layers"])


def test_issues_are_off_until_somebody_wants_them_and_may_be_anywhere() -> None:
    style = document("light")
    hidden = {drawn["source"] for drawn in style["layers"] if drawn.get("layout", {}).get("visibility") == "none"}
    assert hidden == {"quality_issues", "cases", "buildings"}
    assert style["sources"]["quality_issues"]["bounds"][0] == -180
    assert "bounds" not in style["sources"]["areas"]


def test_the_map_begins_where_the_data_are() -> None:
    style = document("light")
    assert style["center"] == pytest.approx([120.4, 36.1])
    # 0.2 degrees of latitude are 0.2475 of longitude here; 700 of 512 pixels of a tile.
    assert style["zoom"] == pytest.approx(np.log2(360 / 0.2475 * 700 / 512), abs=0.02)
    around_the_world = style_document(StyleRequest("light"), SITE._replace(bounds=Bounds(-180, -90, 180, 90)))
    assert around_the_world["zoom"] >= 0


def test_signs_and_the_legend_speak_the_language_that_is_asked_for() -> None:
    assert "水" in list(texts(document("light")["layers"]))
    english = document("light", language="en")
    assert "水" not in list(texts(english["layers"]))
    legend = english["metadata"]["gisgrid:legend"]
    assert legend["manhole_covers"][0] == {"id": "water", "title": "Water supply", "color": "#2f74b5", "sign": "W"}
    assert len(legend["buildings"]) == 8


def test_no_kind_is_there_twice() -> None:
    names = [name for kind in kinds("manhole_covers") for name in kind["names"]]
    values = [value for kind in kinds("buildings") for value in kind["values"]]
    assert len(set(names)) == len(names) > 20
    assert len(set(values)) == len(values) > 20


def test_palettes_have_the_same_colours() -> None:
    light, dark = (document(id)["metadata"]["gisgrid:colours"] for id in ("light", "dark"))
    assert light.keys() == dark.keys()
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in (*light.values(), *dark.values()))


@pytest.mark.parametrize("palette", SPRITES)
@pytest.mark.parametrize("ratio", [1, 2])
def test_a_sprite_has_every_sign_in_its_colour(palette: str, ratio: int) -> None:
    made = sprite(palette, ratio)
    picture = _decoded(made.png)
    colours = document(palette)["metadata"]["gisgrid:colours"]
    kinds = layer("cameras").field("kind").choices
    statuses = layer("cameras").field("status").choices
    needed = {f"camera/{kind}/{status}": colours[status] for kind in kinds for status in statuses}
    needed |= {f"issue/{severity}": colours[f"issue_{severity}"] for severity in ("error", "warning", "info")}
    assert needed.keys() == made.places.keys()
    for name, colour in needed.items():
        place = made.places[name]
        assert (place["width"], place["height"], place["pixelRatio"]) == (24 * ratio, 24 * ratio, ratio)
        sign = picture[place["y"] : place["y"] + place["height"], place["x"] : place["x"] + place["width"]].reshape(-1, 4)
        solid = sign[sign[:, 3] == 255][:, :3]
        share = (solid == np.frombuffer(bytes.fromhex(colour[1:]), np.uint8)).all(axis=1).mean()
        assert share > 0.15, name
        assert (sign[:, 3] == 0).any(), "around a sign the map shows"
        assert ((sign[:, 3] > 0) & (sign[:, 3] < 255)).any(), "edges are smooth"


def test_a_camera_points_north() -> None:
    place = sprite("light", 2).places["camera/fixed/online"]
    sign = _decoded(sprite("light", 2).png)[:48, place["x"] : place["x"] + 48, 3] > 127
    rows = np.flatnonzero(sign.any(axis=1))
    assert sign[rows[0] + 2].sum() < sign[rows[-1] - 4].sum()
    assert np.array_equal(sign, sign[:, ::-1])


def _decoded(png: bytes) -> npt.NDArray[np.uint8]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with MemoryFile(png) as file, file.open() as image:
            return np.moveaxis(image.read(), 0, -1)
