"""The source description: a TOML file that says what each source file holds and how it becomes rows of a layer.

[[sources]]
id = "covers"                        # names the source for good: rows belong to it
layer = "manhole_covers"             # a layer, or organizations, or area_roles
path = "covers/survey.shp"           # relative to this file, or to --root
crs = "EPSG:4528"                    # may be left out when the file says it
encoding = "gb18030"                 # of text; may be left out when the file says it

[sources.fields]
code = "ObjID"
name = ["ObjName", "NAME"]           # the first column that the file has and that is not blank
class_code = { field = "ObjID", slice = [6, 10] }
scheme = { constant = "CJ/T 214" }
state = { field = "ObjState", values = { "完好" = "intact" }, otherwise = "unknown" }
installed_on = { field = "ORDate", format = "%Y%m%d" }
size = { expression = "length_mm + ' x ' + width_mm" }

[[rasters]]
id = "ortho-2026"                    # it is served under it
path = "ortho/2026.tif"
kind = "orthophoto"
"""

from ingest.description.loading import load_description
from ingest.description.rasters import RasterSource
from ingest.description.rules import ClassScheme, Rule
from ingest.description.sources import Coordinates, Description, Source

__all__ = ["ClassScheme", "Coordinates", "Description", "RasterSource", "Rule", "Source", "load_description"]
