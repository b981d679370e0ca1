"""The geocoder of what PostGIS holds, kept current by the change feed."""

from gisgrid.services.geocoding.current import CurrentGazetteer, Sources, catch_up_sources, read_sources
from gisgrid.services.geocoding.pool import GeocoderPool

__all__ = ["CurrentGazetteer", "GeocoderPool", "Sources", "catch_up_sources", "read_sources"]
