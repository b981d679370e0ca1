"""Files of cases: each row is taken or told what is wrong with it, and no row is taken twice."""

from __future__ import annotations

import csv
import io
import itertools
from typing import Any

import orjson
import pytest

from gisgrid.db import Database
from tests.api.cases.test_intake import CASE, count
from tests.api.conftest import Server

_KEYS = itertools.count()
COLUMNS = "number,time,source,category,description,address,lon,lat,crs"


def send(server: Server, content: bytes | str, media: str, query: str = "", **headers: str) -> Any:
    """Send a file of cases."""
    body = content.encode() if isinstance(content, str) else content
    return server.request("POST", f"/cases/batch{query}", content=body, headers={"Content-Type": media} | headers)


def sheet(rows: int) -> str:
    """Return a CSV file with keys of its own."""
    lines = [f"k{next(_KEYS)},2026-11-02 08:{row % 60:02d}:00,12345热线,暴露垃圾,楼下,延安路,120.3725,36.082,WGS84" for row in range(rows)]
    return "\n".join([COLUMNS, *lines]) + "\n"


def read(text: str) -> list[dict[str, str]]:
    """Return the rows of an answer."""
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_a_file_is_taken_row_by_row_and_again_makes_nothing(case_server: Server, case_town: Database) -> None:
    before, content = count(case_town), sheet(230)
    first = read(send(case_server, content, "text/csv").text)
    assert count(case_town) == before + 230
    assert {row["is_new"] for row in first} == {"true"}
    assert {row["grid_code"] for row in first} == {"370203001001001"}
    assert len({row["case_number"] for row in first}) == 230
    assert [row["number"] for row in first] == [row["number"] for row in csv.DictReader(io.StringIO(content))]
    again = read(send(case_server, content, "text/csv").text)
    assert count(case_town) == before + 230
    assert [(row["case_number"], row["is_new"]) for row in again] == [(row["case_number"], "false") for row in first]
    case = case_server.get(f"/cases/{first[0]['case_number']}").json()
    assert case["reported_at"] == "2026-11-02T00:00:00Z"


def test_a_dry_run_answers_and_keeps_nothing(case_server: Server, case_town: Database) -> None:
    before = count(case_town)
    rows = read(send(case_server, sheet(3), "text/csv", "?dry_run=true").text)
    assert [(row["case_number"], row["unit_code"]) for row in rows] == [("", "U1")] * 3
    assert count(case_town) == before


def test_a_row_that_cannot_be_taken_says_so_in_its_place(case_server: Server) -> None:
    rows = [
        CASE,
        {"source": "x"},
        "no row",
        CASE | {"crs": "venus"},
        CASE | {"number": "键"},
        CASE | {"lon": " １２０．３７２５ ", "colour": "red"},
    ]
    answer = send(case_server, orjson.dumps(rows), "application/json").json()
    assert [one["row"] for one in answer["results"]] == [1, 2, 3, 4, 5, 6]
    assert [one.get("error", {}).get("parameter") for one in answer["results"]] == [None, "category", None, "crs", "Idempotency-Key", None]
    assert [one.get("state") for one in answer["results"]] == ["assigned", None, None, None, None, "assigned"]
    assert answer["counts"] == {"assigned": 2, "error": 4}


def test_lines_of_json_come_back_as_lines(case_server: Server) -> None:
    lines = b"\n".join([orjson.dumps(CASE), b"{broken", orjson.dumps(CASE)])
    answer = send(case_server, lines, "application/x-ndjson")
    found = [orjson.loads(line) for line in answer.text.splitlines()]
    assert ["number" in one for one in found] == [True, False, True]


def test_a_key_twice_in_a_file_makes_one_case(case_server: Server, case_town: Database) -> None:
    before = count(case_town)
    rows = [CASE | {"key": "twice"}, CASE | {"key": "twice"}, CASE | {"key": "twice", "description": "x"}]
    answer = send(case_server, orjson.dumps(rows), "application/json").json()["results"]
    assert answer[0]["number"] == answer[1]["number"]
    assert [answer[0]["is_new"], answer[1]["is_new"]] == [True, False]
    assert answer[2]["error"]["parameter"] == "Idempotency-Key"
    assert count(case_town) == before + 1


def test_a_file_in_gb18030_is_understood(case_server: Server) -> None:
    rows = read(send(case_server, sheet(2).encode("gb18030"), "text/csv").text)
    assert [row["category"] for row in rows] == ["暴露垃圾"] * 2


@pytest.mark.parametrize(
    ("content", "media", "status"),
    [
        ("a,b\n1,2\n", "text/csv", 400),
        ("", "text/csv", 400),
        ('{"x": 1}', "application/json", 400),
        ("[", "application/json", 400),
        ("x", "application/vnd.apache.parquet", 415),
        ("x", "text/plain", 415),
    ],
)
def test_what_is_no_file_of_cases_is_refused_as_a_whole(case_server: Server, content: str, media: str, status: int) -> None:
    assert send(case_server, content, media).status_code == status
