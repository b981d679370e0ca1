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
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from gisgrid.errors import GisgridError, SourceError
from ingest.targets import TARGETS, target


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rule(_Model):
    """Where the value of one field comes from: a column (``field``) or a ``constant``, and what is done to it, in this order."""

    field: str | tuple[str, ...] | None = Field(
        default=None, description="Column, or columns of which the first that exists and is not blank is taken."
    )
    constant: str | int | float | None = Field(default=None, description="The same value for every row.")
    blank: tuple[str, ...] = Field(default=(), description='Texts that mean "nothing", such as "无" or "00000000".')
    slice: tuple[int, int] | None = Field(default=None, description="Keep the characters from a (counted from 0) up to but without b.")
    template: str | None = Field(default=None, description='A text with one {} that the value is put into, such as "n{}".')
    values: dict[str, str] = Field(default={}, description="Value map: what the file says to what is stored.")
    otherwise: str | None = Field(
        default=None, description="What a value that is not in `values` becomes; without it such a row is rejected."
    )
    default: str | None = Field(default=None, description="What is stored where the file has nothing.")
    format: str | tuple[str, ...] = Field(default="%Y-%m-%d", description="Format of dates as in strptime, or several to try in turn.")
    on_error: Literal["reject", "null"] = Field(
        default="reject", description='What a bad value does: reject its row, or ("null") be left out with a warning.'
    )

    @model_validator(mode="after")
    def _one_origin(self) -> Rule:
        if (self.field is None) == (self.constant is None):
            raise ValueError("give either `field` (a column) or `constant`")
        if self.template is not None and self.template.count("{}") != 1:
            raise ValueError("`template` needs exactly one {}")
        if self.slice is not None and not 0 <= self.slice[0] < self.slice[1]:
            raise ValueError("`slice` is [a, b] with 0 <= a < b")
        if self.otherwise is not None and not self.values:
            raise ValueError("`otherwise` needs `values`")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the value may come from; none for a constant."""
        if self.field is None:
            return ()
        return (self.field,) if isinstance(self.field, str) else self.field

    @property
    def formats(self) -> tuple[str, ...]:
        """The date formats to try, in turn."""
        return (self.format,) if isinstance(self.format, str) else self.format


class Coordinates(_Model):
    """The columns of a table that hold a position: ``lon`` and ``lat`` (degrees), ``x`` and ``y`` (projected), or ``wkt``."""

    lon: str | None = None
    lat: str | None = None
    x: str | None = None
    y: str | None = None
    wkt: str | None = None

    @model_validator(mode="after")
    def _one_pair(self) -> Coordinates:
        given = {name for name in ("lon", "lat", "x", "y", "wkt") if getattr(self, name) is not None}
        if given not in ({"lon", "lat"}, {"x", "y"}, {"wkt"}):
            raise ValueError("give `lon` and `lat`, or `x` and `y`, or `wkt`")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns, the east one first; one column of WKT."""
        return tuple(name for name in (self.lon or self.x, self.lat or self.y, self.wkt) if name is not None)


