"""Points to areas and to nearest features, from arrays in memory."""

from gisgrid.locator.areas import AreaIndex, AreaTable
from gisgrid.locator.files import About, Summary, describe
from gisgrid.locator.footprints import Building, FootprintIndex, FootprintTable
from gisgrid.locator.locator import Locator
from gisgrid.locator.many import Located
from gisgrid.locator.points import PointIndex, PointTable
from gisgrid.locator.single import Roles

__all__ = [
    "About",
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
    "Summary",
    "describe",
]
