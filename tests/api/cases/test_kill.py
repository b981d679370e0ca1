"""A server that is killed at any moment: what it has answered is in the database, and what is sent again is there once."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from gisgrid.db import Database
from tests.api.cases.conftest import without_cases
from tests.api.cases.test_intake import CASE
from tests.api.live import served
from tests.bench.cases.posting import Sent, bodies_of, post_paced

CASES, PER_SECOND = 400, 150


@pytest.mark.slow
def test_every_accepted_case_is_there_after_the_server_is_killed(own_town: Database, tmp_path: Path) -> None:
    without_cases(own_town)
    bodies = bodies_of([CASE | {"description": f"第{number}件"} for number in range(CASES)])
    with served(own_town.url, tmp_path) as address:
        killer = threading.Thread(target=_kill_in_the_middle, args=(own_town, address))
        killer.start()
        sent = post_paced(_port(address), bodies, PER_SECOND, prefix="kill")
        killer.join()
    accepted = {one.number for one in sent if one.status == 201}
    assert 0 < len(accepted) < CASES
    assert accepted <= _numbers(own_town)
    with served(own_town.url, tmp_path) as address:
        again = _until_taken(_port(address), bodies)
    numbers = _numbers(own_town)
    assert len(numbers) == CASES
    assert _by_key(sent, accepted) == {one.key: one.number for one in again if one.number in accepted}


def _until_taken(port: int, bodies: list[bytes]) -> list[Sent]:
    """Send all again, as often as it takes: a server that has just begun may ask to wait."""
    for _ in range(10):
        again = post_paced(port, bodies, PER_SECOND, prefix="kill")
        if {one.status for one in again} <= {200, 201}:
            break
    return again


def _kill_in_the_middle(database: Database, address: str) -> None:
    end = time.monotonic() + 60
    while len(_numbers(database)) < CASES // 4 and time.monotonic() < end:
        time.sleep(0.01)
    os.kill(_pid_of(_port(address)), signal.SIGKILL)


def _pid_of(port: int) -> int:
    """Return the process that listens on a port."""
    wanted = f":{port:04X}"
    inodes = {
        line.split()[9]
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if line.split()[1].endswith(wanted) and line.split()[3] == "0A"
    }
    for folder in Path("/proc").glob("[0-9]*/fd"):
        try:
            links = [os.readlink(link) for link in folder.iterdir()]
        except OSError:
            continue
        if any(f"socket:[{inode}]" in links for inode in inodes):
            return int(folder.parent.name)
    raise AssertionError(f"nobody listens on {port}")


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


def _numbers(database: Database) -> set[str]:
    with database.connect() as connection:
        return {number for (number,) in connection.execute("SELECT number FROM gisgrid.cases_all").fetchall()}


def _by_key(sent: list[Sent], accepted: set[str]) -> dict[str, str]:
    return {one.key: one.number for one in sent if one.number in accepted}
