"""Features of the layers in PostGIS: pages of them, one of them, streams of them, and edits."""

from gisgrid.db.features.reader import FeatureReader, Page

__all__ = ["FeatureReader", "Page"]
