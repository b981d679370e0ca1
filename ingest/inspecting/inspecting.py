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
from ingest.inspecting.parts import parts_of
from ingest.inspecting.places import WORLD
from ingest.inspecting.proposal import Inspected, Request, inspect_sample
from ingest.inspecting.sample import Sample, read_sample
from ingest.readers.workspace import Workspace
from ingest.targets import target


class Inspection(NamedTuple):
    """What was found: the parts in the order of the files, and the text of a deployment where one was asked for."""

    parts: list[Inspected]
    deployment: str = ""


class Options(NamedTuple):
    """What the user knows better than any guess."""

    layer: str | None = None
    encoding: str | None = None
    crs: str | None = None


def inspect_files(files: Sequence[Path], deployment: Deployment, options: Options, new_city: str | None = None) -> Inspection:
    """Return what the parts of ``files`` hold, judged for ``deployment``.

    With ``new_city`` a deployment of that name is made from the files first, and they are judged for it. Raises SourceError when a
    file cannot be opened (a part that cannot be read is an error only when its file has no other), NotFoundError for a layer
    that does not exist.
    """
    if options.layer is not None:
        target(options.layer)
    samples = [(file, sample) for file in files for sample in _samples(file, options.encoding)]
    if new_city is None:
        return Inspection([_judge(Request(file, deployment, *options), sample) for file, sample in samples])
    rules, text = Deployment(id=new_city, bounds=WORLD), ""
    # Files that do not say their coordinate system can be placed once the others have said where the city is.
    for _ in range(2):
        parts = [_judge(Request(file, rules, *options), sample) for file, sample in samples]
        text = deployment_text(new_city, parts)
        rules = deployment_of(text)
    return Inspection([_judge(Request(file, rules, *options), sample) for file, sample in samples], text)


def _samples(file: Path, encoding: str | None) -> list[Sample]:
    workspace = Workspace(file)
    samples: list[Sample] = []
    errors: list[SourceError] = []
    try:
        for part in parts_of(file, workspace):
            try:
                samples.append(read_sample(part, encoding))
            except SourceError as error:
                errors.append(error)
        if not samples:
            raise errors[0]
    except SourceError as error:
        raise workspace.told(error) from error
    except OSError as error:
        raise SourceError(f"{file} cannot be read: {error.strerror or error}.", "Check that the file is there and may be read.") from error
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
