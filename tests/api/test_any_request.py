"""No request whatever is answered with a fault of the server."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.convert import CONVERT_PARAMETERS
from api.lookup_params import LOCATE_PARAMETERS, MATCH_PARAMETERS, NEAREST_PARAMETERS
from gisgrid.services import INCLUDES
from tests.api.conftest import Server

FIXED = settings(
    max_examples=150, database=None, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
NAMES = st.sampled_from(["lon", "lat", "x", "y", "crs", "accuracy_m", "as_of", "include", "k", "radius_m", "", "zzz"])
CRS = st.sampled_from(["wgs84", "gcj02", "bd09", "cgcs2000", "EPSG:4549", "EPSG:3857", "EPSG:4490", "EPSG:2326", "EPSG:1", "", "wgs"])
NUMBERS = st.one_of(
    st.floats().map(str),
    st.floats(-200, 200).map(str),
    st.floats(120.3, 120.4).map(str),
    st.floats(36.0, 36.2).map(str),
    st.integers(-(10**9), 10**9).map(str),
    st.text(max_size=8),
)
PAIRS = st.lists(st.tuples(NAMES, st.one_of(NUMBERS, CRS)), max_size=6)
POINT = st.fixed_dictionaries({"lon": st.floats(119, 122).map(str), "lat": st.floats(35, 37).map(str), "crs": CRS})
JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**60), 2**60), st.text(max_size=5)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["id", "lon", "lat", "x", "y", "crs", "as_of", "points"]), inner, max_size=4),
    ),
    max_leaves=12,
)


def _ask(server: Server, path: str, pairs: Any) -> int:
    answer = server.get(path, params=pairs)
    assert answer.status_code in (200, 400), answer.text
    if answer.status_code == 400:
        assert answer.json()["parameter"] is not None
    return answer.status_code


@FIXED
@given(pairs=PAIRS)
def test_any_parameters(server: Server, pairs: list[tuple[str, str]]) -> None:
    _ask(server, "/locate", pairs)
    _ask(server, "/cameras/nearest", pairs)


@FIXED
@given(point=POINT, more=st.lists(st.tuples(st.sampled_from(["accuracy_m", "as_of", "include", "k", "radius_m"]), NUMBERS), max_size=2))
def test_any_point_near_the_city(server: Server, point: dict[str, str], more: list[tuple[str, str]]) -> None:
    _ask(server, "/locate", [*point.items(), *more])


# Of every parameter of the lookups something that is mostly understood, so that what is behind the parsers is asked too.
SENSIBLE = {
    "accuracy_m": st.sampled_from(["0", "15", "1e3", "10000", "1e-300"]),
    "as_of": st.sampled_from(["2026-11-22", "2999-01-01T00:00:00Z", "2026-01-01T00:00:00+14:00", "1970-01-01"]),
    "include": st.lists(st.sampled_from(INCLUDES), unique=True, min_size=1).map(",".join),
    "k": st.integers(1, 60).map(str),
    "radius_m": st.sampled_from(["0.001", "50", "5000"]),
    "sight": st.sampled_from(["true", "false", "seeing", "True"]),
    "target_height_m": st.sampled_from(["0", "1.7", "1000"]),
    "text": st.one_of(st.sampled_from(["楼前污水井盖破损，移位", "不是雨水井", "社区服务站的电力井盖丢失"]), st.text(max_size=30)),
    "kind": st.one_of(st.sampled_from(["sewage", "污水井盖", "fixed,dome", "污水井盖,井盖"]), st.text(max_size=5)),
    "state": st.one_of(st.sampled_from(["broken", "破损", "intact,missing"]), st.text(max_size=5)),
    "status": st.one_of(st.sampled_from(["online", "online,fault"]), st.text(max_size=5)),
    "use": st.one_of(st.sampled_from(["住宅", "住宅,商业", ","]), st.text(max_size=5)),
    "owner_code": st.one_of(st.sampled_from(["U1", "U1,U2"]), st.text(max_size=5)),
    "to": st.one_of(CRS, st.lists(CRS, max_size=12).map(",".join)),
}
ROUTES = {
    "/locate": LOCATE_PARAMETERS,
    "/manhole_covers/match": MATCH_PARAMETERS,
    "/convert": CONVERT_PARAMETERS,
    **{f"/{layer}/nearest": parameters for layer, parameters in NEAREST_PARAMETERS.items()},
}
PLACE = st.fixed_dictionaries({"lon": st.floats(120.37, 120.386).map(str), "lat": st.floats(36.08, 36.089).map(str), "crs": CRS})


@FIXED
@pytest.mark.parametrize("route", ROUTES)
@given(data=st.data(), place=PLACE)
def test_any_lookup_with_any_of_its_parameters(server: Server, route: str, data: st.DataObject, place: dict[str, str]) -> None:
    others = sorted(ROUTES[route].keys() - {"lon", "lat", "x", "y", "crs"})
    chosen = data.draw(st.lists(st.sampled_from(others), unique=True, max_size=5))
    _ask(server, route, place | {name: data.draw(SENSIBLE[name]) for name in chosen})


@FIXED
@given(query=st.binary(max_size=40))
def test_any_bytes_for_a_query(server: Server, query: bytes) -> None:
    text = "".join(chr(byte) if 33 <= byte < 127 and byte not in b"#" else f"%{byte:02x}" for byte in query)
    assert server.get(f"/locate?{text}").status_code in (200, 400)


@FIXED
@given(points=st.lists(JSON, max_size=5), crs=CRS)
def test_any_points_in_a_batch_are_each_answered(server: Server, points: list[object], crs: str) -> None:
    answer = server.batch({"crs": crs, "points": points})
    assert answer.status_code in (200, 400), answer.text
    if answer.status_code == 200:
        assert len(answer.json()["results"]) == len(points)


@FIXED
@given(body=st.one_of(st.binary(max_size=60), JSON.map(orjson.dumps)))
def test_any_body(server: Server, body: bytes) -> None:
    assert server.batch(body).status_code in (200, 400)


@FIXED
@given(
    parts=st.lists(st.one_of(st.text(max_size=6), st.integers(-5, 10**7).map(str)), min_size=1, max_size=5),
    end=st.sampled_from([".mvt", ".json", ""]),
)
def test_any_address_below_tiles(server: Server, parts: list[str], end: str) -> None:
    path = "/".join("".join(f"%{byte:02x}" for byte in part.encode("utf-8", "replace")) for part in parts)
    for address in (f"/tiles/{path}{end}", f"/tiles/grids/{path}{end}"):
        assert server.get(address).status_code in (200, 204, 400, 404)
