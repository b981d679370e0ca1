"""Writing the files, byte for byte the same each time: no clock, no file system order, no random ids."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import zipfile
from pathlib import Path
from xml.etree.ElementTree import canonicalize

import numpy as np
import orjson
import pyogrio
import shapely
from openpyxl import Workbook

from ingest.sample.arrays import Table

FIXED_DAY = "2026-11-02"
_ZIP_TIME = (2026, 11, 2, 0, 0, 0)
COVER_FIELDS = {
    "ObjID": 16,
    "ObjName": 30,
    "DeptCode1": 18,
    "DeptName1": 100,
    "DeptCode2": 18,
    "DeptName2": 100,
    "DeptCode3": 18,
    "DeptName3": 100,
    "BGID": 15,
    "ObjState": 10,
    "ORDate": 8,
    "CHDate": 8,
    "DataSource": 30,
    "Note_": 254,
    "Material": 20,
    "Shape": 10,
    "Size": 20,
}
"""Fields of the cover shapefile and their widths in bytes."""


def write_geojson(path: Path, table: Table) -> None:
    """Write features (RFC 7946: lon, lat in WGS 84 degrees), one a line; the geometry is the column ``geometry``."""
    names = [name for name in table if name != "geometry"]
    shapes = [orjson.loads(text) for text in shapely.to_geojson(table["geometry"])]
    lines = []
    for row, shape in enumerate(shapes):
        properties = {name: table[name][row] for name in names}
        lines.append(orjson.dumps({"type": "Feature", "properties": properties, "geometry": shape}, option=orjson.OPT_SERIALIZE_NUMPY))
    name = orjson.dumps(path.stem)
    path.write_bytes(b'{"type":"FeatureCollection","name":' + name + b',"features":[\n' + b",\n".join(lines) + b"\n]}\n")


def write_shapefile(path: Path, table: Table, crs: str) -> None:
    """Write points with texts in GBK and no .cpg, as the survey's software does."""
    data = [np.array([value or "" for value in table[name]], dtype=f"U{width}") for name, width in COVER_FIELDS.items()]
    pyogrio.raw.write(
        path,
        shapely.to_wkb(table["geometry"]),
        field_data=data,
        fields=list(COVER_FIELDS),
        geometry_type="Point",
        crs=crs,
        driver="ESRI Shapefile",
        encoding="GBK",
        layer_options={"DBF_DATE_LAST_UPDATE": FIXED_DAY},
    )
    path.with_suffix(".cpg").unlink(missing_ok=True)


def write_geopackage(path: Path, layer: str, table: Table, crs: str) -> None:
    """Write polygons and multipolygons, some with heights, as one layer."""
    names = [name for name in table if name != "geometry"]
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": f"{FIXED_DAY}T00:00:00.000Z"})
    try:
        pyogrio.raw.write(
            path,
            shapely.to_wkb(table["geometry"], output_dimension=3),
            field_data=[table[name] for name in names],
            fields=names,
            layer=layer,
            geometry_type="Unknown",
            crs=crs,
            driver="GPKG",
        )
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def write_csv(path: Path, table: Table, encoding: str) -> None:
    """Write a table of texts with a header."""
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*(column.tolist() for column in table.values()), strict=True))


_XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


def write_workbook(path: Path, sheets: dict[str, Table]) -> None:
    """Write an .xlsx with one sheet for each table; the times inside are fixed, and so is the way in which its XML is put down."""
    book = Workbook(write_only=True)
    for title, table in sheets.items():
        sheet = book.create_sheet(title)
        sheet.append(list(table))
        for row in zip(*(column.tolist() for column in table.values()), strict=True):
            sheet.append([value or None for value in row])
    buffer = io.BytesIO()
    book.save(buffer)
    with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            # openpyxl writes by lxml where that is installed, which puts the same XML down in other bytes; and Python's own XML names
            # the namespaces of the properties as whatever library was imported last would have them.
            is_properties = entry.filename == "docProps/core.xml"
            content = canonicalize(old.read(entry), rewrite_prefixes=is_properties, qname_aware_attrs=[_XSI_TYPE]).encode()
            if is_properties:
                content = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", f"{FIXED_DAY}T00:00:00Z".encode(), content)
            info = zipfile.ZipInfo(entry.filename, _ZIP_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(info, content)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
