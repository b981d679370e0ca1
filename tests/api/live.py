"""The application as a process of its own, for what only a real connection shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

GISGRID = str(Path(sys.executable).with_name("gisgrid"))


@contextmanager
def served(database_url: str, home: Path) -> Iterator[str]:
    """Run ``gisgrid serve`` on a database for a block; gives its address."""
    environment = {**os.environ, "GISGRID_DATABASE_URL": database_url, "GISGRID_HOME": str(home)}
    log = home / "serve.log"
    with (
        log.open("w", encoding="utf-8") as errors,
        subprocess.Popen([GISGRID, "serve", "--port", "0"], stdout=subprocess.PIPE, stderr=errors, text=True, env=environment) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            assert found, line + log.read_text(encoding="utf-8")
            yield found[0]
        finally:
            process.kill()
