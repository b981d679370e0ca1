"""OGC API below ``/ogc``: Features, Tiles and Styles, for QGIS, GDAL and every other client of the standards."""

from api.ogc.app import PREFIX, OgcApp

__all__ = ["PREFIX", "OgcApp"]
