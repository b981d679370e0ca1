"""gisgrid: the domain of city-grid governance and its store; answers questions, serves nobody.

``Locator``, ``Client`` and ``AsyncClient`` can be had from here. They are fetched only when they are asked for, so that the
command line stays quick; ``__init__.pyi`` tells type checkers of them.
"""

import importlib

__version__ = "0.1.0"

_HOMES = {"AsyncClient": "gisgrid.client", "Client": "gisgrid.client", "Locator": "gisgrid.locator"}

__all__ = ["AsyncClient", "Client", "Locator", "__version__"]


def __getattr__(name: str) -> object:
    """Return what has its home in a part of gisgrid that is not loaded yet."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
