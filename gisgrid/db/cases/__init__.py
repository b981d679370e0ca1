"""Cases in PostGIS: kept, changed without losing what was, read."""

from gisgrid.db.cases.reader import CaseFilter, CaseReader, Happened, KeptCase, Page
from gisgrid.db.cases.writer import CaseChange, CaseWriter, NewCase, Stored

__all__ = ["CaseChange", "CaseFilter", "CaseReader", "CaseWriter", "Happened", "KeptCase", "NewCase", "Page", "Stored"]
