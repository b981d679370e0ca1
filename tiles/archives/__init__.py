"""Archives: a region's tiles in one file (PMTiles, MBTiles), written from PostGIS and served."""

from tiles.archives.plan import ExportOptions
from tiles.archives.writing import SUFFIXES, Exported, export

__all__ = ["SUFFIXES", "ExportOptions", "Exported", "export"]