class Source(_Model):
    """One source: a file (or one inner layer or sheet of it) that delivers rows of one layer.

    A source is a full delivery: rows that it delivered before and no longer holds are deleted.
    """

    id: str = Field(min_length=1, max_length=100, description="Name of the source, for good: the rows that it delivers belong to it.")
    layer: str = Field(description="Layer that the rows go to, or `organizations`, or `area_roles`.")
    path: str = Field(min_length=1, description="File, relative to the folder of the description or to --root.")
    inner_layer: str | None = Field(default=None, description="Layer inside the file, for files with several.")
    sheet: str | None = Field(default=None, description="Sheet of a spreadsheet; by default the first.")
    crs: str | None = Field(default=None, description="Coordinate system, such as gcj02 or EPSG:4528; wins over what the file says.")
    encoding: str | None = Field(default=None, description="Encoding of text, such as gb18030, where the file's format does not fix it.")
    delimiter: str | None = Field(
        default=None, min_length=1, max_length=1, description="Separator of a CSV file; a comma, or a tab in .tsv."
    )
    coordinates: Coordinates | None = Field(default=None, description="Columns with the position, for tables.")
    where: dict[str, str | tuple[str, ...]] = Field(
        default={}, description='Take only rows where each column has (one of) these values; "*" is any value that is not blank.'
    )
    fields: dict[str, tuple[Rule, ...]] = Field(description="For each field of the layer, the column or rule that fills it.")

    @field_validator("fields", mode="before")
    @classmethod
    def _shorthand(cls, value: Any) -> Any:
        """Accept "COLUMN", ["A", "B"], one rule, or a list of rules of which the first that gives a value is taken."""
        return {name: _rules(entry) for name, entry in value.items()} if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _fits_the_layer(self) -> Source:
        if self.layer not in TARGETS:
            raise ValueError(f"there is no layer {self.layer!r}; layers: {', '.join(TARGETS)}")
        goal = target(self.layer)
        if unknown := sorted(set(self.fields) - set(goal.all_fields)):
            raise ValueError(f"layer {self.layer} has no field {', '.join(unknown)}; fields: {', '.join(goal.all_fields)}")
        if missing := [
            field.name for field in goal.fields if field.required and field.name not in self.fields and not _filled(goal.id, field.name)
        ]:
            raise ValueError(f"layer {self.layer} needs a rule for {', '.join(missing)}")
        if self.coordinates is not None and goal.geometry is None:
            raise ValueError(f"rows of {self.layer} have no place; leave `coordinates` out")
        return self


def _filled(layer: str, field: str) -> bool:
    """Say whether the deployment fills ``field`` where a description does not."""
    return layer == "manhole_covers" and field in {"scheme", "edition"}


def _rules(entry: Any) -> Any:
    if isinstance(entry, str):
        return ({"field": entry},)
    if isinstance(entry, list):
        return ({"field": entry},) if all(isinstance(item, str) for item in entry) else tuple(r for item in entry for r in _rules(item))
    return (entry,)


class Description(_Model):
    """A whole description file: its sources in the order given."""

    sources: tuple[Source, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _distinct_ids(self) -> Description:
        if twice := [id for id, count in Counter(source.id for source in self.sources).items() if count > 1]:
            raise ValueError(f"source ids must differ; given more than once: {', '.join(twice)}")
        return self


def load_description(path: Path) -> Description:
    """Return the description in the TOML file at ``path``.

    Raises SourceError that names the file, the source and the key of every mistake.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SourceError(f"There is no source description {path}.", "Give the path of a TOML file; data/sources holds examples.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SourceError(f"The source description {path} cannot be read: {error}.", "It must be TOML in UTF-8.") from error
    try:
        return Description.model_validate(content)
    except ValidationError as error:
        problems = "; ".join(_problems(error, content))
        raise SourceError(f"The source description {path} cannot be used: {problems}.", "docs/ingest.md lists the keys.") from error
    except GisgridError as error:
        raise SourceError(f"The source description {path} cannot be used: {error.message}") from error


def _problems(error: ValidationError, content: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with each key, with the source called by its id."""
    for item in error.errors():
        place = [str(part) for part in item["loc"]]
        if len(item["loc"]) > 1 and item["loc"][0] == "sources" and isinstance(item["loc"][1], int):
            place = [f"source {_name(content, item['loc'][1])}", *place[2:]]
        message = item["msg"].removeprefix("Value error, ")
        yield f"{' / '.join(place)}: {message}" if place else message


def _name(content: dict[str, Any], number: int) -> str:
    """Return the id of a source in the raw TOML, or its number when it has none."""
    entry = content["sources"][number]
    return repr(entry["id"]) if isinstance(entry, dict) and "id" in entry else f"number {number + 1}"
