"""The notebooks run from their first cell to their last, on a small sample and a real server, and draw what they promise."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import matplotlib.image
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from gisgrid.db import Database
from gisgrid.db.editors import add_editor
from gisgrid.settings import Settings
from ingest.demo import run_demo
from tests.serving import GISGRID, served

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
FIGURES = {"locating": 4, "cases": 6}
CLOSED = 20

read: Callable[..., Any] = nbformat.read

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def environment(database_copies: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Where the notebook finds a small sample: its files, its database, its server."""
    home = tmp_path_factory.mktemp("notebooks")
    database = database_copies()
    run_demo(Settings(home=home, database_url=database.url), home / "sample", seed=7, scale=0.05)
    with served([GISGRID, "serve", "--port"], {"GISGRID_DATABASE_URL": database.url}) as server:
        with database.connect() as connection:
            token = add_editor(connection, "张三")
        yield {
            "TOKEN": token,
            "GISGRID_DATABASE_URL": database.url,
            "GISGRID_SAMPLE": str(home / "sample"),
            "GISGRID_SERVER": server.url,
            "MPLCONFIGDIR": str(home / "matplotlib"),
            "IPYTHONDIR": str(home / "ipython"),
        }


def closes_some(environment: dict[str, str]) -> Callable[..., None]:
    """Return what closes some cases as soon as a cell has sent them: nobody works on a sample otherwise."""

    def after(cell: Any, **_: Any) -> None:
        if "/cases/batch" in cell.source:
            headers = {"Authorization": f"Bearer {environment['TOKEN']}"}
            with httpx.Client(base_url=environment["GISGRID_SERVER"], headers=headers) as editor:
                for case in editor.get("/cases", params={"state": "assigned", "limit": CLOSED}).json()["cases"]:
                    editor.post(f"/cases/{case['number']}/close", json={"reason": "已处置"}).raise_for_status()

    return after


@pytest.fixture(scope="module")
def runs(environment: dict[str, str]) -> Callable[[str], Any]:
    """Return what runs a notebook, once, and gives it back."""

    @cache
    def run(name: str) -> Any:
        notebook = read(FOLDER / f"{name}.ipynb", as_version=4)
        with pytest.MonkeyPatch.context() as patch:
            for variable, value in environment.items():
                patch.setenv(variable, value)
            # What a cell raises, this raises.
            there, after = {"metadata": {"path": str(FOLDER)}}, closes_some(environment)
            NotebookClient(notebook, timeout=300, kernel_name="python3", resources=there, on_cell_executed=after).execute()
        return notebook

    return run


@pytest.fixture(params=list(FIGURES))
def executed(request: pytest.FixtureRequest, runs: Callable[[str], Any]) -> Any:
    """Each notebook after it has run."""
    return runs(request.param)


def outputs(notebook: Any) -> list[Any]:
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


@pytest.mark.parametrize("name", list(FIGURES))
def test_its_figures_are_drawn(runs: Callable[[str], Any], name: str) -> None:
    executed = runs(name)
    drawn = [output.data["image/png"] for output in outputs(executed) if "image/png" in output.get("data", {})]
    assert len(drawn) == FIGURES[name]
    for png in drawn:
        picture = matplotlib.image.imread(io.BytesIO(base64.b64decode(png)), format="png")[..., :3]
        height, width, _ = picture.shape
        assert min(height, width) >= 300
        # Neither blank nor all of one colour: some of it is ink, in more colours than the sixteen greys, and most of it is not.
        assert 0.01 < (np.abs(picture - 1.0).max(axis=2) > 0.05).mean() < 0.9
        assert len(np.unique((picture * 15).astype(int).reshape(-1, 3), axis=0)) > 16


def test_nothing_is_complained_of(executed: Any) -> None:
    # matplotlib says so there when a font lacks a character.
    assert [output.text for output in outputs(executed) if output.output_type == "stream"] == []


def told(notebook: Any, code: str) -> str:
    """Return what the cell with some code says."""
    said: str = next(output.data["text/plain"] for cell in notebook.cells if code in cell.source for output in cell.get("outputs", []))
    return said


@pytest.mark.parametrize(("name", "code"), [("locating", "again["), ("cases", "same = len(cases)")])
def test_the_server_counts_what_the_notebook_counts(runs: Callable[[str], Any], name: str, code: str) -> None:
    found, asked = (int(part) for part in told(runs(name), code).strip("()").split(","))
    assert found == asked > 0


def test_closed_cases_are_seen_as_closed(runs: Callable[[str], Any]) -> None:
    paced = next(
        output.data["text/html"] for cell in runs("cases").cells if "hours_to_close=" in cell.source for output in cell.get("outputs", [])
    )
    column = int(re.findall(r'class="col_heading level0 (col\d+)"[^>]*>closed<', paced)[0].removeprefix("col"))
    assert sum(int(count) for count in re.findall(rf'class="data row\d+ col{column}"[^>]*>(\d+)<', paced)) == CLOSED


def test_it_is_committed_without_outputs_and_names_no_machine() -> None:
    for path in FOLDER.glob("*.ipynb"):
        notebook = read(path, as_version=4)
        nbformat.validate(notebook)
        assert all(not cell.outputs and cell.execution_count is None for cell in notebook.cells if cell.cell_type == "code")
        text = path.read_text(encoding="utf-8")
        assert not [word for word in ("/home/", "/root/", "/tmp/", "/Users/") if word in text]
