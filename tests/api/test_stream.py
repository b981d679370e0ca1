"""``POST /locate/batch`` with rows of any format: what comes out is what ``gisgrid batch`` writes."""

from __future__ import annotations

import gzip
import io
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from api.media import FORMATS
from gisgrid.crs import from_wgs84, parse_crs
from gisgrid.db import Database
from gisgrid.services import open_locator
from gisgrid.services.batch import Engine, make_plan, run
from gisgrid.settings import ApiSettings, Settings
from gisgrid.types import Bounds
from tests.api.conftest import Server, serving

ROWS = 3_000
TYPES = {format_: media for media, format_ in FORMATS.items()}
URL = "/locate/batch?crs=wgs84"
CSV = {"content-type": "text/csv"}


@pytest.fixture(scope="module")
def table() -> pa.Table:
    rng = np.random.default_rng(3)
    lon, lat = rng.uniform(120.36, 120.395, ROWS).round(7), rng.uniform(36.07, 36.1, ROWS).round(7)
    return pa.table({"id": np.arange(ROWS), "name": [f'点 {n}, "{n}"' for n in range(ROWS)], "lon": lon, "lat": lat})


@pytest.fixture(scope="module")
def bodies(table: pa.Table) -> dict[str, bytes]:
    """The table in every format."""
    made = {name: io.BytesIO() for name in ("csv", "tsv", "arrow-stream", "arrow", "parquet")}
    csv.write_csv(table, made["csv"])
    csv.write_csv(table, made["tsv"], csv.WriteOptions(delimiter="\t"))
    pq.write_table(table, made["parquet"])
    for name, new in (("arrow-stream", pa.ipc.new_stream), ("arrow", pa.ipc.new_file)):
        with new(made[name], table.schema) as writer:
            writer.write_table(table, 500)
    objects = [json.dumps(row, ensure_ascii=False) for row in table.to_pylist()]
    return {
        **{name: file.getvalue() for name, file in made.items()},
        "ndjson": "\n".join(objects).encode(),
        "json": f"[{','.join(objects)}]".encode(),
    }


@pytest.fixture(scope="module")
def engine(town: Database) -> Engine:
    settings = Settings(database_url=town.url)
    return Engine(open_locator(settings), Bounds(120.2, 35.9, 120.6, 36.3), make_plan("wgs84"))


def _as_command(engine: Engine, body: bytes, format_: str, into: str) -> bytes:
    out = io.BytesIO()
    run(io.BytesIO(body), out, engine, input_format=format_, output_format=into)
    return out.getvalue()


def _table(content: bytes, format_: str) -> pa.Table:
    if format_ == "parquet":
        return pq.read_table(io.BytesIO(content))
    opened = pa.ipc.open_file(content) if format_ == "arrow" else pa.ipc.open_stream(content)
    return opened.read_all()


@pytest.mark.parametrize("into", list(TYPES))
@pytest.mark.parametrize("format_", list(TYPES))
def test_every_format_in_and_out_is_what_the_command_writes(
    server: Server, bodies: dict[str, bytes], engine: Engine, format_: str, into: str
) -> None:
    answer = server.request("POST", URL, content=bodies[format_], headers={"content-type": TYPES[format_], "accept": TYPES[into]})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].partition(";")[0] == TYPES[into]
    expected = _as_command(engine, bodies[format_], format_, into)
    if into in {"parquet", "arrow", "arrow-stream"}:
        assert _table(answer.content, into).equals(_table(expected, into))
        assert _table(answer.content, into).num_rows == ROWS
    else:
        assert answer.content == expected
        assert answer.content.count(b"370203001001001") > 50


@pytest.mark.parametrize("accept", [None, "*/*", "text/html;q=0.5, */*;q=0.1", "text/*", "application/json;q=0.2, text/csv"])
def test_without_a_wish_the_answer_is_like_the_body(server: Server, bodies: dict[str, bytes], accept: str | None) -> None:
    headers = CSV | ({} if accept is None else {"accept": accept})
    answer = server.request("POST", URL, content=bodies["csv"], headers=headers)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"


def test_the_answer_tells_the_version_of_the_data(server: Server) -> None:
    answer = server.request("POST", URL, content=b"lon,lat\n120.3722,36.0819\n", headers=CSV)
    lookup = server.locate(120.3722, 36.0819)
    assert answer.headers["gisgrid-data-version"] == str(lookup["data_version"])
    assert answer.headers["gisgrid-stale"] == "false"
    assert answer.headers["gisgrid-database"] == "up"
    assert "gisgrid-data-version" in answer.headers["access-control-expose-headers"]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]


