"""The whole inspection: each part of each file looked at, and what comes of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from gisgrid.deployment import Deployment
from gisgrid.errors import SourceError
from ingest.inspecting.deploying import deployment_of, deployment_text
from ingest.inspecting.osm import inspect_extract
from ingest.inspecting.parents import with_parents
from ingest.inspecting.parts import parts_of
from ingest.inspecting.places import WORLD
from ingest.inspecting.proposal import Inspected, Request, inspect_sample
from ingest.inspecting.sample import Sample, read_sample
from ingest.readers.workspace import Workspace
from ingest.targets import target


class Inspection(NamedTuple):
    """What was found: the parts in the order of the files, and the text of a deployment where one was asked for.

    ``unread`` says which files or parts could not be read and why, ``problem`` why no deployment could be made.
    """

    parts: list[Inspected]
    unread: list[SourceError]
    deployment: str = ""
    problem: SourceError | None = None


_COMPANIONS = {".dbf", ".shx", ".prj", ".cpg", ".sbn", ".sbx", ".qix", ".qmd", ".xml", ".xsd", ".gfs", ".dat", ".map", ".id", ".ind"}


class Options(NamedTuple):
    """What the user knows better than any guess."""

    layer: str | None = None
    encoding: str | None = None
    crs: str | None = None


def inspect_files(files: Sequence[Path], deployment: Deployment, options: Options, new_city: str | None = None) -> Inspection:
    """Return what the parts of ``files`` hold, judged for ``deployment``.

    With ``new_city`` a deployment of that name is made from the files first, and they are judged for it. Files that only belong to
    another are passed over. Raises SourceError when nothing at all can be read, NotFoundError for a layer that does not exist.
    """
    if options.layer is not None:
        target(options.layer)
    unread: list[SourceError] = []
    samples = [(file, sample) for file in without_companions(files) for sample in _samples(file, options.encoding, unread)]
    if unread and not samples:
        raise unread[0]
    if new_city is None:
        return Inspection(_judged(samples, deployment, options), unread)
    rules, text = Deployment(id=new_city, bounds=WORLD), ""
    # Files that do not say their coordinate system can be placed once the others have said where the city is.
    for _ in range(2):
        parts = _judged(samples, rules, options)
        try:
            text = deployment_text(new_city, parts)
            rules = deployment_of(text)
        except SourceError as error:
            return Inspection(parts, unread, problem=error)
    return Inspection(_judged(samples, rules, options), unread, text)


def without_companions(files: Sequence[Path]) -> list[Path]:
    """Return ``files`` without those that only belong to another of them, as the .dbf and .prj of a shapefile do."""
    mains = {file.with_suffix("") for file in files if file.suffix.lower() not in _COMPANIONS}
    return [file for file in files if file.suffix.lower() not in _COMPANIONS or file.with_suffix("") not in mains]


def _judged(samples: Sequence[tuple[Path, Sample]], deployment: Deployment, options: Options) -> list[Inspected]:
    return with_parents([_judge(Request(file, deployment, *options), sample) for file, sample in samples])


def _samples(file: Path, encoding: str | None, unread: list[SourceError]) -> list[Sample]:
    """Return the samples of all parts of a file that can be read; errors of the others go to ``unread``."""
    workspace = Workspace(file)
    samples: list[Sample] = []
    try:
        for part in parts_of(file, workspace):
            try:
                samples.append(read_sample(part, encoding))
            except SourceError as error:
                unread.append(workspace.told(error))
    except SourceError as error:
        unread.append(workspace.told(error))
    except OSError as error:
        hint = "Check that the file is there and may be read."
        unread.append(SourceError(f"{file} cannot be read: {error.strerror or error}.", hint))
    finally:
        workspace.close()
    return samples


def _judge(request: Request, sample: Sample) -> Inspected:
    return inspect_extract(request, sample) if sample.contents.open_ended else inspect_sample(request, sample)


def path_from(output: Path | None, path: Path) -> str:
    """Return the path of a source file as a description at ``output`` is to name it: relative where it is below its folder."""
    folder = output.parent if output is not None else Path.cwd()
    try:
        relative = os.path.relpath(path.resolve(), folder.resolve())
    except ValueError:  # another drive
        return path.resolve().as_posix()
    return path.resolve().as_posix() if relative.startswith("..") else Path(relative).as_posix()
