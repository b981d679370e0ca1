"""The cover concerned: which one stands out, when none does, and what the scores mean."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gisgrid.errors import ParameterError
from gisgrid.matching import STANDS_OUT, CoverMatch, cover_match_document, match_cover
from gisgrid.matching.distance import PositionError
from tests.matching.covers import LAT, LON, Cover, at, index_of

Match = Callable[..., CoverMatch]


def match(covers: list[Cover], text: str = "井盖破损", **options: object) -> CoverMatch:
    return match_cover(index_of(covers), LON, LAT, text=text, **options)  # type: ignore[arg-type]


def codes(found: CoverMatch) -> list[object]:
    return [cover.neighbour.properties["code"] for cover in found.candidates]


def test_a_cover_alone_near_the_place_is_the_one() -> None:
    found = match([Cover(3, 0), Cover(400, 0)])
    assert found.status == "matched"
    assert found.cover is not None
    assert codes(found) == ["01"]
    assert found.cover == found.candidates[0]
    assert found.cover.score + found.none_score == pytest.approx(1.0)
    assert found.reason.startswith("stands out with over 99%: ")
    assert "3.0 m away, where 10.0 m are usual" in found.reason


def test_two_alike_are_ambiguous_and_the_nearer_comes_first() -> None:
    found = match([Cover(5, 0), Cover(-3, 0)])
    assert (found.status, found.cover, codes(found)) == ("ambiguous", None, ["02", "01"])
    assert "no cover stands out" in found.reason


def test_the_kind_named_decides_between_two() -> None:
    covers = [Cover(2, 0, "rainwater"), Cover(-6, 0, "sewage")]
    found = match(covers, "楼前污水井盖破损，移位")
    assert (found.status, codes(found)[0], found.kinds_named) == ("matched", "02", ("sewage",))
    assert match(covers, "楼前雨水井盖破损").candidates[0].neighbour.properties["code"] == "01"
    assert match(covers, "楼前井盖破损").status == "ambiguous"
    assert match(covers, "井盖破损", kind="污水井盖").candidates[0].neighbour.properties["code"] == "02"
    assert match(covers, "不是雨水井").status == "matched"
    assert match(covers, "热力井盖破损").status == "ambiguous"


def test_a_kind_that_is_given_goes_before_the_text() -> None:
    found = match([Cover(2, 0, "rainwater"), Cover(-2, 0, "sewage")], "雨水井盖破损", kind="sewage")
    assert (found.status, codes(found)[0], found.kinds_named) == ("matched", "02", ("sewage",))


@pytest.mark.parametrize("kind", ["sewage", "污水", "污水井盖", "污水古力", "汙水井蓋", " sewage ", "sewage,rainwater", "污水，雨水"])
def test_a_kind_is_given_by_its_word_or_by_a_name(kind: str) -> None:
    assert "sewage" in match([], kind=kind).kinds_named


@pytest.mark.parametrize("kind", ["井盖", "古力", "窨井盖", None, "", "  "])
def test_a_mere_cover_is_no_kind(kind: str | None) -> None:
    assert match([], "雨水井盖破损", kind=kind).kinds_named == ("rainwater",)
    assert match([Cover(1, 0)], "护栏破损", kind=kind).status == ("matched" if kind and kind.strip() else "none")


def test_a_kind_that_is_given_is_not_denied_by_the_text() -> None:
    assert match([Cover(1, 0, "rainwater")], "不是雨水井", kind="rainwater").status == "matched"


def test_a_cover_of_another_kind_is_never_matched_for_its_owner_would_be_sent_for_nothing() -> None:
    found = match([Cover(1, 0, "rainwater")], "污水井盖破损")
    assert found.status == "ambiguous"
    assert found.candidates[0].score > STANDS_OUT
    assert "sewage is named, recorded is rainwater" in found.reason
    assert match([Cover(1, 0, "rainwater")], "不是雨水井盖").status == "ambiguous"


@pytest.mark.parametrize("kind", ["unknown", None, "special"])
def test_a_cover_of_no_sure_kind_can_be_the_one_named(kind: str | None) -> None:
    assert match([Cover(1, 0, kind)], "污水井盖破损").status == "matched"
    between = match([Cover(1, 0, kind), Cover(2, 0, "sewage")], "污水井盖破损")
    assert between.candidates[0].neighbour.properties["code"] == "02"


def test_a_cover_said_to_be_of_unknown_kind_may_be_recorded_as_any() -> None:
    assert match([Cover(1, 0, "sewage")], "无主井盖破损").status == "matched"
    assert codes(match([Cover(2, 0, "sewage"), Cover(-2, 0, "unknown")], "无主井盖破损"))[0] == "02"


def test_a_grating_is_no_cover() -> None:
    assert match([Cover(9, 0, "rainwater")], "雨水箅子堵塞").status == "none"
    assert match([Cover(1, 0, "rainwater")], "雨水箅子堵塞").status != "matched"


def test_a_removed_cover_is_unlikely_and_never_matched() -> None:
    both = match([Cover(2, 0, state="removed"), Cover(4, 0)])
    assert (both.status, codes(both)[0]) == ("matched", "02")
    alone = match([Cover(2, 0, state="removed")])
    assert alone.status == "ambiguous"
    assert "removed" in alone.reason


def test_an_abandoned_cover_comes_after_one_in_use_and_before_a_removed_one() -> None:
    covers = [Cover(3, 0, state="removed"), Cover(0, 3, state="abandoned"), Cover(-3, 0)]
    assert codes(match(covers)) == ["03", "02", "01"]


def test_a_state_that_is_recorded_already_speaks_for_a_cover() -> None:
    covers = [Cover(3, 0), Cover(-3, 0, state="missing"), Cover(0, 3, state="broken")]
    assert codes(match(covers, "井盖缺失"))[0] == "02"
    assert codes(match(covers, "井盖开裂"))[0] == "03"
    assert codes(match(covers, "井盖", state="missing"))[0] == "02"
    assert codes(match(covers, "井盖", state="破损"))[0] == "03"


def test_an_unknown_state_is_none_given() -> None:
    assert match([Cover(3, 0)], "井盖", state="unknown") == match([Cover(3, 0)], "井盖")


def test_the_owner_speaks_for_its_covers() -> None:
    covers = [Cover(2, 0, owner_code="A"), Cover(-2, 0, owner_code="B"), Cover(0, 2)]
    given_code = match(covers, owner_code="B")
    assert codes(given_code) == ["02", "03", "01"]
    named = {"青岛胶州湾供水有限公司": "A", "青岛市北排水运营有限公司": "B"}
    by_name = match(covers, "青岛市北排水运营公司的井盖响", organizations=named)
    assert codes(by_name)[0] == "02"
    assert by_name.candidates[0].score < match(covers, "排水井盖响", owner_code="B").candidates[0].score
    assert "B is named in the text, and recorded" in [part.why for part in by_name.candidates[0].parts]
    assert codes(match(covers, "井盖响", organizations=named)) == codes(match(covers, "井盖响"))


def test_nothing_within_reach_is_none() -> None:
    found = match([Cover(90, 0)])
    assert (found.status, found.candidates, found.none_score) == ("none", (), 1.0)
    assert found.reason == "no cover is recorded within 53 m"
    assert match([]).status == "none"


def test_a_report_of_something_else_is_none_however_near_a_cover_is() -> None:
    found = match([Cover(0.2, 0, "street_lighting")], "路灯连续3盏不亮，晚上很黑")
    assert (found.status, found.cover) == ("none", None)
    assert "something else than a cover" in found.reason
    assert match([Cover(0.2, 0)], "护栏破损").status == "none"


def test_what_overflows_may_be_a_cover_and_is_never_matched() -> None:
    assert match([Cover(1, 0, "sewage")], "污水外溢，气味难闻").status == "ambiguous"


def test_without_a_text_the_cover_alone_is_asked_for() -> None:
    assert match([Cover(3, 0)], "").status == "matched"
    assert match([Cover(3, 0)], "移位，破损").status == "matched"


def test_a_far_one_needs_a_position_of_small_accuracy() -> None:
    assert match([Cover(40, 0)]).status != "matched"
    assert match([Cover(40, 0)], accuracy_m=50.0).status == "matched"
    assert match([Cover(10, 0)], accuracy_m=1.0).status == "none"


def test_a_position_of_small_accuracy_leaves_more_doubt() -> None:
    covers = [Cover(2, 0), Cover(-20, 0)]
    scores = [match(covers, accuracy_m=accuracy_m).candidates[0].score for accuracy_m in (2.0, 10.0, 20.0, 40.0, 80.0)]
    assert scores == sorted(scores, reverse=True)
    assert match(covers).status == "matched"
    assert match(covers, accuracy_m=40.0).status == "ambiguous"


def test_a_badly_surveyed_cover_is_less_sure_near_and_likelier_far_away() -> None:
    near = match([Cover(1, 0, data_source="其他"), Cover(-1, 0)])
    assert codes(near)[0] == "02"
    assert PositionError(3.0).value(15.0, "其他") > PositionError(3.0).value(15.0, "实测")


def test_equals_come_by_distance_then_code() -> None:
    assert codes(match([Cover(3, 4), Cover(3, 4), Cover(3, 4)])) == ["01", "02", "03"]
    same_place = [Cover(3, 4, kind) for kind in ("sewage", "rainwater", "sewage")]
    assert codes(match(same_place, "污水井盖")) == ["01", "03", "02"]


def test_no_more_candidates_than_asked_for_and_the_scores_stay() -> None:
    covers = [Cover(2.0 * k, 1) for k in range(8)]
    all_of_them, two, one = match(covers, limit=50), match(covers, limit=2), match(covers, limit=1)
    assert two.candidates == all_of_them.candidates[:2]
    assert one.candidates == all_of_them.candidates[:1]
    assert one.reason == all_of_them.reason
    assert len(match(covers).candidates) == 5


KINDS = st.sampled_from(["sewage", "rainwater", "power", "telecom", "unknown", None])
STATES = st.sampled_from(["intact", "broken", "missing", "abandoned", "removed", None])
OWNERS = st.sampled_from(["A", "B", None])
SOURCES = st.sampled_from(["实测", "地形图", "其他", None, "?"])
COVERS = st.lists(st.builds(Cover, st.floats(-60, 60), st.floats(-60, 60), KINDS, STATES, OWNERS, SOURCES), max_size=12)
TEXTS = st.sampled_from(
    ["", "污水井盖破损", "不是雨水井盖", "路灯不亮", "联通井盖丢失", "无主井盖", "雨水箅子堵塞", "污水冒溢", "井盖已拆除"]
)


@given(COVERS, TEXTS, st.one_of(st.none(), st.floats(0, 60)), OWNERS)
def test_the_scores_and_that_of_none_make_one_and_go_as_the_products_of_their_parts(
    covers: list[Cover], text: str, accuracy_m: float | None, owner_code: str | None
) -> None:
    found = match(covers, text, accuracy_m=accuracy_m, owner_code=owner_code, limit=100)
    scores = [cover.score for cover in found.candidates]
    assert sum(scores) + found.none_score == pytest.approx(1.0)
    assert all(0.0 <= score <= 1.0 for score in (*scores, found.none_score))
    assert scores == sorted(scores, reverse=True)
    products = [math.prod(part.value for part in cover.parts) for cover in found.candidates]
    ratios = [product / scores[0] * products[0] if scores[0] else 0.0 for product in scores]
    assert products == pytest.approx(ratios, rel=1e-9, abs=1e-300)
    assert (found.cover is not None) == (found.status == "matched")
    assert found.status != "matched" or scores[0] >= STANDS_OUT
    assert {part.name for cover in found.candidates for part in cover.parts} <= {"distance", "kind", "state", "owner"}
    orjson.dumps(cover_match_document(found))


@given(COVERS, TEXTS)
def test_the_order_in_the_data_does_not_matter(covers: list[Cover], text: str) -> None:
    def places(found: CoverMatch, among: list[Cover]) -> list[tuple[Cover, float]]:
        return sorted((among[cover.neighbour.id - 1], round(cover.score, 9)) for cover in found.candidates)

    covers = list({(cover.x, cover.y): cover for cover in covers}.values())
    turned = covers[::-1]
    one, other = match(covers, text, limit=100), match(turned, text, limit=100)
    assert one.status == other.status
    assert sorted(map(str, places(one, covers))) == sorted(map(str, places(other, turned)))


@pytest.mark.parametrize("accuracy_m", [2.0, 10.0, 35.0])
@pytest.mark.parametrize("source", ["实测", "其他"])
def test_two_positions_of_three_lie_within_the_usual_distance_and_values_are_a_density(accuracy_m: float, source: str) -> None:
    error = PositionError(accuracy_m)
    radii = np.linspace(0.0, 40.0 * error.usual_m(source), 400_001)
    rings = 2.0 * np.pi * radii * np.array(error.values([(radius, source) for radius in radii.tolist()]))
    whole = np.trapezoid(rings, radii)
    # What is in the data, and everywhere: as much as one cover's, to be told apart from those that are not.
    assert whole == pytest.approx(error.area_unseen_m2(0.0) / 1.05, rel=1e-4)
    inside = np.trapezoid(rings[radii <= error.usual_m(source)], radii[radii <= error.usual_m(source)]) / whole
    assert inside == pytest.approx(0.9 * 0.6827 + 0.1 * (1 - math.exp(-0.5 * (1.515 / 3) ** 2)), abs=2e-3)
    seen_m = error.reach_m
    beyond = np.trapezoid(rings[radii >= seen_m], radii[radii >= seen_m])
    if source == "实测":
        assert beyond == pytest.approx(error.area_unseen_m2(seen_m) - 0.05 / 1.05 * error.area_unseen_m2(0.0), rel=1e-2)


def test_the_document_has_what_http_answers() -> None:
    found = match([Cover(3, 0), Cover(30, 0)], "污水井盖破损")
    document = cover_match_document(found)
    assert set(document) == {"status", "reason", "kinds_named", "none_score", "reach_m", "cover", "candidates"}
    assert document["kinds_named"] == ["sewage"]
    cover = document["cover"]
    assert isinstance(cover, dict)
    assert set(cover) == {"id", "code", "lon", "lat", "distance_m", "bearing_deg", "score", "parts", "properties"}
    assert cover["code"] == "01"
    assert cover["distance_m"] == pytest.approx(3.0, abs=0.01)
    assert [part["name"] for part in cover["parts"]] == ["distance", "kind", "state", "owner"]
    assert cover_match_document(match([]))["cover"] is None


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"accuracy_m": -1.0}, "accuracy_m: -1.0 is not a distance"),
        ({"accuracy_m": math.nan}, "accuracy_m: nan"),
        ({"accuracy_m": math.inf}, "accuracy_m: inf"),
        ({"limit": 0}, "limit: 0 candidates"),
        ({"kind": "pizza"}, "kind: there is no kind of cover 'pizza'. Expected any of .*sewage"),
        ({"kind": "sewage,pizza"}, "'pizza'"),
        ({"kind": "street_lamp"}, "'street_lamp'"),
        ({"kind": "路灯杆"}, "'路灯杆'"),
        ({"kind": ","}, "kind: "),
        ({"state": "purple"}, "state: there is no state 'purple'. Expected any of .*broken"),
        ({"kind": "x" * 5000}, "kind: "),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(options: dict[str, object], says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        match([Cover(1, 1)], **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(("lon", "lat"), [(math.nan, 36.0), (120.0, math.inf)])
def test_a_position_that_is_none_is_refused(lon: float, lat: float) -> None:
    with pytest.raises(ParameterError, match="is not a coordinate"):
        match_cover(index_of([Cover(0, 0)]), lon, lat)


def test_where_covers_are_many_those_not_looked_at_count_too() -> None:
    rng = np.random.default_rng(3)
    crowd = [Cover(x, y) for x, y in rng.uniform(-150, 150, (1500, 2)).tolist()]
    found = match(crowd, accuracy_m=60.0)
    assert found.status == "ambiguous"
    assert 0.2 < found.none_score < STANDS_OUT


@pytest.mark.parametrize("accuracy_m", [5.0, 15.0])
def test_a_probability_is_what_comes_true(accuracy_m: float) -> None:
    """Towns drawn by the model's own rules: of the covers with a score of nine in ten, nine in ten are the one."""
    rng = np.random.default_rng(11)
    sigma_m = math.hypot(accuracy_m / 1.515, 0.5)
    said: list[float] = []
    true: list[bool] = []
    for _ in range(400):
        xy = rng.uniform(-150, 150, (80, 2))
        index = index_of([Cover(x, y) for x, y in xy.tolist()])
        concerned = int(rng.choice(np.nonzero(np.hypot(*xy.T) < 60)[0]))
        error_m = rng.normal(0, sigma_m, 2) * (3.0 if rng.random() < 0.1 else 1.0)
        found = match_cover(index, *at(*(xy[concerned] + error_m)), accuracy_m=accuracy_m, text="井盖", limit=100)
        said += [cover.score for cover in found.candidates]
        true += [cover.neighbour.id == concerned + 1 for cover in found.candidates]
    scores, right = np.array(said), np.array(true)
    for low, high in ((0.02, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 1.0)):
        some = (scores >= low) & (scores < high)
        spread = math.sqrt(max(scores[some].mean() * (1 - scores[some].mean()), 0.01) / some.sum())
        # A little cautious: one cover in twenty is thought to be missing from the data, and here none is.
        assert -3 * spread < right[some].mean() - scores[some].mean() < 3 * spread + 0.05
