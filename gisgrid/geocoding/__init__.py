"""From an address to a point and back: a gazetteer in memory, matching that says how sure it is, suggestions."""

from gisgrid.geocoding.answers import AddressLevel, Geocoded, Geocoding, MatchType

__all__ = ["AddressLevel", "Geocoded", "Geocoding", "MatchType"]
