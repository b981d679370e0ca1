"""One source of a description: the file or table, how it is read, and the rules for its fields."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from gisgrid.mistakes import near
from ingest import units
from ingest.description.rasters import RasterSource
from ingest.description.rules import Model, Rule
from ingest.targets import TARGETS, Target, TargetField, target

_PASSWORD = re.compile(r"(://[^:/@\s]*:)[^@\s]*@|(password\s*=\s*)('[^']*'|\S+)", re.IGNORECASE)


class Coordinates(Model):
    """The columns of a table that hold a position: ``lon`` and ``lat`` (degrees), ``x`` and ``y`` (projected), or ``wkt``."""

    lon: str | None = Field(default=None, description="Column of the longitude, degrees.")
    lat: str | None = Field(default=None, description="Column of the latitude, degrees.")
    x: str | None = Field(default=None, description="Column of the easting, in the units of `crs`.")
    y: str | None = Field(default=None, description="Column of the northing, in the units of `crs`.")
    wkt: str | None = Field(default=None, description="Column of the geometry as WKT.")

    @model_validator(mode="after")
    def _one_pair(self) -> Coordinates:
        given = {name for name in ("lon", "lat", "x", "y", "wkt") if getattr(self, name) is not None}
        if given not in ({"lon", "lat"}, {"x", "y"}, {"wkt"}):
            raise ValueError("give `lon` and `lat`, or `x` and `y`, or `wkt`")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns, the east one first; one column of WKT."""
        return tuple(name for name in (self.lon, self.x, self.lat, self.y, self.wkt) if name is not None)


class Source(Model):
    """One source: a file (or one inner layer or sheet of it) or a table that delivers rows of one layer.

    A source is a full delivery, unless it is ``partial``: rows that it delivered before and no longer holds are retired.
    ``path`` is empty exactly when ``connection`` and ``table`` are given.
    """

    id: str = Field(min_length=1, max_length=100, description="Name of the source, for good: the rows that it delivers belong to it.")
    layer: str = Field(description="Layer that the rows go to, or `organizations`, `area_roles` or `place_names`.")
    path: str = Field(default="", description="File, relative to the folder of the description or to --root.")
    member: str | None = Field(
        default=None,
        min_length=1,
        description='File inside an archive (.zip, .gz, .kmz), where there are several; "inner.zip/covers.shp" for one inside another.',
    )
    connection: str | None = Field(
        default=None,
        min_length=1,
        description='Instead of `path`, with `table`: a PostgreSQL connection, "env:NAME" (a variable that holds it) or a URL.',
    )
    table: str | None = Field(default=None, min_length=1, description='Table or view to read, "schema.table"; goes with `connection`.')
    inner_layer: str | None = Field(default=None, description="Layer inside the file, for files with several.")
    sheet: str | None = Field(default=None, description="Sheet of a spreadsheet; by default the first.")
    header_row: int | None = Field(
        default=None, ge=1, description="Row of a sheet or line of a CSV file that names the columns, counted from 1; by default the first."
    )
    crs: str | None = Field(default=None, description="Coordinate system, such as gcj02 or EPSG:4528; wins over what the file says.")
    axis_order: Literal["xy", "yx"] = Field(
        default="xy",
        description='Order of the coordinates: "yx" when the file has its axes the other way round (latitude or northing first).',
    )
    accept_crs: bool = Field(
        default=False, description="Load also where the check of positions says that the coordinate system is another than declared."
    )
    encoding: str | None = Field(default=None, description="Encoding of text, such as gb18030, where the file's format does not fix it.")
    delimiter: str | None = Field(
        default=None, min_length=1, max_length=1, description="Separator of a CSV file; a comma, or a tab in .tsv."
    )
    decimal: Literal[".", ","] | None = Field(
        default=None, description='Decimal mark of numbers in text: "," for 3,5. Once it is said, 1,234 (or 1.234) can be read too.'
    )
    partial: bool = Field(default=False, description="A partial delivery: rows that it does not deliver stay as they are.")
    coordinates: Coordinates | None = Field(default=None, description="Columns with the position, for tables.")
    where: dict[str, str | tuple[str, ...]] = Field(
        default={}, description='Take only rows where each column has (one of) these values; "*" is any value that is not blank.'
    )
    fields: dict[str, tuple[Rule, ...]] = Field(description="For each field of the layer, the column or rule that fills it.")

    @field_validator("layer")
    @classmethod
    def _known_layer(cls, value: str) -> str:
        if value not in TARGETS:
            raise ValueError(f"there is no layer {value!r}{near(value, TARGETS)} (layers: {', '.join(TARGETS)})")
        return value

    @field_validator("fields", mode="before")
    @classmethod
    def _shorthand(cls, value: Any) -> Any:
        """Accept "COLUMN", ["A", "B"], one rule, or a list of rules of which the first that gives a value is taken."""
        return {name: _rules(entry) for name, entry in value.items()} if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _one_place(self) -> Source:
        if bool(self.path) == bool(self.connection or self.table):
            raise ValueError("give `path` (a file), or `connection` and `table`")
        if (self.connection is None) != (self.table is None):
            raise ValueError("`connection` and `table` go together")
        return self

    @model_validator(mode="after")
    def _fits_the_layer(self) -> Source:
        goal = target(self.layer)
        if unknown := sorted(set(self.fields) - set(goal.all_fields)):
            guess = near(unknown[0], goal.all_fields)
            raise ValueError(f"layer {self.layer} has no field {', '.join(unknown)}{guess} (fields: {', '.join(goal.all_fields)})")
        if missing := _unfilled(goal, self.fields):
            raise ValueError(f"layer {self.layer} needs a rule for {', '.join(missing)}")
        for name, rules in self.fields.items():
            for rule in rules:
                _check_rule(rule, goal.all_fields[name])
        if self.coordinates is not None and goal.geometry is None:
            raise ValueError(f"rows of {self.layer} have no place; leave `coordinates` out")
        return self

    @property
    def where_from(self) -> str:
        """Where the rows come from, for messages: the path with the member of an archive, or the table; never a password."""
        if self.table is not None:
            return f"table {self.table} of {without_password(self.connection or '')}"
        return f"{self.path}/{self.member}" if self.member else self.path


