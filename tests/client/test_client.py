"""Both clients against a real server: every method, the errors that it tells, a server that goes and comes."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import geopandas
import numpy as np
import pytest

from gisgrid import Client
from gisgrid.client import BuildingAt, CoverAnswer, Feature, NearestAnswer
from gisgrid.crs import from_wgs84, parse_crs
from gisgrid.db import Database
from gisgrid.errors import CrsError, NotFoundError, ParameterError, UnavailableError, UsageError
from gisgrid.matching import match_cover
from gisgrid.services import ReadModel
from gisgrid.types import Location
from tests.client.conftest import Ask, ask_async, ask_sync, serving
from tests.services.recut import MOVED, NEW, OLD, recut
from tests.serving import Server

PLACE = (120.375, 36.085)
INSIDE = (120.3722, 36.0819)


def rounded(location: Location) -> Location:
    """Return a location with the decimal places that answers over HTTP have."""
    candidates = tuple(
        one._replace(distance_m=round(one.distance_m, 3), share=None if one.share is None else round(one.share, 4))
        for one in location.candidates
    )
    nearest, share = location.nearest, location.outside_share
    return location._replace(
        lon=round(location.lon, 9),
        lat=round(location.lat, 9),
        distance_to_edge_m=None if location.distance_to_edge_m is None else round(location.distance_to_edge_m, 3),
        candidates=candidates,
        nearest=None if nearest is None else nearest._replace(distance_m=round(nearest.distance_m, 3)),
        outside_share=None if share is None else round(share, 4),
    )


@pytest.mark.parametrize("accuracy_m", [None, 20.0])
@pytest.mark.parametrize("place", [PLACE, INSIDE, (120.369, 36.0819), (120.3851, 36.0819)])
def test_a_location_is_the_one_that_the_locator_gives(
    ask: Ask, model: ReadModel, place: tuple[float, float], accuracy_m: float | None
) -> None:
    answer = ask("locate", *place, accuracy_m=accuracy_m)
    assert answer.location == rounded(model.locator.locate(*place, accuracy_m))
    assert answer.currency == (model.version, False, None)
    assert answer.conversion_accuracy_m == 0.0
    assert (answer.then, answer.cameras, answer.manhole_covers, answer.building, answer.cover) == (None,) * 5


def test_everything_there_is_at_a_place_comes_in_one_answer(ask: Ask, model: ReadModel) -> None:
    include = ["cameras", "manhole_covers", "building", "cover"]
    answer = ask("locate", 120.3712, 36.0808, include=include, sight=True, target_height_m=1.5, text="污水井盖破损")
    assert [camera.id for camera in answer.cameras] == [near.id for near in model.snapshot.points["cameras"].nearest(120.3712, 36.0808, 5)]
    assert all(camera.sight is not None and camera.sight.reason for camera in answer.cameras)
    states = {camera.sight.state for camera in answer.cameras}
    assert states <= {"sees", "probably_sees", "blocked", "out_of_view", "out_of_range", "unknown"}
    assert len(answer.manhole_covers) == 5
    assert answer.manhole_covers[0].sight is None
    assert isinstance(answer.building, BuildingAt)
    assert (answer.building.code, answer.building.distance_m) == ("B0", 0.0)
    assert answer.building.properties["floors"] == 6
    assert isinstance(answer.cover, CoverAnswer)
    assert answer.cover.kinds_named == ("sewage",)
    assert (answer.cover.currency, answer.cover.then) == (None, None)
    assert ask("locate", 120.3712, 36.0808, include="building").building == answer.building
    nothing = ask("locate", 120.3705, 36.0839, include=("building", "cameras"))
    assert nothing.building is None
    assert nothing.cameras[0].sight is None


def test_a_camera_behind_a_building_says_which(ask: Ask) -> None:
    blocked = [
        camera.sight
        for k in range(40)
        for camera in ask("nearest", "cameras", 120.3706 + 0.0002 * (k % 10), 36.0806 + 0.0003 * (k // 10), k=2, sight=True).features
        if camera.sight.state == "blocked"
    ]
    assert blocked
    assert all(sight.blocked_by["building_code"].startswith("B") and sight.share > 0 for sight in blocked)


@pytest.mark.parametrize("layer", ["cameras", "manhole_covers"])
def test_the_nearest_features_are_those_of_the_index(ask: Ask, model: ReadModel, layer: str) -> None:
    answer = ask("nearest", layer, *PLACE, k=7, radius_m=400)
    expected = model.snapshot.points[layer].nearest(*PLACE, 7, 400)
    assert isinstance(answer, NearestAnswer)
    assert [feature.id for feature in answer.features] == [near.id for near in expected]
    assert [feature.distance_m for feature in answer.features] == pytest.approx([near.distance_m for near in expected], abs=6e-4)
    feature: Feature = answer.features[0]
    assert (feature.lon, feature.lat, feature.code) == (expected[0].lon, expected[0].lat, expected[0].properties["code"])
    assert feature.properties["code"] == feature.code
    assert feature.bearing_deg == pytest.approx(expected[0].bearing_deg, abs=0.01)
    assert (answer.lon, answer.lat) == PLACE
    assert ask("nearest", layer, *PLACE, radius_m=0.01).features == ()


def test_the_nearest_buildings_have_their_fields(ask: Ask, model: ReadModel) -> None:
    answer = ask("nearest", "buildings", *PLACE, k=3)
    expected = model.snapshot.footprints.nearest(*PLACE, 3, None)
    assert [building.id for building in answer.features] == [near.id for near in expected]
    first = answer.features[0]
    assert (first.lon, first.lat, first.bearing_deg, first.sight) == (None,) * 4
    assert first.properties == expected[0].properties
    assert first.code == expected[0].properties["code"]
    assert ask("nearest", "buildings", *PLACE, use="住宅").features == ask("nearest", "buildings", *PLACE).features
    assert ask("nearest", "buildings", *PLACE, use=["商业", "办公"]).features == ()


def test_features_are_chosen_by_their_fields(ask: Ask) -> None:
    kinds = [feature.properties["kind"] for feature in ask("nearest", "cameras", *PLACE, k=10, kind=("dome", "ptz")).features]
    assert set(kinds) == {"dome", "ptz"}
    assert len(ask("nearest", "cameras", *PLACE, k=10, kind="dome", status=["online"], owner_code="U1").features) == kinds.count("dome")
    covers = ask("nearest", "manhole_covers", *PLACE, k=5, kind=["sewage"], state={"intact", "broken"}).features
    assert [cover.properties["state"] for cover in covers] == ["intact"] * 5
    seeing = ask("nearest", "cameras", 120.3712, 36.0815, k=10, sight="seeing", target_height_m=2.0).features
    assert {camera.sight.state for camera in seeing} <= {"sees", "probably_sees"}
    # None of the values is wanted: that is not the same as any.
    with pytest.raises(ParameterError, match="state"):
        ask("nearest", "manhole_covers", *PLACE, state=[])


@pytest.mark.parametrize("text", ["雨水井盖破损", "污水井盖丢失，请处理", ""])
def test_the_cover_concerned_is_scored_as_it_is_in_process(ask: Ask, model: ReadModel, text: str) -> None:
    place = (120.37452, 36.08451)
    answer = ask("match_cover", *place, text=text, accuracy_m=15.0, state="intact")
    ours = match_cover(model.snapshot.points["manhole_covers"], *place, accuracy_m=15.0, text=text, state="intact")
    assert (answer.status, answer.reason, answer.kinds_named) == (ours.status, ours.reason, ours.kinds_named)
    assert [cover.feature.id for cover in answer.candidates] == [cover.neighbour.id for cover in ours.candidates]
    assert [cover.score for cover in answer.candidates] == pytest.approx([cover.score for cover in ours.candidates], abs=1e-4)
    assert [part["why"] for part in answer.candidates[0].parts] == [part.why for part in ours.candidates[0].parts]
    assert (answer.cover is None) == (ours.cover is None)
    assert answer.none_score == pytest.approx(ours.none_score, abs=1e-4)
    assert answer.currency.data_version == model.version


@pytest.mark.parametrize("to", ["gcj02", "bd09", "EPSG:4549"])
def test_a_position_is_converted(ask: Ask, to: str) -> None:
    answer = ask("convert", *PLACE, to)
    assert (answer.first, answer.second) == pytest.approx(from_wgs84(parse_crs(to), *PLACE), abs=1e-3 if to.startswith("EPSG") else 1e-8)
    assert answer.crs == to
    assert answer.accuracy_m is not None
    assert answer.accuracy
    back = ask("convert", answer.first, answer.second, "wgs84", crs=to)
    assert (back.first, back.second) == pytest.approx(PLACE, abs=1e-7)
    with pytest.raises(ParameterError, match="several"):
        ask("convert", *PLACE, "wgs84,gcj02")


def test_places_may_be_in_any_system(ask: Ask) -> None:
    expected = ask("locate", *INSIDE).location
    for crs in ("gcj02", "bd09", "EPSG:4549", "cgcs2000"):
        found = ask("locate", *from_wgs84(parse_crs(crs), *INSIDE), crs=crs)
        assert found.location.grid == expected.grid
        assert (found.location.lon, found.location.lat) == pytest.approx(INSIDE, abs=1e-7)
        assert found.conversion_accuracy_m is not None


def test_the_past_says_of_when_it_is(own_town: Database) -> None:
    instants = recut(own_town)
    with serving(own_town) as running:
        for asking in (ask_sync, ask_async):
            for ask in asking(running.url):
                answer = ask("locate", *MOVED, as_of=instants.old, include="cameras")
                assert answer.location.grid.code == OLD
                assert answer.then.as_of == instants.old
                assert answer.then.valid_from <= instants.old < answer.then.valid_to
                assert ask("locate", *MOVED).location.grid.code == NEW
                assert ask("locate_many", [MOVED], as_of=instants.old.isoformat())[0].grid.code == OLD
                frame = geopandas.GeoDataFrame(geometry=geopandas.points_from_xy(*np.array([MOVED]).T), crs=4326)
                assert ask("locate_frame", frame, as_of=instants.old)["grid"].tolist() == [OLD]
                assert ask("locate_frame", frame)["grid"].tolist() == [NEW]
                assert ask("nearest", "cameras", *MOVED, as_of=instants.old).then.generation == answer.then.generation
                assert ask("match_cover", *MOVED, as_of=instants.new).then.valid_from <= instants.new
                with pytest.raises(ParameterError, match=r"as_of: no areas were served"):
                    ask("locate", *MOVED, as_of=datetime(1999, 1, 1, tzinfo=UTC))
                with pytest.raises(ParameterError, match="as_of"):
                    list(ask("locate_many", [MOVED], as_of=datetime(2026, 11, 22)))


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (("locate", 120.0, 36.0, {"crs": "wgs85"}), CrsError, "crs: .*wgs85"),
        (("locate", 36.085, 120.375, {}), ParameterError, "lat: 120.375 is out of range.*exchanged"),
        (("locate", 120.0, float("nan"), {}), ParameterError, "lat: "),
        (("locate", 120.0, 36.0, {"include": "cats"}), ParameterError, "include: .*cats"),
        (("locate", 120.0, 36.0, {"sihgt": True}), ParameterError, "sihgt: .*no such parameter"),
        (("nearest", "cameras", 120.0, 36.0, {"k": 0}), ParameterError, "k: "),
        (("nearest", "cameras", 120.0, 36.0, {"kind": "owl"}), ParameterError, r"kind: .*owl.*dome"),
        (("nearest", "lamps", 120.0, 36.0, {}), NotFoundError, "lamps"),
        (("convert", 120.0, 36.0, "EPSG:4978", {}), CrsError, "to: "),
        (("match_cover", 120.0, 36.0, {"text": "井" * 2001}), ParameterError, "text: "),
    ],
)
def test_what_the_server_refuses_is_the_error_it_is_in_process(
    ask: Ask, call: tuple[object, ...], kind: type[UsageError], message: str
) -> None:
    *arguments, options = call
    assert isinstance(options, dict)
    with pytest.raises(kind, match=message) as caught:
        ask(*arguments, **options)
    assert type(caught.value) is kind
    if isinstance(caught.value, ParameterError):
        assert str(caught.value).count(caught.value.name + ": ") == 1
        assert not caught.value.expected or str(caught.value).count(caught.value.expected) == 1


def test_a_bad_system_refuses_the_whole_batch(ask: Ask) -> None:
    with pytest.raises(CrsError, match="wgs85"):
        ask("locate_many", [PLACE], crs="wgs85")


def test_threads_share_a_client(server: Server, model: ReadModel) -> None:
    places = [(120.3702 + 0.0001 * k, 36.0802 + 0.00004 * k) for k in range(160)]
    with Client(server.url, crs="wgs84") as client, ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda place: client.locate(*place).location, places))
        batches = list(threads.map(lambda _: list(client.locate_many(places)), range(6)))
    assert answers == [rounded(model.locator.locate(*place)) for place in places]
    assert batches == [answers] * 6


def test_many_questions_at_once_on_one_loop(server: Server, model: ReadModel) -> None:
    from gisgrid import AsyncClient  # noqa: PLC0415 - as a user would

    places = [(120.3702 + 0.0001 * k, 36.0802 + 0.00004 * k) for k in range(100)]

    async def run() -> list[Location]:
        async with AsyncClient(server.url, crs="wgs84") as client:
            return [answer.location for answer in await asyncio.gather(*(client.locate(*place) for place in places))]

    assert asyncio.run(run()) == [rounded(model.locator.locate(*place)) for place in places]


def test_a_server_that_was_started_anew_between_two_calls_is_asked_again(town: Database) -> None:
    with serving(town) as first:
        client = Client(first.url, crs="wgs84", retries=12)
        before = client.locate(*PLACE)
    with pytest.raises(UnavailableError, match="gave no answer, in 2 attempts"), Client(first.url, crs="wgs84", retries=1) as impatient:
        impatient.locate(*PLACE)
    # The same address, while a call is waiting for it.
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(client.locate, *PLACE)
        with serving(town, first.port):
            assert waiting.result(60).location == before.location
            assert [answer.grid for answer in client.locate_many([PLACE]) if isinstance(answer, Location)] == [before.location.grid]
    client.close()
