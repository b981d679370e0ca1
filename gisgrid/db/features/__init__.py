"""Features of the layers in PostGIS: pages of them, one of them, streams of them, and edits."""

from gisgrid.db.features.reader import FeatureReader, One, Page

__all__ = ["FeatureReader", "One", "Page"]
