"""The HTTP API from Python: one client that waits, one for asyncio, the same methods and answers in both.

>>> from gisgrid import Client
>>> with Client("http://127.0.0.1:8000", crs="gcj02") as client:  # doctest: +SKIP
...     client.locate(120.38, 36.0873).location.grid
"""

from gisgrid.client.addresses import GeocodeAnswer, GeocodedPlace, NearAddress, NearRoad, ReverseAnswer, Suggestion
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
from gisgrid.client.reports import Case, CaseUnit
from gisgrid.client.sync import Client

__all__ = [
    "AsyncClient",
    "BuildingAt",
    "Case",
    "CaseUnit",
    "Client",
    "ConvertAnswer",
    "Cover",
    "CoverAnswer",
    "Currency",
    "Feature",
    "GeocodeAnswer",
    "GeocodedPlace",
    "LocateAnswer",
    "NearAddress",
    "NearRoad",
    "NearestAnswer",
    "NotLocated",
    "ReverseAnswer",
    "Sight",
    "Suggestion",
    "Then",
]
