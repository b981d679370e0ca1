"""PostgreSQL's programs on this machine, and the user that they are run as."""

from __future__ import annotations

import logging
import os
import pwd
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from gisgrid.errors import ClusterError

logger = logging.getLogger(__name__)

OLDEST_MAJOR = 15
_TIMEOUT_S = 180
_INSTALL_HINT = (
    "Install it (Debian, Ubuntu: `sudo apt-get install postgresql-{major} postgresql-{major}-postgis-3`), "
    "or set GISGRID_DATABASE_URL to a server that has PostGIS."
)
# Either lets a process enter folders that its user may not; containers often grant only one of them.
_WALK_CAPABILITIES = ("dac_read_search", "dac_override")


class Programs(NamedTuple):
    """The programs of one PostgreSQL version, in ``folder``."""

    major: int
    folder: Path

    def path(self, name: str) -> Path:
        """Return the path of the program called ``name``."""
        return self.folder / name


def find_programs(major: int | None = None) -> Programs:
    """Return the newest PostgreSQL here that has PostGIS, or the one of version ``major`` when that is given.

    Raises ClusterError that names the packages to install.
    """
    found = {programs.major: programs for folder in _folders() if (programs := _programs_in(folder)) is not None}
    if major is not None:
        if major not in found:
            raise ClusterError(f"The private cluster was made by PostgreSQL {major}, which is not here any more.", _hint(major))
        return found[major]
    usable = [programs for programs in found.values() if programs.major >= OLDEST_MAJOR and _has_postgis(programs)]
    if usable:
        return max(usable)
    wanted = max([OLDEST_MAJOR, *found])
    if wanted in found:
        raise ClusterError(f"PostgreSQL {wanted} is here, but PostGIS for it is not.", _hint(wanted))
    raise ClusterError(f"PostgreSQL {OLDEST_MAJOR} or newer is not installed.", _hint(wanted))


def _hint(major: int) -> str:
    return _INSTALL_HINT.format(major=major)


def _folders() -> list[Path]:
    folders = list(Path("/usr/lib/postgresql").glob("*/bin"))
    folders += list(Path("/usr").glob("pgsql-*/bin"))
    initdb = shutil.which("initdb")
    if initdb:
        folders.append(Path(initdb).resolve().parent)
    config = shutil.which("pg_config")
    if config:
        folders.append(Path(_output(config, "--bindir")))
    return folders


def _programs_in(folder: Path) -> Programs | None:
    if not all(os.access(folder / name, os.X_OK) for name in ("initdb", "pg_ctl", "postgres")):
        return None
    match = re.search(r"\) (\d+)", _output(folder / "postgres", "--version"))
    return Programs(int(match[1]), folder) if match else None


def _has_postgis(programs: Programs) -> bool:
    share = [Path(f"/usr/share/postgresql/{programs.major}")]
    config = programs.path("pg_config")
    if config.exists():
        share.append(Path(_output(config, "--sharedir")))
    return any((folder / "extension" / "postgis.control").is_file() for folder in share)


def _output(*command: str | Path) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=10, cwd="/").stdout.strip()
    except OSError:
        return ""


class Owner(NamedTuple):
    """The user that the server runs as, who owns its files; ``switch`` says that we are root and become that user."""

    uid: int
    gid: int
    name: str
    switch: bool

    def give(self, path: Path) -> None:
        """Make ``path`` this user's own."""
        if self.switch:
            os.chown(path, self.uid, self.gid)

    def run(self, *command: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run ``command`` as this user, from the root folder, and return what it said; ``folder`` must be reachable for it.

        Raises ClusterError when it takes longer than three minutes.
        """
        full = [*self._prefix(folder), *map(str, command)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_MESSAGES": "C"}
        logger.debug("running %s", full)
        try:
            return subprocess.run(
                full, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S, cwd="/", env=environment
            )
        except subprocess.TimeoutExpired as error:
            raise ClusterError(
                f"{Path(command[0]).name} took more than {_TIMEOUT_S} s.", "Is the machine overloaded or its disk full?"
            ) from error

    def _prefix(self, folder: Path) -> list[str]:
        if not self.switch:
            return []
        become = ["setpriv", f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups"]
        if _reachable(become, folder):
            return become
        # A checkout below a folder such as /root, which this user may not enter: it gets the one right to walk through.
        for capability in _WALK_CAPABILITIES:
            walking = [*become, f"--inh-caps=+{capability}", f"--ambient-caps=+{capability}"]
            if _reachable(walking, folder):
                return walking
        raise ClusterError(
            f"The user {self.name}, as whom root runs PostgreSQL, may not enter {folder}.",
            "Open the folders above it (chmod o+x), or set GISGRID_HOME to a folder that everybody may enter.",
        )


def _reachable(prefix: list[str], folder: Path) -> bool:
    # Not `test -x`: access(2) leaves the capabilities out of account.
    return subprocess.run([*prefix, "stat", f"{folder}/."], capture_output=True, check=False, cwd="/").returncode == 0


def find_owner(folder: Path) -> Owner:
    """Return the user to run the server as: ourselves, or as root the owner of ``folder`` if it exists, else ``postgres``.

    Raises ClusterError when we are root and there is no such user or no `setpriv` (util-linux) to become it.
    """
    uid = os.getuid()
    if uid != 0:
        return Owner(uid, os.getgid(), str(uid), switch=False)
    if shutil.which("setpriv") is None:
        raise ClusterError("PostgreSQL does not run as root, and `setpriv` to become another user is missing.", "Install util-linux.")
    try:
        entry = pwd.getpwuid(folder.stat().st_uid) if folder.exists() and folder.stat().st_uid != 0 else pwd.getpwnam("postgres")
    except KeyError:
        raise ClusterError(
            "PostgreSQL does not run as root, and there is no user `postgres` to run it as.",
            "Make one (`useradd --system postgres`), or run gisgrid as an ordinary user.",
        ) from None
    return Owner(entry.pw_uid, entry.pw_gid, entry.pw_name, switch=True)
