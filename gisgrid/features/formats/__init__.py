"""Features as files: which formats there are, and how each is written from what PostGIS gives."""

from gisgrid.features.formats.table import BY_WORD, FORMATS, FileFormat, format_of_suffix

__all__ = ["BY_WORD", "FORMATS", "FileFormat", "format_of_suffix"]
