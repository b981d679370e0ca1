"""What is meant to break it: injections, tricks with paths, filters without end. It is refused quickly, and nothing is changed."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote

import httpx
import psycopg
import pytest
from psycopg import sql

from api.asgi import Message
from gisgrid.db import Database
from gisgrid.settings import Settings
from tests.api.conftest import Server, serving
from tests.conftest import build_town

Document = dict[str, Any]

COVERS = "/ogc/collections/manhole_covers/items"
GRIDS = "/ogc/collections/grids/items"
# Of the processor, in this process: how long the machine takes beside its other work says nothing.
QUICKLY_S = 1.0
PATIENCE_S = 60.0

# What the server writes down for itself when it makes tiles.
WORKED_OUT = ("area_shapes", "area_shape_states", "changes")

INJECTIONS = (
    "' OR '1'='1",
    "'; DROP TABLE gisgrid.areas; --",
    '"; DELETE FROM gisgrid.components; --',
    "') UNION SELECT id, code, name FROM gisgrid.organizations --",
    "1; SELECT pg_sleep(20)",
    "1 OR pg_sleep(20) IS NULL",
    "code) FROM gisgrid.editors --",
    "$$; SELECT 1; $$",
    "E'\\047; SELECT 1",
    "%(id)s %s %%n {0} ${x}",
    "\\",
    "\x00",
    "a\x00b",
    "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    "\u202e\u0000\uffff",
    "<script>alert(1)</script>",
    "../../../etc/passwd",
    "%2e%2e%2f",
    "\u0661\u0662\u0663",
    "1e400",
    "-1e400",
    "NaN",
    "9" * 5_000,
    "0000-00-00",
    "99999-12-31",
    "2021-02-30",
    ",",
    ",,,,",
    "-",
    "a" * 20_000,
    "x," * 5_000,
)


@pytest.fixture(scope="module")
def attacked(database_copies: Callable[[], Database]) -> Iterator[Server]:
    """An application on a town that nobody else looks at; at the end every row has to be what it was."""
    database = build_town(database_copies())
    before = _contents(database)
    assert sum(map(len, before.values())) > 100
    with serving(Settings(database_url=database.url)) as running:
        yield running
    assert _contents(database) == before


def _contents(database: Database) -> dict[str, list[str]]:
    """Return every row of every table, as text."""
    with database.connect() as connection:
        names = connection.execute(
            "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'gisgrid'::regnamespace AND c.relkind = 'r' ORDER BY 1"
        ).fetchall()
        return {name: _rows(connection, name) for (name,) in names if name not in WORKED_OUT}


def _rows(connection: psycopg.Connection, table: str) -> list[str]:
    rows = connection.execute(sql.SQL("SELECT t::text FROM gisgrid.{} t ORDER BY 1").format(sql.Identifier(table))).fetchall()
    return [text for (text,) in rows]


def _ask(
    server: Server, address: str, method: str = "GET", headers: Mapping[str, bytes] | None = None, body: bytes = b""
) -> httpx.Response:
    """Ask, and see that the answer is quick, no fault, and a problem document where it is refused.

    The application is given the request as a server would that has no limits of its own: no client tidies the address first.
    """
    path, _, query = address.partition("?")
    scope: Document = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode("latin-1"),
        "root_path": "",
        "headers": [(b"host", b"town.test"), *((name.encode(), value) for name, value in (headers or {}).items())],
        "server": ("town.test", 80),
        "client": ("127.0.0.1", 1),
    }
    start, since = time.process_time(), time.monotonic()
    answer = server.runner.run(_answered(server, scope, body))
    assert time.process_time() - start < QUICKLY_S, address[:200]
    assert time.monotonic() - since < PATIENCE_S, address[:200]
    assert answer.status_code < 500, (address[:200], answer.text[:500])
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code
        assert len(answer.content) < 4_000
        # What PostgreSQL or Python has to say is for the log.
        assert not any(word in answer.text for word in ("psycopg", "Traceback", "LINE 1", "syntax error at", "/site-packages/"))
    return answer


async def _answered(server: Server, scope: Document, body: bytes) -> httpx.Response:
    sent: list[Message] = []
    never = asyncio.Event()
    asked = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if not asked:
            await never.wait()
        return asked.pop()

    async def send(message: Message) -> None:
        sent.append(message)

    await server.app(scope, receive, send)
    content = b"".join(message.get("body", b"") for message in sent[1:])
    return httpx.Response(sent[0]["status"], headers=sent[0]["headers"], content=content)


def _operations(server: Server) -> Iterator[tuple[str, Document]]:
    """Give the path and the parameters of each kind of read that there is: one collection stands for all."""
    definition = server.get("/openapi.json").json()
    for path, item in definition["paths"].items():
        of_others = path.startswith("/ogc/collections/") and path.split("/")[3] != "manhole_covers"
        if "get" in item and not of_others:
            yield path, {parameter["name"]: parameter for parameter in item["get"]["parameters"]}


def _takes_text(parameter: Document) -> bool:
    schema = parameter["schema"]
    return parameter["in"] == "path" or (parameter["in"] == "query" and schema.get("type") in ("string", "array") and "enum" not in schema)


def _filled(path: str, parameters: Document, **instead: str) -> str:
    for name, parameter in parameters.items():
        if parameter["in"] == "path":
            path = path.replace(f"{{{name}}}", quote(instead.get(name, str(parameter.get("example", "1"))), safe=""))
    return path


@pytest.mark.parametrize("text", INJECTIONS, ids=lambda text: repr(text)[:30])
def test_no_parameter_lets_anything_through(attacked: Server, text: str) -> None:
    asked = 0
    for path, parameters in _operations(attacked):
        for name, parameter in parameters.items():
            if not _takes_text(parameter):
                continue
            if parameter["in"] == "path":
                _ask(attacked, _filled(path, parameters, **{name: text}))
            else:
                _ask(attacked, f"{_filled(path, parameters)}?{quote(name)}={quote(text)}")
            asked += 1
    assert asked > 100


@pytest.mark.parametrize("field", ["code", "name", "state", "owner_code", "q", "filter"])
@pytest.mark.parametrize("text", ["' OR '1'='1", "' OR true --", "x' UNION SELECT 1 --", "%", "_", "\\%", "*"])
def test_a_text_is_only_ever_compared(attacked: Server, field: str, text: str) -> None:
    literal = text.replace("'", "''")
    value = f"name = '{literal}' OR code = '{literal}'" if field == "filter" else text
    answer = _ask(attacked, f"{COVERS}?f=json&{field}={quote(value)}")
    # Nothing in the town is called so, and what is not a value of the field is refused.
    if answer.status_code == 200:
        assert answer.json()["features"] == []
    else:
        assert (answer.status_code, answer.json()["parameter"]) == (400, field)


DEEP = 20_000
POINT = "POINT(120.37 36.08)"
RING = ", ".join(f"{120 + i / 1e6:.6f} 36" for i in range(20_000))
MONSTERS = {
    "brackets": "(" * DEEP,
    "closed brackets": "(" * DEEP + "code='a'" + ")" * DEEP,
    "not": "NOT " * DEEP + "code='a'",
    "and": " AND ".join(["code='a'"] * DEEP),
    "or": " OR ".join(["code='a'"] * DEEP),
    "minus": "floors > " + "-" * DEEP + "1",
    "plus": "floors > " + "+".join(["1"] * DEEP),
    "power": "floors > " + "^".join(["9"] * 2_000),
    "power that is too great": "floors > 10^400^400",
    "in": f"code IN ({','.join(['1'] * DEEP)})",
    "casei": "casei(" * 5_000 + "code" + ")" * 5_000 + "='a'",
    "like": "code LIKE '" + "%_" * DEEP + "'",
    "like that looks back": "code LIKE '" + "%a" * 200 + "b'",
    "long text": "code = '" + "a" * 200_000 + "'",
    "open text": "code = 'a",
    "open name": '"code = 1',
    "number": "floors = " + "9" * 100_000,
    "fraction": "floors = 1." + "0" * 100_000 + "1",
    "exponent": "floors = 1e999999999",
    "ring": f"S_INTERSECTS(geometry, POLYGON(({RING})))",
    "rings": f"S_INTERSECTS(geometry, MULTIPOLYGON({','.join(['((0 0,1 0,1 1,0 0))'] * 5_000)}))",
    "ring that is open": "S_INTERSECTS(geometry, POLYGON((0 0, 1 1)))",
    "collections": "S_INTERSECTS(geometry, " + "GEOMETRYCOLLECTION(" * 5_000 + POINT + ")" * 5_001,
    "place": "S_INTERSECTS(geometry, POINT(1e308 1e308))",
    "place that is none": "S_INTERSECTS(geometry, POINT(nan nan))",
    "box": "S_INTERSECTS(geometry, BBOX(1e308,-1e308,-1e308,1e308))",
    "dates": "T_AFTER(installed_on, DATE('99999-99-99'))",
    "interval": "T_DURING(installed_on, INTERVAL('..','..'))",
    "function": "pg_sleep(10) = 1",
    "function of a schema": "pg_catalog.pg_sleep(10) = 1",
    "field that is none": "password = 'x'",
    "field of the table": "spec = 'x'",
    "column of the system": "ctid = '(0,1)'",
    "NUL": "code = 'a\x00'",
    "comment": "code = 'a' -- '",
    "two statements": "code = 'a'; DROP TABLE gisgrid.areas",
    "no filter": "    ",
    "control characters": "\x01\x02\x03",
    "other digits": "floors = \u0661",
    "other blanks": "code\u00a0=\u2003'a'",
}


@pytest.mark.parametrize("name", MONSTERS)
def test_a_filter_without_measure_is_refused_at_once(attacked: Server, name: str) -> None:
    collection = "manhole_covers" if "installed_on" in MONSTERS[name] else "buildings"
    answer = _ask(attacked, f"/ogc/collections/{collection}/items?f=json&filter={quote(MONSTERS[name])}")
    assert answer.status_code in (200, 400)
    if answer.status_code == 400:
        assert answer.json()["parameter"] == "filter"
    assert name not in MUST_FAIL or answer.status_code == 400, answer.text[:300]


MUST_FAIL = {
    *("brackets", "closed brackets", "not", "and", "or", "minus", "casei", "open text", "open name", "in", "exponent"),
    *("ring that is open", "collections", "place that is none", "dates", "function", "function of a schema", "field that is none"),
    *("field of the table", "column of the system", "comment", "two statements", "no filter", "control characters", "NUL"),
}


def _nested(depth: int, inner: object, wrap: Callable[[object], object]) -> object:
    for _ in range(depth):
        inner = wrap(inner)
    return inner


JSON_MONSTERS = {
    "not": '{"op":"not","args":[' * DEEP + "true" + "]}" * DEEP,
    "arrays": "[" * DEEP + "]" * DEEP,
    "objects": '{"a":' * DEEP + "1" + "}" * DEEP,
    "open": '{"op":"=","args":[{"property":"code"},',
    "nothing": "null",
    "number": "1" + "0" * 10_000,
    "infinite": '{"op":"=","args":[{"property":"floors"},1e999]}',
    "not a number": '{"op":"=","args":[{"property":"floors"},NaN]}',
    "lone surrogate": '{"op":"=","args":[{"property":"code"},"\\ud800"]}',
    "NUL": '{"op":"=","args":[{"property":"code"},"\\u0000"]}',
    "wide": json.dumps({"op": "and", "args": [{"op": "=", "args": [{"property": "code"}, "a"]}] * 5_000}),
    "object for a name": '{"op":"=","args":[{"property":{"a":1}},"a"]}',
    "list for an operator": '{"op":["="],"args":[1,1]}',
    "no arguments": '{"op":"="}',
    "arguments that are none": '{"op":"=","args":{"a":1}}',
    "geometry that is none": '{"op":"s_intersects","args":[{"property":"geometry"},{"type":"Polygon","coordinates":[[["a"]]]}]}',
    "geometry without end": '{"op":"s_intersects","args":[{"property":"geometry"},{"type":"Polygon","coordinates":'
    + "[" * 5_000
    + "]" * 5_000
    + "}]}",
    "the same name twice": '{"op":"=","op":"<","args":[{"property":"code"},"a"]}',
}


@pytest.mark.parametrize("name", JSON_MONSTERS)
def test_a_filter_in_json_without_measure_is_refused_at_once(attacked: Server, name: str) -> None:
    answer = _ask(attacked, f"/ogc/collections/buildings/items?f=json&filter-lang=cql2-json&filter={quote(JSON_MONSTERS[name])}")
    assert answer.status_code == 400 or name == "the same name twice", answer.text[:300]


@pytest.mark.parametrize(
    "path",
    [
        "/ogc/..%2f..%2fetc/passwd",
        "/ogc/%2e%2e/%2e%2e/etc/passwd",
        "/ogc/collections/..%2fgrids",
        "/ogc/collections/grids%00/items",
        "/ogc/collections/%00",
        "/ogc/collections/%ff%fe/items",
        "/ogc/collections/%ed%a0%80/items",
        "/ogc/collections/grids%20/items",
        "/ogc/collections/GRIDS/items",
        "/ogc/collections/grids;x=1/items",
        "/ogc/collections/gisgrid.areas/items",
        "/ogc/collections/areas/items",
        "/ogc/collections/editors/items",
        "/ogc/collections/area_roles/items",
        "/ogc/collections/organizations/items",
        "/ogc/collections//items",
        "/ogc//collections",
        "/ogc/collections/",
        "/ogc/collections/grids/items/",
        "/ogc/collections/grids/items/1/2",
        "/ogc/collections/grids/items/1%20OR%201=1",
        "/ogc/collections/grids/items/-1",
        "/ogc/collections/grids/items/1.0",
        "/ogc/collections/grids/items/0x1",
        "/ogc/collections/grids/items/%D9%A1",
        "/ogc/collections/grids/items/99999999999999999999999999",
        "/ogc/collections/grids/items/" + "9" * 5_000,
        "/ogc/collections/" + "a" * 10_000,
        "/ogc/" + "a/" * 5_000,
        "/ogc/tiles/WebMercatorQuad/14/-1/0",
        "/ogc/tiles/WebMercatorQuad/14/1e3/0",
        "/ogc/tiles/WebMercatorQuad/99999999999999999999/0/0",
        "/ogc/tiles/WebMercatorQuad/%D9%A1/0/0",
        "/ogc/tiles/..%2f..%2fx/0/0/0",
        "/ogc/styles/..%2f..%2fapi%2fapp.py",
        "/ogc/styles/grid.json%00",
        "/ogc/tileMatrixSets/..",
        "/ogcx",
    ],
    ids=lambda path: path[:50],
)
def test_tricks_with_paths_lead_nowhere(attacked: Server, path: str) -> None:
    assert _ask(attacked, path).status_code in (400, 404)


@pytest.mark.parametrize(
    "query",
    [
        "limit=1&limit=2",
        "f=json&f=json",
        "limit=1;limit=2&limit=3&limit=4",
        "limit=-1",
        "limit=1.5",
        "limit=1e1",
        "limit=0x10",
        "limit=%D9%A1",
        "offset=-1",
        "offset=" + "9" * 400,
        "bbox=1,2,3",
        "bbox=nan,nan,nan,nan",
        "bbox=-inf,-inf,inf,inf",
        "bbox=" + ",".join(["1"] * 10_000),
        "bbox=1e308,1e308,1e309,1e309",
        "bbox=,,,",
        "bbox-crs=http://www.opengis.net/def/crs/EPSG/0/999999",
        "crs=EPSG:4326%27",
        "crs=" + "a" * 10_000,
        "crs=file:///etc/passwd",
        "datetime=0000-00-00",
        "datetime=2020-01-01/2019-01-01",
        "datetime=2020-01-01T25:00:00Z",
        "datetime=" + "/" * 1_000,
        "datetime=99999-01-01",
        "properties=password",
        "properties=geom",
        "properties=spec",
        "sortby=pg_sleep(10)",
        "sortby=code%20DESC",
        "sortby=code;--",
        "sortby=" + ",".join(["code"] * 1_000),
        "sortby=--code",
        "q=" + "a,".join([""] * 1_000),
        "cursor=AAAA",
        "cursor=" + "A" * 100_000,
        "cursor=%00",
        "cursor=..%2f",
        "cursor=eyJpZCI6MX0",
        "state=nowhere",
        "installed_on=yesterday",
        "Limit=1",
        "limit[]=1",
        "limit%00=1",
        "__proto__=1",
        "&".join(f"a{i}=1" for i in range(5_000)),
        "%" * 1_000,
        "%zz=1",
        "\x7f=1",
    ],
    ids=lambda query: query[:40],
)
def test_queries_that_cannot_be_meant_are_refused_by_name(attacked: Server, query: str) -> None:
    answer = _ask(attacked, f"{COVERS}?{query}")
    assert answer.status_code == 400, answer.text[:300]
    assert answer.json()["parameter"]


@pytest.mark.parametrize("name", ["accept", "accept-language", "accept-encoding", "if-none-match", "x-forwarded-proto", "host", "origin"])
@pytest.mark.parametrize("value", ["a" * 50_000, ";q=" * 5_000, ",".join(["*/*;q=0.1"] * 5_000), "\xff\xfe", "<script>", "W/" * 10_000])
def test_headers_without_measure_are_survived(attacked: Server, name: str, value: str) -> None:
    answer = _ask(attacked, "/ogc/collections", headers={name: value.encode("latin-1")})
    assert answer.status_code in (200, 304, 400, 406)
    # In JSON it is a text like others: the type is told, and nosniff keeps browsers to it.
    assert "json" in answer.headers.get("content-type", "json") or "<script>" not in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "get", "X" * 1_000])
def test_who_is_nobody_writes_nothing(attacked: Server, method: str) -> None:
    for address in (GRIDS, f"{GRIDS}/1", "/ogc", "/ogc/collections", "/ogc/api", "/ogc/conformance", "/ogc/tiles"):
        answer = _ask(attacked, address, method, headers={"content-type": b"application/geo+json"}, body=b"{}")
        assert answer.status_code in (401, 405), (address, answer.text)
