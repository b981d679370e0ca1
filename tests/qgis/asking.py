"""QGIS asked from tests: steps go to a process of its own Python, answers come back."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

PYTHON = "/usr/bin/python3"
_SECONDS = 280


class Qgis:
    """QGIS with a home of its own; each ``ask`` is a process, so put as many steps into one as belong together."""

    def __init__(self, home: Path) -> None:
        if not _is_installed():
            pytest.skip("QGIS is not installed")
        self.home = home
        self._run = home / "run"
        self._run.mkdir(mode=0o700, exist_ok=True)

    def ask(self, *steps: tuple[Any, ...], login: Mapping[str, str] | None = None) -> list[Any]:
        """Return the answers to steps of ``inside.py``; ``login`` is what libpq takes from the environment."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PG"))}
        environment |= {"QT_QPA_PLATFORM": "offscreen", "HOME": str(self.home), "XDG_RUNTIME_DIR": str(self._run), **(login or {})}
        script = str(Path(__file__).with_name("inside.py"))
        done = subprocess.run(
            [PYTHON, script], input=json.dumps(steps), capture_output=True, text=True, timeout=_SECONDS, env=environment, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
        answers: list[Any] = json.loads(done.stdout.rpartition("@@")[2])
        return answers


def login_of(url: str, user: str | None = None, password: str | None = None) -> dict[str, str]:
    """Return user and password of a database's address, or others, as the environment of libpq."""
    parts = conninfo_to_dict(url)
    return {"PGUSER": str(user or parts.get("user") or ""), "PGPASSWORD": str(password or parts.get("password") or "")}


@cache
def _is_installed() -> bool:
    look = "import importlib.util, sys; sys.exit(importlib.util.find_spec('qgis') is None)"
    if not Path(PYTHON).exists():
        return False
    return subprocess.run([PYTHON, "-c", look], capture_output=True, timeout=120, check=False).returncode == 0
