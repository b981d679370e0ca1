"""What differs from city to city: bounds, code patterns and schemes, read from a TOML file."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from gisgrid import paths
from gisgrid.errors import ConfigError
from gisgrid.types import LEVELS, Bounds, Level


class SchemeEdition(BaseModel):
    """A code scheme and the edition of it, such as ``CJ/T 214`` of 2007."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scheme: str
    edition: str


class ComponentRules(BaseModel):
    """How components are coded in a deployment: the pattern of a code and the schemes whose classes are known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code_pattern: str = ".+"
    schemes: tuple[SchemeEdition, ...] = ()


class AreaRules(BaseModel):
    """How one level of areas is coded; ``parent_is_prefix`` says that a code begins with its parent's code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code_pattern: str
    parent_is_prefix: bool = False


class Deployment(BaseModel):
    """One city's rules.

    ``bounds`` is west, south, east, north in WGS 84 degrees: a position outside is taken for a mistake.
    ``attribution`` is what maps of the data must say; without it they name the city.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    title_zh: str
    title_en: str
    bounds: tuple[float, float, float, float]
    attribution: str = ""
    areas: dict[Level, AreaRules]
    components: ComponentRules = Field(default_factory=ComponentRules)

    @field_validator("bounds")
    @classmethod
    def _box(cls, value: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        west, south, east, north = value
        if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
            raise ValueError("bounds are west, south, east, north in degrees, west < east and south < north")
        return value

    @property
    def box(self) -> Bounds:
        """The plausible extent, degrees, WGS 84."""
        return Bounds(*self.bounds)

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels of areas that this deployment has, from the largest to the smallest."""
        return tuple(level for level in LEVELS if level in self.areas)


def load_deployment(name: str) -> Deployment:
    """Return the deployment called ``name`` (a file in data/deployments), or the one in the TOML file at that path.

    Raises ConfigError when there is no such file, or when it says something that is not understood.
    """
    folder = paths.data_dir() / "deployments"
    path = Path(name) if name.endswith(".toml") else folder / f"{name}.toml"
    try:
        with path.open("rb") as file:
            return Deployment.model_validate(tomllib.load(file))
    except FileNotFoundError:
        known = ", ".join(sorted(p.stem for p in folder.glob("*.toml")))
        raise ConfigError(
            f"There is no deployment {name!r}.", f"GISGRID_DEPLOYMENT takes one of {known}, or the path of a TOML file."
        ) from None
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise ConfigError(f"The deployment file {path} cannot be used: {error}", "See docs/settings.md for its keys.") from error
