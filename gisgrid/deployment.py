"""What differs from city to city: bounds, code patterns and schemes, read from a TOML file."""

from __future__ import annotations

import tomllib
import zoneinfo
from datetime import date, time
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from gisgrid import paths
from gisgrid.codes import ClassKey, ComponentClass, component_classes, of_edition
from gisgrid.crs import parse_crs
from gisgrid.errors import ConfigError, CrsError
from gisgrid.mistakes import near, problems
from gisgrid.types import LEVELS, Bounds, Level


def _pattern(value: str) -> str:
    try:
        # To make an array of Python's values pyarrow imports pandas, which takes longer than all else that a command does first.
        pc.match_substring_regex(pa.nulls(1, pa.string()), pattern=value)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{value!r} is not a regular expression that can be used: {str(error).splitlines()[0]}") from None
    return value


Pattern = Annotated[str, AfterValidator(_pattern)]
"""A regular expression (RE2) for the whole of a code."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


class OwnClass(_Model):
    """A class of components that only this deployment has."""

    code: str = Field(min_length=1, description="Code of the class.")
    name: str = Field(default="", description="Name of the class; without it the code.")
    kind: str = Field(
        default="",
        pattern="^[a-z0-9_]*$",
        description="Word for the same thing in every scheme, such as `sewage`; crosswalks go by it.",
    )
    is_cover: bool = Field(default=True, description="Whether it is a manhole cover.")


class SchemeEdition(_Model):
    """A code scheme and the edition of it, such as ``CJ/T 214`` of 2007."""

    scheme: str = Field(min_length=1, description="Name of the scheme.")
    edition: str = Field(default="1", min_length=1, description="Edition of the scheme.")
    code_pattern: Pattern | None = Field(
        default=None, description="Regular expression for a component's whole code, where it differs from that of `[components]`."
    )
    classes: tuple[OwnClass, ...] = Field(
        default=(), description="Classes of a scheme of your own, each { code, name, kind, is_cover }; shipped schemes have theirs."
    )
    default_class: str | None = Field(
        default=None, description="Class of covers whose source says none; by default the scheme's only class of covers."
    )


GENERIC = SchemeEdition(scheme="generic", edition="1", default_class="cover")
"""The scheme of a deployment that names none: classes called by their kind, and ``cover`` where the kind is not known."""


class ComponentRules(_Model):
    """How components are coded in a deployment: the pattern of a code and the schemes whose classes are known."""

    code_pattern: Pattern = Field(default=".+", description="Regular expression for a component's whole code.")
    schemes: tuple[SchemeEdition, ...] = Field(
        default=(GENERIC,), min_length=1, description="The code schemes in use; without any, `generic` of edition `1`."
    )

    def pattern_of(self, scheme: str, edition: str) -> str:
        """Return the pattern of codes in a scheme's edition: its own, or that of all components."""
        own = (item.code_pattern for item in self.schemes if (item.scheme, item.edition) == (scheme, edition))
        return next((pattern for pattern in own if pattern is not None), self.code_pattern)


class AreaRules(_Model):
    """How one level of areas is coded; ``parent_is_prefix`` says that a code begins with its parent's code.

    An area smaller or larger than the limits (square metres) is a finding, and so is a sequence number (the last
    ``sequence_digits`` characters of the code) out of order; None where it is not checked.
    """

    code_pattern: Pattern = Field(default=".+", description="Regular expression for the whole code of an area.")
    parent_is_prefix: bool = Field(default=False, description="Whether a code begins with its parent's code.")
    min_area_m2: float | None = Field(default=None, gt=0, description="Smaller areas are a finding, square metres.")
    max_area_m2: float | None = Field(default=None, gt=0, description="Larger areas are a finding, square metres.")
    sequence_digits: int | None = Field(
        default=None, ge=1, le=10, description="How many characters at the end of a code are its number in the parent area."
    )

    @model_validator(mode="after")
    def _range(self) -> AreaRules:
        if self.min_area_m2 is not None and self.max_area_m2 is not None and self.min_area_m2 >= self.max_area_m2:
            raise ValueError("`min_area_m2` must be smaller than `max_area_m2`")
        return self


class TopologyRules(_Model):
    """From where on a fault in the borders of areas is worth a word: metres on the ground, square metres, and a share of a building."""

    sliver_m: float = Field(default=1.0, gt=0, description="An overlap or gap narrower than this is a sliver, metres.")
    rounding_m: float = Field(default=0.01, gt=0, description="What is narrower than this is passed over: coordinates are rounded, metres.")
    cut_m2: float = Field(default=1.0, ge=0, description="A building is cut when more than this lies beyond a border, square metres.")
    cut_share: float = Field(default=0.01, ge=0, le=0.5, description="A building is cut when more than this share lies beyond a border.")
    cover_radius_m: float = Field(default=0.35, ge=0, description="A border nearer than this to a manhole cover cuts it, metres.")


