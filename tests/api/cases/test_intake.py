"""Cases over HTTP: what comes in is decided, kept, and read again."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import Server

PLACE = {"lon": 120.3725, "lat": 36.0820, "crs": "wgs84"}
CASE = {"source": "12345热线", "category": "暴露垃圾", "description": "楼下堆放大量生活垃圾", **PLACE}


def post(server: Server, body: object, **options: Any) -> Any:
    return server.request("POST", "/cases", json=body, **options)


def test_a_case_with_a_position_is_decided_kept_and_read_again(own_server: Server) -> None:
    answer = post(own_server, CASE)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["grid"]["code"] == "370203001001001"
    assert answer.headers["location"] == f"/cases/{made['number']}"
    read = own_server.get(answer.headers["location"]).json()
    assert {**read, "history": []} == {**made, "history": []}
    assert [one["action"] for one in read["history"]] == ["receive"]
