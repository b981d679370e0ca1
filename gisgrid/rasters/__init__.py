"""Rasters: what is known of one, and how a GeoTIFF becomes one that is quick to serve (``gisgrid.rasters.cog``)."""

from gisgrid.rasters.facts import KINDS, Band, Facts, Kind, Raster, raster_folder

__all__ = ["KINDS", "Band", "Facts", "Kind", "Raster", "raster_folder"]
