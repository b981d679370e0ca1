"""The HTTP API from Python: one client that waits, one for asyncio, the same methods and answers in both.

>>> from gisgrid import Client
>>> with Client("http://127.0.0.1:8000", crs="gcj02") as client:  # doctest: +SKIP
...     client.locate(120.38, 36.0873).location.grid
"""

from gisgrid.client.aio import AsyncClient
from gisgrid.client.answers import (
    BuildingAt,
    ConvertAnswer,
    Cover,
    CoverAnswer,
    Currency,
    Feature,
    LocateAnswer,
    NearestAnswer,
    NotLocated,
    Sight,
    Then,
)
from gisgrid.client.sync import Client

__all__ = [
    "AsyncClient",
    "BuildingAt",
    "Client",
    "ConvertAnswer",
    "Cover",
    "CoverAnswer",
    "Currency",
    "Feature",
    "LocateAnswer",
    "NearestAnswer",
    "NotLocated",
    "Sight",
    "Then",
]
