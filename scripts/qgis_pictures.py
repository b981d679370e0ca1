"""Draw the pictures of docs/qgis.md anew from the database of the settings, which holds the sample district: ``make qgis-pictures``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from gisgrid.db import open_database  # noqa: E402
from gisgrid.settings import load_settings  # noqa: E402
from tests.qgis.asking import PYTHON, login_of  # noqa: E402
from tests.serving import GISGRID, served  # noqa: E402

PLACE = (533_747, 3_995_272)
PLACE_3857 = (13_400_050, 4_312_612)
COVERS, CAMERAS = "gisgrid_manhole_covers", "gisgrid_cameras"


def main() -> None:
    """Make both projects, start a server, and have QGIS draw each window in a process of its own."""
    database = open_database(load_settings())
    with tempfile.TemporaryDirectory() as folder, served([GISGRID, "serve", "--port"], {}) as server:
        home = Path(folder)
        by_postgis, by_tiles = str(home / "postgis.qgz"), str(home / "tiles.qgz")
        subprocess.run([GISGRID, "qgis", by_postgis], check=True)
        subprocess.run([GISGRID, "qgis", by_tiles, "--source", "tiles", "--url", server.url], check=True)
        with database.connect() as connection:
            row = connection.execute("SELECT min(code) FROM gisgrid.manhole_covers WHERE state = 'intact'").fetchone()
        assert row is not None
        pictures = {
            "overview": ("window", {"project": by_postgis}),
            "detail": ("window", {"project": by_postgis, "place": (*PLACE, 1300), "opened": [COVERS, CAMERAS]}),
            "tiles": ("window", {"project": by_tiles, "place": (*PLACE_3857, 3000)}),
            "form": ("form", {"project": by_postgis, "code": row[0]}),
            "refused": ("refused", {"project": by_postgis, "code": row[0]}),
            "connection": ("connection", {"address": "http://grid.example:8000/ogc"}),
        }
        for name, (what, asked) in pictures.items():
            _draw(what, ROOT / "docs" / "images" / f"qgis-{name}.png", asked, home, login_of(database.url))


def _draw(what: str, picture: Path, asked: dict[str, object], home: Path, login: dict[str, str]) -> None:
    run = home / "run"
    run.mkdir(mode=0o700, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PG"))}
    environment |= {"QT_QPA_PLATFORM": "offscreen", "HOME": str(home), "XDG_RUNTIME_DIR": str(run), **login}
    script = str(ROOT / "scripts" / "qgis_window.py")
    subprocess.run([PYTHON, script, what, str(picture)], input=json.dumps(asked), text=True, env=environment, check=True, timeout=300)


if __name__ == "__main__":
    main()
