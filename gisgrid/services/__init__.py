"""A connection in, domain objects out: the read model, the answers as documents, and batch files."""

from gisgrid.services.answers import (
    BUILDING_WITHIN_M,
    FILTERS,
    INCLUDES,
    NEAREST_LAYERS,
    NEIGHBOURS,
    Beside,
    CoverHints,
    NearestAsked,
    Place,
    Sources,
    cover_document,
    locate_document,
    nearest_documents,
)
from gisgrid.services.documents import as_document, building_document, neighbour_document
from gisgrid.services.freshness import Currency
from gisgrid.services.history import AreasThen, parse_instant
from gisgrid.services.locators import open_locator
from gisgrid.services.read_model import ReadModel
from gisgrid.services.snapshot import Snapshot

__all__ = [
    "BUILDING_WITHIN_M",
    "FILTERS",
    "INCLUDES",
    "NEAREST_LAYERS",
    "NEIGHBOURS",
    "AreasThen",
    "Beside",
    "CoverHints",
    "Currency",
    "NearestAsked",
    "Place",
    "ReadModel",
    "Snapshot",
    "Sources",
    "as_document",
    "building_document",
    "cover_document",
    "locate_document",
    "nearest_documents",
    "neighbour_document",
    "open_locator",
    "parse_instant",
]
