"""``gisgrid match`` as it is typed, on the covers of the town."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from gisgrid import cli
from gisgrid.db import Database

Run = Callable[..., tuple[int, str, str]]

# Four metres east of a sewer cover of the town's lattice.
NEAR = ("120.37255", "36.0825", "--crs", "wgs84")


@pytest.fixture
def run(town: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs ``gisgrid match`` with arguments on the town."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("GISGRID_DATABASE_URL", town.url)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["gisgrid", "match", *arguments])
        code = 0
        try:
            cli.main()
        except SystemExit as done:
            code = int(done.code or 0)
        return (code, *capsys.readouterr())

    return call


def test_a_match_is_shown_with_what_makes_it_stand_out(run: Run) -> None:
    code, out, _ = run(*NEAR, "--text", "楼前污水井盖破损,移位")
    assert code == 0
    for expected in (
        "matched",
        "stands out with over 99%",
        "kinds named",
        "sewage",
        "污水井盖",
        "distance",
        "4.5 m away",
        "none of those recorded",
    ):
        assert expected in out


def test_json_is_what_http_answers(run: Run) -> None:
    code, out, _ = run(
        *NEAR, "--text", "污水井盖破损", "--state", "破损", "--owner-code", "W1", "--accuracy-m", "20", "--limit", "2", "--json"
    )
    document = json.loads(out)
    assert code == 0
    assert document["input"] == {"lon": 120.37255, "lat": 36.0825, "crs": "wgs84"}
    assert document["status"] == "matched"
    assert document["cover"]["properties"]["kind"] == "sewage"
    assert len(document["candidates"]) == 2
    assert document["candidates"][0] == document["cover"]
    assert {"point", "reason", "kinds_named", "none_score", "reach_m", "data_version", "database"} <= set(document)


def test_a_report_of_something_else_is_none(run: Run) -> None:
    code, out, _ = run(*NEAR, "--text", "路灯不亮")
    assert code == 0
    assert "something else than a cover" in out


def test_far_from_every_cover_the_answer_is_none_without_candidates(run: Run) -> None:
    _, out, _ = run("120.3605", "36.0725", "--crs", "wgs84", "--json")
    document = json.loads(out)
    assert (document["status"], document["cover"], document["candidates"]) == ("none", None, [])


def test_covers_of_then_are_asked_for(run: Run) -> None:
    _, now, _ = run(*NEAR, "--text", "污水井盖破损", "--json")
    code, out, _ = run(*NEAR, "--text", "污水井盖破损", "--as-of", "2100-01-01", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["as_of"].startswith("2100-01-01")
    assert document["cover"] == json.loads(now)["cover"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (NEAR[:2], "wgs84, cgcs2000, gcj02, bd09 or EPSG:n"),
        ((*NEAR, "--kind", "pizza"), "kind: there is no kind of cover 'pizza'"),
        ((*NEAR, "--state", "purple"), "state: there is no state 'purple'"),
        ((*NEAR, "--accuracy-m", "-3"), "accuracy_m: -3.0 is not a distance"),
        ((*NEAR, "--limit", "0"), "limit: 0 candidates"),
        ((*NEAR, "--as-of", "some day"), "as_of: "),
        ((*NEAR, "--as-of", "1990-01-01"), "as_of: "),
        (("120.3725", "x", "--crs", "wgs84"), "lat: 'x' is not a number"),
    ],
)
def test_bad_use_ends_with_2_and_says_what_is_wrong(run: Run, arguments: tuple[str, ...], says: str) -> None:
    code, _, err = run(*arguments)
    assert code == 2
    assert says in err
