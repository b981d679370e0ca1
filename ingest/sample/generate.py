"""The sample district, start to end: make it, write it beside the target folder, and put it in place in one step."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from gisgrid.errors import ParameterError
from gisgrid.progress import Progress, silent
from ingest.sample.files import write_files
from ingest.sample.plan import DEFAULT_SEED, Plan
from ingest.sample.version import generator_version
from ingest.sample.write import sha256

__all__ = ["DEFAULT_SEED", "SampleResult", "generate"]

MANIFEST = "manifest.json"
_FORMAT = "gisgrid sample district"


class SampleResult(NamedTuple):
    """What became of a folder: whether anything was ``written``, and its manifest."""

    directory: Path
    written: bool
    manifest: dict[str, Any]


def generate(directory: Path, seed: int = DEFAULT_SEED, scale: float = 1.0, progress: Progress | None = None) -> SampleResult:
    """Make the files of a sample district in ``directory``, unless they are there already, whole and of the same kind.

    The same ``seed`` and ``scale`` give the same bytes. Nothing is seen in the folder before everything is written. Files of
    other people in a folder that holds a sample stay. Raises ParameterError for a scale or seed that is not possible, and
    for a folder that holds something but no sample.
    """
    plan = Plan(seed, scale)
    directory = Path(directory).resolve()
    old = _read_manifest(directory)
    if old is not None and _is_current(directory, old, plan):
        return SampleResult(directory, False, old)
    try:
        return _write(plan, directory, old, progress or silent)
    except OSError as error:
        raise ParameterError(
            "DIR", f"{directory} cannot be written: {error}", "a folder on a disk with room that you may write to"
        ) from error


def _write(plan: Plan, directory: Path, old: dict[str, Any] | None, progress: Progress) -> SampleResult:
    """Make the files in a folder beside the target and exchange the two."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    try:
        work.chmod(0o755)
        report = write_files(plan, work, progress)
        manifest = _manifest(plan, work, report)
        (work / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        _put_in_place(work, directory, old)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return SampleResult(directory, True, manifest)


def _read_manifest(directory: Path) -> dict[str, Any] | None:
    """Return the manifest of a folder that holds a sample, None for a folder that is not there or empty."""
    if not directory.exists():
        return None
    hint = "a new or empty folder, or one that an earlier `gisgrid sample` made"
    if not directory.is_dir():
        raise ParameterError("DIR", f"{directory} is not a folder", hint)
    try:
        manifest = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        if any(directory.iterdir()):
            raise ParameterError("DIR", f"{directory} holds files that are not a sample", hint) from None
        return None
    except ValueError:
        manifest = None
    if not isinstance(manifest, dict) or manifest.get("format") != _FORMAT:
        raise ParameterError("DIR", f"{directory / MANIFEST} is not that of a sample", hint)
    return manifest


def _is_current(directory: Path, manifest: dict[str, Any], plan: Plan) -> bool:
    """Say whether the folder holds just what the plan would make: same numbers, same generator, files untouched."""
    wanted = (plan.seed, plan.scale, generator_version())
    if (manifest.get("seed"), manifest.get("scale"), manifest.get("generator")) != wanted:
        return False
    for entry in manifest["files"]:
        path = directory / entry["path"]
        if not path.is_file() or path.stat().st_size != entry["bytes"] or sha256(path) != entry["sha256"]:
            return False
    return True


def _manifest(plan: Plan, work: Path, report: dict[str, Any]) -> dict[str, Any]:
    paths = sorted(path for path in work.rglob("*") if path.is_file())
    files = [{"path": path.relative_to(work).as_posix(), "bytes": path.stat().st_size, "sha256": sha256(path)} for path in paths]
    return {"format": _FORMAT, "generator": generator_version(), "seed": plan.seed, "scale": plan.scale, "files": files, **report}


def _put_in_place(work: Path, directory: Path, old: dict[str, Any] | None) -> None:
    """Exchange the folder for the new one; files that the old manifest does not name move over."""
    if directory.exists():
        ours = {entry["path"] for entry in old["files"]} | {MANIFEST} if old else set()
        for path in sorted(directory.rglob("*")):
            name = path.relative_to(directory).as_posix()
            target = work / name
            if path.is_file() and name not in ours and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                path.rename(target)
        outgoing = Path(tempfile.mkdtemp(prefix=f".{directory.name}-old-", dir=directory.parent))
        os.replace(directory, outgoing)
        os.replace(work, directory)
        shutil.rmtree(outgoing)
    else:
        os.replace(work, directory)