def test_parameters_say_where_things_are_and_what_is_wanted(server: Server) -> None:
    x, y = from_wgs84(parse_crs("EPSG:4549"), 120.3722, 36.0819)
    lon, lat = from_wgs84(parse_crs("gcj02"), 120.3722, 36.0819)
    body = f"编号,东,北,系统,误差,lon\na,{x},{y},,5,1\nb,{lon},{lat},火星坐标,,2\n".encode("gb18030")
    query = {
        **{"crs": "EPSG:4549", "crs_column": "系统", "lon": "东", "lat": "北", "accuracy_m": "1"},
        **{"accuracy_column": "误差", "columns": "status,grid,candidate_shares", "keep": "编号"},
    }
    answer = server.request("POST", "/locate/batch", params=query, content=body, headers={"content-type": "text/csv; charset=gb18030"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=gb18030"
    assert answer.text.splitlines() == [
        "编号,status,grid,candidate_shares",
        "a,inside,370203001001001,1.0000",
        "b,inside,370203001001001,1.0000",
    ]


def test_rows_that_cannot_be_answered_stay_in_their_place(server: Server) -> None:
    lines = ["120.3722,36.0819", "x,36.08", ",", "36.0819,120.3722", "120.3722,36.0819,7", "120.3722", "120.3722,36.0819"]
    body = "lon,lat\n" + "\n".join(lines)
    answer = server.request("POST", URL + "&columns=status,reason", content=body.encode(), headers=CSV)
    rows = answer.text.splitlines()[1:]
    assert len(rows) == len(lines)
    assert [row.split(",")[2] for row in rows] == [
        *("inside", "invalid", "no_coordinates", "invalid", "invalid", "no_coordinates", "inside")
    ]
    objects = [b'{"lon": 120.3722, "lat": 36.0819}', b"[1]", b"oops", b'{"lon": 120.3722, "lat": 36.0819}']
    answer = server.request("POST", URL, content=b"\n".join(objects), headers={"content-type": "application/x-ndjson"})
    assert [json.loads(line)["status"] for line in answer.text.splitlines()] == ["inside", "invalid", "invalid", "inside"]


def test_text_may_come_as_gzip(server: Server, bodies: dict[str, bytes], engine: Engine) -> None:
    headers = CSV | {"content-encoding": "gzip"}
    answer = server.request("POST", URL, content=gzip.compress(bodies["csv"]), headers=headers)
    assert answer.content == _as_command(engine, bodies["csv"], "csv", "csv")
    for body in (gzip.compress(bodies["csv"])[:1000], b"no gzip at all", gzip.compress(bodies["csv"])[:-4]):
        assert server.request("POST", URL, content=body, headers=headers).status_code == 400
    for coding, type_ in (("br", "text/csv"), ("gzip", TYPES["parquet"])):
        answer = server.request("POST", URL, content=b"", headers={"content-type": type_, "content-encoding": coding})
        assert answer.status_code == 415


@pytest.mark.parametrize(
    ("url", "headers", "status", "words"),
    [
        (URL, {"content-type": "application/xml"}, 415, "text/csv"),
        (URL, {"content-type": "application/x-www-form-urlencoded"}, 415, "application/vnd.apache.arrow.stream"),
        (URL, {}, 415, "The Content-Type is missing"),
        ("/locate/batch", {"content-type": "image/png"}, 415, "application/x-ndjson"),
        (URL, CSV | {"accept": "text/html"}, 406, "application/vnd.apache.parquet"),
        (URL, CSV | {"accept": "text/csv;q=0"}, 406, "text/csv"),
        ("/locate/batch", CSV, 400, "crs"),
        (URL + "&zzz=1", CSV, 400, "zzz: there is no such parameter"),
        (URL + "&crs=gcj02", CSV, 400, "more than once"),
        ("/locate/batch?crs=moon", CSV, 400, "moon"),
        (URL + "&columns=colour", CSV, 400, "colour"),
        (URL + "&accuracy_m=-1", CSV, 400, "accuracy_m"),
        (URL + "&accuracy_m=nan", CSV, 400, "accuracy_m"),
        (URL + "&lon=", CSV, 400, "lon: is empty"),
        (URL + "&lon=east", CSV, 400, "no column 'east'"),
        (URL + "&keep=east", CSV, 400, "no column 'east'"),
        (URL + "&encoding=zzz", CSV, 400, "encoding"),
        (URL + "&as_of=yesterday", CSV, 400, "as_of"),
        (URL + "&as_of=1999-01-01", CSV, 400, "as_of"),
    ],
)
def test_what_cannot_be_done_is_told_before_anything_is_answered(
    server: Server, url: str, headers: dict[str, str], status: int, words: str
) -> None:
    answer = server.request("POST", url, content=b"lon,lat\n120.3722,36.0819\n", headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.json()["detail"]


GARBAGE = [
    ("csv", b""),
    ("csv", b"\n\n"),
    ("csv", b"\xff\xfe\xfa\xfb\xff"),
    ("csv", b"a,b\n1,2\n"),
    ("ndjson", b'{"a": 1}'),
    ("json", b""),
    ("json", b'[{"lon": 1'),
    ("json", b"[] []"),
    ("json", b'{"a": 1}'),
    ("arrow-stream", b""),
    ("arrow-stream", b"no arrow at all"),
    ("arrow-stream", b"ARROW1\0\0"),
    ("arrow", b"ARROW1\0\0cut"),
    ("parquet", b""),
    ("parquet", b"PAR1 cut"),
]


@pytest.mark.parametrize(("format_", "body"), GARBAGE)
def test_garbage_is_a_bad_request(server: Server, format_: str, body: bytes) -> None:
    answer = server.request("POST", URL, content=body, headers={"content-type": TYPES[format_]})
    assert answer.status_code == 400, answer.content
    assert answer.headers["content-type"] == "application/problem+json"
    assert "The body" in answer.json()["detail"] or "no column" in answer.json()["detail"]


@pytest.mark.parametrize("format_", ["json", "arrow-stream", "arrow", "parquet"])
def test_a_body_that_is_cut_is_a_bad_request(server: Server, bodies: dict[str, bytes], format_: str) -> None:
    body = bodies[format_][: len(bodies[format_]) // 2]
    headers = {"content-type": TYPES[format_], "accept": "text/csv"}
    answer = server.request("POST", URL + "&columns=status&keep=id", content=body, headers=headers)
    assert answer.status_code == 400, answer.content[:200]


def test_bodies_have_limits_announced_or_not(town: Database, bodies: dict[str, bytes]) -> None:
    limits = ApiSettings(max_body_bytes=2000, max_stream_bytes=5000, max_batch_points=1)
    with serving(Settings(database_url=town.url, api=limits)) as small:
        for format_, status in (("parquet", 413), ("csv", 413)):
            answer = small.request("POST", URL, content=bodies[format_], headers={"content-type": TYPES[format_]})
            assert answer.status_code == status
        rows = b"lon,lat\n" + b"120.3722,36.0819\n" * 250
        assert len(rows) > 2000
        assert small.request("POST", URL, content=rows, headers=CSV).text.count("\n") == 251


def test_a_past_is_looked_up_in_and_told(server: Server) -> None:
    now = server.locate(120.3722, 36.0819, as_of="2999-01-01")
    answer = server.request("POST", URL + "&as_of=2999-01-01", content=b"lon,lat\n120.3722,36.0819\n", headers=CSV)
    assert answer.headers["gisgrid-as-of"] == now["as_of"]
    assert answer.headers["gisgrid-generation"] == str(now["generation"]["id"])
    assert "370203001001001" in answer.text


def test_json_without_parameters_is_a_batch_of_points_as_ever(server: Server) -> None:
    point = {"id": 1, "lon": 120.3722, "lat": 36.0819}
    assert server.batch({"crs": "wgs84", "points": [point]}).json()["results"][0]["id"] == 1
    rows: list[dict[str, Any]] = server.request("POST", URL, json=[point]).json()
    assert (rows[0]["id"], rows[0]["grid"], rows[0]["status"]) == (1, "370203001001001", "inside")


def test_the_document_tells_the_formats_and_parameters(server: Server) -> None:
    operation = server.get("/openapi.json").json()["paths"]["/locate/batch"]["post"]
    assert set(operation["requestBody"]["content"]) == set(FORMATS)
    assert set(operation["responses"]["200"]["content"]) == set(FORMATS)
    assert {"406", "415"} <= set(operation["responses"])
    assert {"crs", "crs_column", "columns", "encoding"} <= {parameter["name"] for parameter in operation["parameters"]}


def test_a_body_in_small_parts_is_read_as_one(server: Server, bodies: dict[str, bytes], engine: Engine) -> None:
    async def parts() -> Any:
        for start in range(0, len(bodies["csv"]), 997):
            yield bodies["csv"][start : start + 997]

    answer = server.request("POST", URL, content=parts(), headers=CSV)
    assert answer.content == _as_command(engine, bodies["csv"], "csv", "csv")
