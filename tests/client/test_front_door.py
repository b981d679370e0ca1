"""What can be had from ``gisgrid`` itself, and that it costs nothing who does not ask for it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import gisgrid
from gisgrid.client import AsyncClient, Client
from gisgrid.locator import Locator

STUB = Path(gisgrid.__file__).with_suffix(".pyi")


def loaded_after(code: str) -> set[str]:
    """Return the modules that a fresh process has after running some code."""
    show = f"{code}\nimport sys\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_names_are_those_of_their_homes() -> None:
    assert gisgrid.Client is Client
    assert gisgrid.AsyncClient is AsyncClient
    assert gisgrid.Locator is Locator
    assert set(gisgrid.__all__) <= set(dir(gisgrid))
    with pytest.raises(AttributeError, match="has no attribute 'Clint'"):
        _ = gisgrid.Clint  # type: ignore[attr-defined]
    with pytest.raises(ImportError, match="Clint"):
        from gisgrid import Clint  # type: ignore[attr-defined]  # noqa: F401, PLC0415


def test_type_checkers_are_told_the_same_names() -> None:
    imported = [node for node in ast.parse(STUB.read_text(encoding="utf-8")).body if isinstance(node, ast.ImportFrom)]
    assert {alias.name: node.module for node in imported for alias in node.names} == gisgrid._HOMES  # type: ignore[attr-defined]
    assert set(gisgrid.__all__) == {*gisgrid._HOMES, "__version__"}  # type: ignore[attr-defined]


def test_nothing_is_loaded_before_it_is_asked_for() -> None:
    assert not {"httpx", "numpy", "gisgrid.client", "gisgrid.locator"} & loaded_after("import gisgrid")
    assert not {"httpx", "geopandas", "gisgrid.locator"} & loaded_after("import gisgrid.cli")
    heavy = {"numpy", "pandas", "geopandas", "pyarrow", "pydantic", "fastapi", "psycopg", "gisgrid.locator", "gisgrid.settings"}
    assert not heavy & loaded_after("from gisgrid import Client, AsyncClient\nClient('http://there', crs='wgs84').close()")
