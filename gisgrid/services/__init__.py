"""A connection in, domain objects out: the read model, the answers as documents, and batch files."""

from gisgrid.services.documents import as_document, building_document, neighbour_document
from gisgrid.services.history import AreasThen, parse_instant
from gisgrid.services.locators import open_locator
from gisgrid.services.read_model import ReadModel

__all__ = ["AreasThen", "ReadModel", "as_document", "building_document", "neighbour_document", "open_locator", "parse_instant"]