class CaseRules(_Model):
    """How a city works: the calendar and the hours by which deadlines are counted, and the rules of assignment to begin with."""

    country: str = Field(
        default="",
        pattern="^([A-Z]{2}(-[A-Z0-9]{1,3})?)?$",
        description="ISO 3166 code of the country (or part of it) whose public holidays are kept, such as CN; without it there are none.",
    )
    timezone: str = Field(default="UTC", description="Time zone in which days and hours are counted, such as Asia/Shanghai.")
    working_hours: tuple[str, ...] = Field(
        default=("09:00-17:00",), min_length=1, description="Hours of work of a working day in local time, each HH:MM-HH:MM."
    )
    days_off: tuple[date, ...] = Field(default=(), description="Days that are not worked, beyond the public holidays that are known.")
    days_on: tuple[date, ...] = Field(default=(), description="Days that are worked all the same, such as make-up days just published.")
    rules: str = Field(
        default="default", min_length=1, description="Rules of assignment to begin with: a file in data/rules, or the path of a CSV file."
    )

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            zoneinfo.ZoneInfo(value)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{value!r} is not a time zone that is known, such as Asia/Shanghai") from None
        return value

    @field_validator("working_hours")
    @classmethod
    def _hours(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(late >= early for (_, late), (early, _) in pairwise(_stretches(value))):
            raise ValueError("stretches of working hours must not touch or overlap")
        return value

    @property
    def stretches(self) -> tuple[tuple[time, time], ...]:
        """When work begins and ends, in local time, from morning to evening."""
        return _stretches(self.working_hours)


def _stretches(hours: tuple[str, ...]) -> tuple[tuple[time, time], ...]:
    try:
        found = sorted((time.fromisoformat(begin), time.fromisoformat(end)) for begin, end in (one.split("-") for one in hours))
    except ValueError:
        raise ValueError("working hours are written HH:MM-HH:MM, such as 08:00-12:00") from None
    if any(begin >= end or begin.tzinfo or end.tzinfo for begin, end in found):
        raise ValueError("working hours must begin before they end, on the same day")
    return tuple(found)


class AddressRules(_Model):
    """How addresses are written in a deployment, and the names of the larger areas that they may begin with.

    Addresses name a district that lies elsewhere or that is no more as well: it has to be known to be told from a road.
    """

    parser: Literal["zh", "western"] = Field(
        default="western", description="How addresses are written: `zh` (from the large to the small) or `western` (street and number)."
    )
    provinces: tuple[str, ...] = Field(default=(), description="Provinces that addresses may name; those of China are known.")
    cities: tuple[str, ...] = Field(default=(), description="Cities that addresses may name, such as 青岛市.")
    districts: tuple[str, ...] = Field(default=(), description="Districts of this deployment, such as 市北区.")
    former_districts: tuple[str, ...] = Field(default=(), description="Districts that became part of these and live on in addresses.")
    neighbours: tuple[str, ...] = Field(default=(), description="Districts that addresses may name and that lie elsewhere.")


class Deployment(_Model):
    """One city's rules.

    ``bounds`` is west, south, east, north in WGS 84 degrees: a position outside is taken for a mistake.
    ``attribution`` is what maps of the data must say; without it they name the city.
    """

    id: str = Field(min_length=1, description="Short name of the city; by default the name of the file.")
    title_zh: str = Field(default="", description="Title in Chinese; by default the other title, or the id.")
    title_en: str = Field(default="", description="Title in English; by default the other title, or the id.")
    bounds: tuple[float, float, float, float] = Field(
        description="[west, south, east, north] in WGS 84 degrees; a position outside is taken for a mistake."
    )
    attribution: str = Field(default="", description="What maps of the data must say; without it they name the city.")
    projected_crs: str | None = Field(
        default=None, description="Projected coordinate system that the city uses, such as EPSG:4549, for reports."
    )
    areas: dict[Level, AreaRules] = Field(
        default={}, description="One table `[areas.LEVEL]` for each level there is: district, street, community, grid."
    )
    components: ComponentRules = Field(default_factory=ComponentRules, description="How components are coded.")
    topology: TopologyRules = Field(default_factory=TopologyRules, description="How exactly the borders of areas have to fit.")
    addresses: AddressRules = Field(default_factory=AddressRules, description="How addresses are written.")
    cases: CaseRules = Field(default_factory=CaseRules, description="The working calendar and the rules of assignment.")

    @model_validator(mode="before")
    @classmethod
    def _titles(cls, content: Any) -> Any:
        if not isinstance(content, dict):
            return content
        title = content.get("title_en") or content.get("title_zh") or content.get("id", "")
        return {**content, "title_zh": content.get("title_zh") or title, "title_en": content.get("title_en") or title}

    @field_validator("bounds")
    @classmethod
    def _box(cls, value: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        west, south, east, north = value
        if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
            raise ValueError("bounds are west, south, east, north in degrees, west < east and south < north")
        return value

    @field_validator("projected_crs")
    @classmethod
    def _known_crs(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                parse_crs(value)
            except CrsError as error:
                raise ValueError(f"{value!r} is not a coordinate system that is known. {error.hint}".strip()) from None
        return value

    @model_validator(mode="after")
    def _schemes(self) -> Deployment:
        seen: set[tuple[str, str]] = set()
        for item in self.components.schemes:
            where = f"components / schemes: {item.scheme} of edition {item.edition}"
            if (item.scheme, item.edition) in seen:
                raise ValueError(f"{where} is given twice")
            seen.add((item.scheme, item.edition))
            _check_scheme(item, self.classes, where)
        return self

    @property
    def box(self) -> Bounds:
        """The plausible extent, degrees, WGS 84."""
        return Bounds(*self.bounds)

    def level_above(self, level: Level) -> Level | None:
        """Return the level that areas of ``level`` belong to; None for the largest one there is."""
        place = self.levels.index(level)
        return self.levels[place - 1] if place else None

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels of areas that this deployment has, from the largest to the smallest."""
        return tuple(level for level in LEVELS if level in self.areas)

    @cached_property
    def classes(self) -> dict[ClassKey, ComponentClass]:
        """Every class of components by its (scheme, edition, code): those that ship, and the deployment's own."""
        return {**component_classes(), **self.own_classes}

    @cached_property
    def own_classes(self) -> dict[ClassKey, ComponentClass]:
        """The classes that only this deployment has, by their (scheme, edition, code)."""
        return {
            (scheme.scheme, scheme.edition, item.code): ComponentClass(
                scheme.scheme, scheme.edition, item.code, "", item.name or item.code, item.is_cover, item.kind
            )
            for scheme in self.components.schemes
            for item in scheme.classes
        }

    def default_class(self, scheme: SchemeEdition) -> str | None:
        """Return the class code of covers whose source says none: the declared one, or the scheme's only class of covers."""
        covers = [item.code for item in of_edition(self.classes, scheme.scheme, scheme.edition) if item.is_cover]
        return scheme.default_class or (covers[0] if len(covers) == 1 else None)


def _check_scheme(item: SchemeEdition, classes: dict[ClassKey, ComponentClass], where: str) -> None:
    """Raise ValueError for a scheme without classes, with classes that ship already, or with a default class that is no cover."""
    shipped = {key[:2] for key in component_classes()}
    if item.classes and (item.scheme, item.edition) in shipped:
        raise ValueError(f"{where} ships with its classes; call a scheme of your own otherwise, or leave `classes` out")
    if len({entry.code for entry in item.classes}) < len(item.classes):
        raise ValueError(f"{where} has a class code twice")
    own = {entry.code: entry.is_cover for entry in of_edition(classes, item.scheme, item.edition)}
    if not own:
        known = sorted(f"{scheme} of edition {edition}" for scheme, edition in shipped)
        guess = near(f"{item.scheme} of edition {item.edition}", known)
        raise ValueError(f"{where} is not known and has no `classes`{guess} (known: {', '.join(known)})")
    if item.default_class is not None and not own.get(item.default_class):
        raise ValueError(f"{where}: `default_class` {item.default_class!r} is not one of its classes of covers")


def load_deployment(name: str) -> Deployment:
    """Return the deployment called ``name`` (a file in data/deployments), or the one in the TOML file at that path.

    Raises ConfigError when there is no such file, or when it says something that is not understood.
    """
    folder = paths.data_dir() / "deployments"
    path = Path(name) if name.endswith(".toml") or Path(name).name != name else folder / f"{name}.toml"
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        known = sorted(p.stem for p in folder.glob("*.toml"))
        raise ConfigError(
            f"There is no deployment {name!r}{near(name, known) or '.'}",
            f"GISGRID_DEPLOYMENT takes one of {', '.join(known)}, or the path of a TOML file.",
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"The deployment file {path} cannot be read: {error}.", "It must be TOML in UTF-8.") from error
    content.setdefault("id", path.stem)
    try:
        return Deployment.model_validate(content)
    except ValidationError as error:
        said = "; ".join(problems(error, Deployment, content))
        raise ConfigError(f"The deployment file {path} cannot be used: {said}.", "See docs/settings.md for its keys.") from error
