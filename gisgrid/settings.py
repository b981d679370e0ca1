"""The settings tree: every value that a deployment may change, with its default and its meaning.

Each setting can be given in the environment as ``GISGRID_<NAME>``, nested ones as ``GISGRID_API__PORT``.
Nothing here is read at import: call ``Settings()`` where the process starts and hand it down.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from gisgrid import paths
from gisgrid.errors import ConfigError
from gisgrid.log import LogFormat


class ApiSettings(BaseModel):
    """What the HTTP server allows by default."""

    host: str = Field(default="127.0.0.1", description="Address that `gisgrid serve` listens on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port that `gisgrid serve` listens on; 0 takes any free one.")
    workers: int = Field(default=1, ge=1, le=64, description="Server processes.")
    pool_size: int = Field(default=4, ge=1, le=100, description="Database connections that each worker keeps for tiles.")
    statement_timeout_ms: int = Field(default=5000, ge=100, description="A database statement of a request is ended after this time.")
    max_body_bytes: int = Field(default=16_000_000, ge=1024, description="Larger request bodies are refused with 413.")
    max_batch_points: int = Field(default=100_000, ge=1, description="Most points in one POST /locate/batch.")
    max_streams: int = Field(
        default=4, ge=1, le=64, description="Batches of rows that a worker answers at a time; more are told to wait, with 503."
    )
    max_stream_bytes: int | None = Field(
        default=None, ge=1024, description="Longest body of a batch of rows; by default as long as it comes."
    )
    stream_spool_bytes: int = Field(
        default=2_000_000_000,
        ge=0,
        description="Largest temporary file for the answer to a client that sends all of its rows before it reads.",
    )
    stream_idle_s: float = Field(default=120.0, gt=0, description="A batch whose client neither sends nor reads for so long is broken off.")
    max_downloads: int = Field(
        default=2, ge=1, le=64, description="Whole collections that a worker sends as files at a time; more are told to wait, with 503."
    )
    download_timeout_s: float = Field(
        default=3600.0, gt=0, description="A download, with all that its client takes to read it, is broken off after this time."
    )
    download_spool_bytes: int = Field(
        default=4_000_000_000, ge=1_000_000, description="Largest temporary file of a GeoPackage or FlatGeobuf download."
    )
    max_neighbours: int = Field(default=1000, ge=1, description="Largest k of the nearest-feature routes.")
    max_radius_m: float = Field(default=50_000.0, gt=0, description="Largest radius_m of the nearest-feature routes, metres.")


class TileSettings(BaseModel):
    """What tiles may cost, and how long they are kept."""

    cache_bytes: int = Field(
        default=256_000_000, ge=0, description="Memory that each worker keeps tiles in, compressed, bytes; 0 makes each one afresh."
    )
    max_features: int = Field(
        default=20_000, ge=1, description="Most features of a layer in one tile; of more, those that matter most are drawn."
    )
    max_bytes: int = Field(
        default=500_000,
        ge=10_000,
        description="Longest tile, uncompressed bytes; of a longer one the features that matter least are left out.",
    )
    max_waiting: int = Field(
        default=256, ge=1, description="Tiles that wait for PostGIS in one worker; more are told to come back later, with 503."
    )
    max_age_s: int = Field(
        default=0,
        ge=0,
        le=31_536_000,
        description="How long browsers and proxies may show a tile without asking again, seconds; with 0 they ask each time.",
    )


class RasterSettings(BaseModel):
    """What tiles and values of rasters may cost."""

    threads: int = Field(default=2, ge=1, le=64, description="Threads of each worker that read rasters.")
    max_waiting: int = Field(
        default=64, ge=0, description="Tiles of rasters that wait for a thread; more are told to come back later, with 503."
    )
    cache_bytes: int = Field(
        default=64_000_000, ge=0, description="Memory that each worker keeps tiles of rasters in, bytes; 0 keeps none."
    )


class Settings(BaseSettings):
    """All settings of one process; ``Settings()`` reads the environment, keyword arguments win over it."""

    model_config = SettingsConfigDict(env_prefix="GISGRID_", env_nested_delimiter="__", extra="ignore")

    home: Path = Field(default_factory=paths.default_home, description="Folder for everything that gisgrid makes: cluster, caches, logs.")
    database_url: str | None = Field(
        default=None, description="PostGIS to use, as postgresql://user:password@host:port/name; without it the private cluster in `home`."
    )
    database_name: str = Field(default="gisgrid", pattern=r"^[a-z_][a-z0-9_]{0,62}$", description="Database in the private cluster.")
    deployment: str = Field(
        default="shibei", description="Which city this is: the name of a file in data/deployments, or a path to a TOML file."
    )
    default_crs: str | None = Field(
        default=None, description="Coordinate system to assume where a request names none; by default none is assumed."
    )
    doubt_m: float = Field(
        default=0.5,
        ge=0,
        description="Grids within this distance of a point are named as candidates even when the caller gives no accuracy, metres.",
    )
    log_level: str = Field(default="INFO", description="Lowest level that is logged.")
    log_format: LogFormat = Field(default="text", description="`text` for people, `json` for machines.")
    api: ApiSettings = Field(default_factory=ApiSettings, description="The HTTP server.")
    tiles: TileSettings = Field(default_factory=TileSettings, description="The tiles.")
    rasters: RasterSettings = Field(default_factory=RasterSettings, description="The rasters.")


def load_settings(**overrides: object) -> Settings:
    """Return the settings of this process from the environment; ``overrides`` win.

    Raises ConfigError that names each bad setting and what was expected of it.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        problems = "; ".join(f"GISGRID_{'__'.join(str(part) for part in item['loc']).upper()}: {item['msg']}" for item in error.errors())
        raise ConfigError(f"Bad settings: {problems}.", "See docs/settings.md for what each setting takes.") from error