def without_password(connection: str) -> str:
    """Return a PostgreSQL URL or conninfo with its password replaced by ``***``.

    >>> without_password("postgresql://me:secret@db/city")
    'postgresql://me:***@db/city'
    """
    return _PASSWORD.sub(lambda found: f"{found[1]}***@" if found[1] else f"{found[2]}***", connection)


def _unfilled(goal: Target, fields: dict[str, tuple[Rule, ...]]) -> list[str]:
    """Return the required fields that neither a rule nor the deployment may fill."""
    filled = {"scheme", "edition", "class_code"} if goal.id == "manhole_covers" else set()
    missing = [field.name for field in goal.fields if field.required and field.name not in fields and field.name not in filled]
    return [*missing, "of_code or of_name"] if goal.id == "place_names" and not fields.keys() & {"of_code", "of_name"} else missing


def _check_rule(rule: Rule, field: TargetField) -> None:
    """Raise ValueError for a rule that cannot give a value of ``field``."""
    where = f"fields / {field.name}"
    if rule.unit is not None and units.factor(rule.unit, field.unit) is None:
        fitting = ", ".join(units.names_of(field.unit))
        why = f"it is in {field.unit}, so units are {fitting}" if fitting and field.type != "text" else "it has no unit"
        raise ValueError(f"{where}: `unit` {rule.unit!r} cannot be used for {field.name}: {why}")
    if rule.format is not None and field.type != "date":
        raise ValueError(f"{where}: `format` is for dates, and {field.name} is a {field.type}")
    if (rule.class_names or rule.crosswalk is not None) and field.name != "class_code":
        raise ValueError(f"{where}: `class_names` and `crosswalk` are for class_code")
    if not field.allowed:
        return
    mapped = (value for value in (rule.otherwise, *rule.values.values()) if value != "")  # that leaves the value blank
    for value in (rule.constant, rule.default, *mapped):
        if value is not None and str(value) not in field.allowed:
            raise ValueError(
                f"{where}: {field.name} cannot be {str(value)!r}{near(str(value), field.allowed)} (it is one of {', '.join(field.allowed)})"
            )


def _rules(entry: Any) -> Any:
    if isinstance(entry, str):
        return ({"field": entry},)
    if isinstance(entry, list):
        return ({"field": entry},) if all(isinstance(item, str) for item in entry) else tuple(r for item in entry for r in _rules(item))
    return (entry,)


class Description(Model):
    """A whole description file: its sources in the order given, and its rasters."""

    sources: tuple[Source, ...] = Field(default=(), description="The sources, each a [[sources]] table.")
    rasters: tuple[RasterSource, ...] = Field(default=(), description="The rasters, each a [[rasters]] table.")

    @model_validator(mode="after")
    def _something(self) -> Description:
        if not self.sources and not self.rasters:
            raise ValueError("there is neither a source nor a raster in it: write [[sources]] or [[rasters]] tables")
        return self

    @model_validator(mode="after")
    def _distinct_ids(self) -> Description:
        ids = Counter([source.id for source in self.sources] + [raster.id for raster in self.rasters])
        if twice := [id for id, count in ids.items() if count > 1]:
            raise ValueError(f"source ids must differ; given more than once: {', '.join(twice)}")
        return self
