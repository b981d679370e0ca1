"""Where a case is, from end to end: its position held against its address."""

from __future__ import annotations

from tests.api.cases.test_intake import post
from tests.api.conftest import Server

# The building that stands there is 延安路41号.
DOOR = {"source": "12345热线", "category": "暴露垃圾", "address": "青岛市市北区延安路41号", "lon": 120.37335, "lat": 36.0820}


def test_a_position_under_the_wrong_name_is_read_as_its_address_says(case_server: Server) -> None:
    right, wrong = (post(case_server, DOOR | {"crs": crs}).json() for crs in ("wgs84", "gcj02"))
    assert right["position"]["reading"] == {"said": "wgs84", "used": "wgs84", "swapped": False, "moved_m": 0.0}
    assert (wrong["position"]["reading"]["said"], wrong["position"]["reading"]["used"]) == ("gcj02", "wgs84")
    assert 450 < wrong["position"]["reading"]["moved_m"] < 475
    assert wrong["grid"] == right["grid"] == {"code": "370203001001001", "name": "网格 11"}
    assert any("gcj02" in reason["zh"] for reason in wrong["reasons"])


def test_a_position_far_from_its_address_is_for_a_person_who_chooses(case_server: Server, token: str) -> None:
    case = post(case_server, DOOR | {"lon": 120.3825, "lat": 36.0865, "crs": "wgs84"}).json()
    assert (case["state"], case["review"]["kind"]) == ("needs_review", "position")
    assert [one["from"] for one in case["review"]["candidates"][:2]] == ["position", "address"]
    body, headers = {"candidate": 1, "reason": "电话核实"}, {"Authorization": f"Bearer {token}"}
    settled = case_server.request("POST", f"/cases/{case['number']}/settle", json=body, headers=headers).json()
    assert (settled["state"], settled["grid"]["code"]) == ("assigned", "370203001001001")
    assert settled["geocoding"] == case["geocoding"]


def test_an_address_alone_gives_the_place_with_its_uncertainty(case_server: Server) -> None:
    body = {name: value for name, value in DOOR.items() if name not in ("lon", "lat")}
    case = post(case_server, body).json()
    assert (case["position"]["from"], case["geocoding"]["best"]["level"] in ("building", "door_plate")) == ("address", True)
    assert case["position"]["uncertainty_m"] > 0
    assert case["grid"]["code"] == "370203001001001"


def test_what_is_no_address_is_for_a_person(case_server: Server) -> None:
    case = post(case_server, {"source": "x", "category": "暴露垃圾", "address": "某地"}).json()
    assert (case["state"], case["review"]["kind"], case["position"]) == ("needs_review", "no_place", None)
