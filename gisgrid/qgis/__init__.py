"""What QGIS is given: projects with every layer; the look, labels and form of each, in QGIS's own files. Needs no QGIS itself."""

from gisgrid.qgis.packing import write_project
from gisgrid.qgis.project import Project, Server, project_document
from gisgrid.qgis.sources import SOURCES, SourceKind
from gisgrid.qgis.styles import NamedStyle, styles_of

__all__ = ["SOURCES", "NamedStyle", "Project", "Server", "SourceKind", "project_document", "styles_of", "write_project"]
