"""Pages: by key they neither skip nor repeat, in any order, while others edit; by offset they do as clients insist."""

from __future__ import annotations

import base64
import itertools
import json
from functools import cmp_to_key
from typing import Any

import pytest

from gisgrid.db import Database
from tests.api.conftest import Server
from tests.api.ogc.asking import EPSG, ask, codes, following, ids, items, walk


def _all(pages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [feature for page in pages for feature in page["features"]]


def test_links_walk_through_everything_once(server: Server) -> None:
    pages = walk(server, "manhole_covers", limit=7)
    found = [feature["id"] for feature in _all(pages)]
    assert found == sorted(set(found))
    assert len(found) == 122
    assert [page["numberReturned"] for page in pages] == [7] * 17 + [3]
    assert {page["numberMatched"] for page in pages} == {122}


def test_a_last_page_that_is_full_has_no_next_page(server: Server) -> None:
    assert [page["numberReturned"] for page in walk(server, "grids", limit=3)] == [3, 3]
    assert [page["numberReturned"] for page in walk(server, "grids", limit=6)] == [6]


ORDERS = (
    "code",
    "-code",
    "installed_on",
    "-installed_on",
    "name,-installed_on",
    "-state,material,-code",
    "note",
    "-note,installed_on",
    "kind,name",
)


@pytest.mark.parametrize("order", ORDERS)
def test_any_order_is_kept_from_page_to_page_with_missing_values_last(server: Server, order: str) -> None:
    whole = items(server, "manhole_covers", limit=1000)["features"]
    keys = [(key.lstrip("-"), key.startswith("-")) for key in order.split(",")]

    def before(first: dict[str, Any], second: dict[str, Any]) -> int:
        for name, descending in keys:
            one, other = first["properties"][name], second["properties"][name]
            if one == other:
                continue
            if one is None or other is None:
                return 1 if one is None else -1
            return (1 if one > other else -1) * (-1 if descending else 1)
        return int(first["id"]) - int(second["id"])

    wanted = [feature["id"] for feature in sorted(whole, key=cmp_to_key(before))]
    assert [feature["id"] for feature in _all(walk(server, "manhole_covers", limit=11, sortby=order))] == wanted


def test_a_plus_means_ascending_whether_it_is_encoded_or_not(server: Server) -> None:
    for written in ("code", "%2Bcode", "+code"):
        document = server.get(f"/ogc/collections/grids/items?sortby={written}&limit=6").json()
        assert codes(document) == sorted(codes(document))


@pytest.mark.parametrize("order", ["", "nothing", "geom", "id", "code,", "--code", "code,-code", "code;", "1", "code desc"])
def test_what_cannot_be_sorted_by_is_refused_by_name(server: Server, order: str) -> None:
    answer = ask(server, "grids", sortby=order)
    assert (answer.status_code, answer.json()["parameter"]) == (400, "sortby")


def test_pages_of_every_kind_of_query_hold_together(server: Server) -> None:
    asked: list[dict[str, object]] = [
        {"bbox": "120.371,36.081,120.379,36.087"},
        {"bbox": f"36.081,120.371,36.087,120.379{''}", "bbox_crs": f"{EPSG}4326"},
        {"filter": "code LIKE '%2%'", "sortby": "-code"},
        {"q": "污水", "sortby": "installed_on"},
        {"datetime": "2019-04-01/..", "properties": "code"},
        {"state": "intact", "crs": f"{EPSG}4549"},
    ]
    for one in asked:
        whole = items(server, "manhole_covers", limit=1000, **one)
        pages = walk(server, "manhole_covers", limit=9, **one)
        assert [feature["id"] for feature in _all(pages)] == ids(whole) != []
        assert len(pages) > 2
        assert _all(pages) == whole["features"]


def test_a_broken_cursor_and_that_of_another_query_are_refused(server: Server) -> None:
    page = items(server, "manhole_covers", limit=2, sortby="-installed_on")
    href = next(link["href"] for link in page["links"] if link["rel"] == "next")
    cursor = href.split("cursor=")[1].split("&")[0]
    mark, *rest = json.loads(base64.urlsafe_b64decode(cursor + "=="))
    forged: list[object] = [
        [],
        [mark],
        [mark, 1],
        [mark, None, "x"],
        [mark, *rest, 1],
        [mark, {}, 1],
        [mark, "2019-13-45", 1],
        [mark, True, 1],
    ]
    forged += [[mark, rest[0], 2**63], [mark, rest[0], 1.5], [mark, rest[0], True], ["", *rest], {}, None]
    cursors = [
        "x",
        "0",
        "é",
        "=",
        "%",
        "a" * 5000,
        cursor[:-2],
        cursor + "A",
        "W10",
        *(_encoded(one) for one in forged),
        _encoded("[" * 3000),
    ]
    for one in cursors:
        answer = ask(server, "manhole_covers", sortby="-installed_on", cursor=one)
        assert (answer.status_code, answer.json()["parameter"]) == (400, "cursor"), one
    for other in ({"sortby": "installed_on"}, {}, {"sortby": "-installed_on", "state": "intact"}, {"sortby": "-installed_on", "q": "a"}):
        assert ask(server, "manhole_covers", cursor=cursor, **other).status_code == 400
    assert ask(server, "cameras", cursor=cursor).status_code == 400
    # What says how features are given, not which, may change on the way.
    for how in ({"limit": 5}, {"properties": "code"}, {"crs": f"{EPSG}3857"}):
        assert ask(server, "manhole_covers", sortby="-installed_on", cursor=cursor, **how).status_code == 200


def _encoded(content: object) -> str:
    text = content if isinstance(content, str) else json.dumps(content)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def test_an_offset_leaves_features_out_and_its_next_page_begins_at_a_cursor(server: Server) -> None:
    whole = ids(items(server, "manhole_covers", limit=1000, sortby="-code"))
    page = items(server, "manhole_covers", limit=5, offset=40, sortby="-code")
    assert ids(page) == whole[40:45]
    after = following(server, page)
    assert after is not None
    assert ids(after) == whole[45:50]
    assert ids(items(server, "manhole_covers", offset=122)) == []
    assert ids(items(server, "manhole_covers", offset=1_000_000)) == []
    assert ids(items(server, "manhole_covers", offset=120)) == sorted(whole)[120:]
    assert ask(server, "grids", offset=1, cursor="x").json()["parameter"] == "offset"


def test_how_many_there_are_is_told_where_it_is_known_and_when_it_is_asked_for(server: Server) -> None:
    assert items(server, "manhole_covers", limit=1)["numberMatched"] == 122
    box = {"bbox": "120.371,36.081,120.379,36.087"}
    few = items(server, "manhole_covers", limit=1000, **box)
    assert few["numberMatched"] == few["numberReturned"]
    assert "numberMatched" not in items(server, "manhole_covers", limit=5, **box)
    assert items(server, "manhole_covers", limit=5, count="true", **box)["numberMatched"] == few["numberMatched"]
    assert items(server, "manhole_covers", offset=3, limit=1000, **box)["numberMatched"] == few["numberMatched"]
    assert items(server, "manhole_covers", state="missing")["numberMatched"] == 0


def test_the_number_of_all_follows_edits(own_server: Server, own_town: Database) -> None:
    assert items(own_server, "manhole_covers", limit=1)["numberMatched"] == 122
    with own_town.connect() as connection:
        connection.execute("UPDATE gisgrid.components SET retired_at = now() WHERE code = '3702030102000003'")
    own_server.wait(lambda: items(own_server, "manhole_covers", limit=1).get("numberMatched") == 121, 20)


# The last one of those that are edited becomes another state, the first one is retired, and new ones come.
_EDITED = "(SELECT id FROM gisgrid.manhole_covers WHERE code LIKE '%0' ORDER BY id {} LIMIT 1)"
_EDITS = (
    f"UPDATE gisgrid.components SET state = 'broken' WHERE id = {_EDITED.format('DESC')}",
    f"UPDATE gisgrid.components SET retired_at = now() WHERE id = {_EDITED.format('ASC')}",
    """INSERT INTO gisgrid.components (code, scheme, edition, class_code, geom)
    SELECT '37020301029' || lpad(n::text, 5, '0'), 'CJ/T 214', '2007', '0102', ST_SetSRID(ST_MakePoint(120.3755, 36.0835), 4326)
    FROM (SELECT count(*) * 10 FROM gisgrid.components) AS c (n)""",
)


def test_pages_neither_skip_nor_repeat_what_nobody_edits(own_server: Server, own_town: Database) -> None:
    edits = itertools.cycle(_EDITS)
    for order in ("", "state", "-code", "note,-installed_on"):
        unedited = {
            feature["id"]
            for feature in items(own_server, "manhole_covers", limit=1000)["features"]
            if feature["properties"]["code"][-1] != "0"
        }
        page: dict[str, Any] | None = items(own_server, "manhole_covers", limit=8, **({"sortby": order} if order else {}))
        seen: list[int] = []
        while page is not None:
            seen += [feature["id"] for feature in page["features"] if feature["id"] in unedited]
            with own_town.connect() as connection:
                connection.execute(next(edits).encode())
            page = following(own_server, page)
        assert sorted(seen) == sorted(unedited), order
