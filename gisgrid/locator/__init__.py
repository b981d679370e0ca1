"""Points to areas and to nearest features, from arrays in memory."""

from gisgrid.locator.areas import AreaIndex, AreaTable
from gisgrid.locator.footprints import Building, FootprintIndex, FootprintTable
from gisgrid.locator.locator import Located, Locator, Roles
from gisgrid.locator.points import PointIndex, PointTable

__all__ = [
    "AreaIndex",
    "AreaTable",
    "Building",
    "FootprintIndex",
    "FootprintTable",
    "Located",
    "Locator",
    "PointIndex",
    "PointTable",
    "Roles",
]
