"""Schemathesis against the definitions: no 5xx, no answer that is not declared, all checks on.

``GISGRID_FUZZ_EXAMPLES`` says how many examples of an operation are tried; with it (``make fuzz``) every collection is, else one of
points and one of areas, with the same examples each time.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from gisgrid.db import Database
from gisgrid.db.editors import add_editor
from tests.api.live import served
from tests.conftest import build_town

pytestmark = pytest.mark.xdist_group("schemathesis")

SCHEMATHESIS = str(Path(sys.executable).with_name("st"))
CONFIG = Path(__file__).with_name("schemathesis.toml")
ASKED = os.environ.get("GISGRID_FUZZ_EXAMPLES")
# The phase that follows links takes as long as the others together, and is left to the long run.
EXAMPLES, SEED = (ASKED, []) if ASKED else ("3", ["--seed", "1", "--phases", "examples,coverage,fuzzing"])
OTHERS = "districts|streets|communities|buildings|cameras|quality_issues"
PARTS = {
    "documents": ("/ogc/api", ["--include-tag", "documents"]),
    "points": ("/ogc/api", ["--include-tag", "manhole_covers"]),
    "areas": ("/ogc/api", ["--include-tag", "grids"]),
    "other routes": ("/openapi.json", ["--exclude-path-regex", "^/(ogc|cases/stream)"]),
}
if ASKED:
    PARTS["other collections"] = ("/ogc/api", ["--include-tag-regex", f"^({OTHERS})$"])


class Running(NamedTuple):
    """A server on a town of its own, and the token of one who may edit it."""

    address: str
    token: str
    home: Path


@pytest.fixture(scope="module")
def running(database_copies: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    database, home = build_town(database_copies()), tmp_path_factory.mktemp("fuzzed")
    with database.connect() as connection:
        token = add_editor(connection, "fuzz")
        connection.commit()
    with served(database.url, home) as address:
        yield Running(address, token, home)


@pytest.mark.parametrize("part", PARTS)
def test_the_server_keeps_to_its_definition_whatever_is_asked(running: Running, part: str) -> None:
    document, choice = PARTS[part]
    command = [SCHEMATHESIS, "--no-color", "--config-file", str(CONFIG), "run", f"{running.address}{document}"]
    options = ["--max-examples", EXAMPLES, "--auth", f"fuzz:{running.token}", *SEED, *choice]
    done = subprocess.run([*command, *options], capture_output=True, text=True, cwd=running.home, check=False)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    assert "Tested: 0" not in done.stdout
    log = (running.home / "serve.log").read_text(encoding="utf-8")
    assert "Traceback" not in log, log[-10_000:]
