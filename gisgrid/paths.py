"""Where the project keeps its files: shipped data, and the folder for everything that is made."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def checkout() -> Path | None:
    """Return the root of the source checkout that this package runs from, or None when it is installed elsewhere."""
    root = _PACKAGE.parent
    return root if (root / "pyproject.toml").is_file() and (root / "data").is_dir() else None


def data_dir() -> Path:
    """Return the folder of code lists, deployments and source descriptions that ships with gisgrid."""
    root = checkout()
    return root / "data" if root else _PACKAGE / "_data"


def default_home() -> Path:
    """Return the folder for what gisgrid makes (cluster, caches): ``.gisgrid`` in the checkout, else in the current folder."""
    return (checkout() or Path.cwd()) / ".gisgrid"
