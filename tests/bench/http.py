"""One lookup over HTTP against a bare ASGI echo in the same server.

The rate is requests per second of the server's own CPU time: the load comes from a client in Python that cannot always
keep a server busy, and both share two cores, so requests per second of wall time would measure the client.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from gisgrid.settings import Settings
from tests.bench.measure import Result, compare
from tests.bench.points import Floats
from tests.serving import GISGRID, Server, served

_CONNECTIONS = 32
_TICKS = os.sysconf("SC_CLK_TCK")


def lookups_against_echo(settings: Settings, lon: Floats, lat: Floats, rounds: int, includes: Sequence[str] = ("",)) -> list[Result]:
    """Compare the requests per CPU second of ``GET /locate`` with the echo's, one request a point (WGS 84 degrees).

    Each of ``includes`` names what else is asked for there, in a comparison of its own.
    """
    with (
        served([sys.executable, "-m", "tests.bench.echo"], {}) as echo,
        served([GISGRID, "serve", "--port"], environment(settings)) as ours,
    ):
        return [_against(echo, ours, locate_paths(lon, lat, include), rounds, include) for include in includes]


def _against(echo: Server, ours: Server, paths: list[bytes], rounds: int, include: str) -> Result:
    result = compare(lambda: _rate(ours, paths), lambda: _rate(echo, paths), rounds)
    work = f"/locate with {include}" if include else "one lookup over HTTP, points in the district"
    goal = "at least 0.1" if include else "at least 0.25"
    return Result(work, "bare ASGI echo, same server", *result[:2], "requests/CPU s", *result[2:], goal)


def locate_paths(lon: Floats, lat: Floats, include: str = "") -> list[bytes]:
    """Return the requests for points (WGS 84 degrees)."""
    more = f"&include={include}" if include else ""
    return [f"/locate?lon={x:.6f}&lat={y:.6f}&crs=wgs84{more}".encode() for x, y in zip(lon.tolist(), lat.tolist(), strict=True)]


def environment(settings: Settings) -> dict[str, str]:
    """Return what a server is told of the settings."""
    return {"GISGRID_DATABASE_URL": settings.database_url or "", "GISGRID_DEPLOYMENT": settings.deployment}


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _rate(server: Server, paths: list[bytes]) -> float:
    before = _cpu_seconds(server.pid)
    asyncio.run(_load(server.port, paths))
    return len(paths) / max(_cpu_seconds(server.pid) - before, 1 / _TICKS)


async def _load(port: int, paths: list[bytes]) -> None:
    await asyncio.gather(*(_client(port, paths[start::_CONNECTIONS]) for start in range(_CONNECTIONS)))


async def _client(port: int, paths: list[bytes]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for path in paths:
        writer.write(b"GET " + path + b" HTTP/1.1\r\nhost: bench\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
        length = int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        await reader.readexactly(length)
    writer.close()
    await writer.wait_closed()
