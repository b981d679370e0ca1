"""The notebooks run from their first cell to their last, on a small sample and a real server, and draw what they promise."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib.image
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from gisgrid.db import Database
from gisgrid.settings import Settings
from ingest.demo import run_demo
from tests.serving import GISGRID, served

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
FIGURES = 4

read: Callable[..., Any] = nbformat.read

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def environment(database_copies: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Where the notebook finds a small sample: its files, its database, its server."""
    home = tmp_path_factory.mktemp("notebooks")
    database = database_copies()
    run_demo(Settings(home=home, database_url=database.url), home / "sample", seed=7, scale=0.05)
    with served([GISGRID, "serve", "--port"], {"GISGRID_DATABASE_URL": database.url}) as server:
        yield {
            "GISGRID_DATABASE_URL": database.url,
            "GISGRID_SAMPLE": str(home / "sample"),
            "GISGRID_SERVER": server.url,
            "MPLCONFIGDIR": str(home / "matplotlib"),
            "IPYTHONDIR": str(home / "ipython"),
        }


@pytest.fixture(scope="module")
def executed(environment: dict[str, str]) -> Any:
    """The notebook after it has run."""
    notebook = read(FOLDER / "locating.ipynb", as_version=4)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        # What a cell raises, this raises.
        NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}).execute()
    return notebook


def outputs(notebook: Any) -> list[Any]:
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def test_its_figures_are_drawn(executed: Any) -> None:
    drawn = [output.data["image/png"] for output in outputs(executed) if "image/png" in output.get("data", {})]
    assert len(drawn) == FIGURES
    for png in drawn:
        picture = matplotlib.image.imread(io.BytesIO(base64.b64decode(png)), format="png")[..., :3]
        height, width, _ = picture.shape
        assert min(height, width) >= 300
        # Neither blank nor all of one colour: some of it is ink, in several colours, and most of it is not.
        assert 0.01 < (np.abs(picture - 1.0).max(axis=2) > 0.05).mean() < 0.9
        assert len(np.unique((picture * 15).astype(int).reshape(-1, 3), axis=0)) > 20


def test_nothing_is_complained_of(executed: Any) -> None:
    # matplotlib says so there when a font lacks a character.
    assert [output.text for output in outputs(executed) if output.output_type == "stream"] == []


def test_the_server_names_the_grids_that_the_locator_names(executed: Any) -> None:
    same = next(output.data["text/plain"] for cell in executed.cells if "again[" in cell.source for output in cell.get("outputs", []))
    found, asked = (int(part) for part in same.strip("()").split(","))
    assert found == asked > 0


def test_it_is_committed_without_outputs_and_names_no_machine() -> None:
    for path in FOLDER.glob("*.ipynb"):
        notebook = read(path, as_version=4)
        nbformat.validate(notebook)
        assert all(not cell.outputs and cell.execution_count is None for cell in notebook.cells if cell.cell_type == "code")
        text = path.read_text(encoding="utf-8")
        assert not [word for word in ("/home/", "/root/", "/work/", "/tmp/", "/Users/") if word in text]
