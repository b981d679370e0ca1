"""``gisgrid convert``: a position in another coordinate system."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from gisgrid.crs import EXPECTED
from gisgrid.services.conversions import conversion_document, parse_targets
from gisgrid.services.options import CrsOption, LatArgument, LonArgument, coordinates_of, system_of
from gisgrid.settings import load_settings


def convert(
    first: LonArgument,
    second: LatArgument,
    *,
    crs: CrsOption = None,
    to: Annotated[str, typer.Option("--to", help=f"Coordinate system to convert to, several with commas: {EXPECTED}.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON, as GET /convert gives it.")] = False,
) -> None:
    """Convert a position between coordinate systems, and say how far off it may be; needs no database."""
    system = system_of(crs, load_settings())
    targets = parse_targets(to)
    x, y = coordinates_of(system, first, second)
    found = conversion_document(system, x, y, targets)
    if as_json:
        document = {"input": dict(zip(system.axes, (x, y), strict=True)) | {"crs": system.name}, **found}
        sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode())
        return
    outputs: Any = found.get("outputs", [found])
    console = Console(highlight=False, soft_wrap=True)
    for output, target in zip(outputs, targets, strict=True):
        values = [output["output"][name] for name in target.axes]
        places = 4 if target.is_projected else 9
        metres = output["accuracy_m"]
        console.print(f"{target}  {' '.join(f'{value:.{places}f}' for value in values)}", markup=False)
        console.print(f"  {'accuracy unknown' if metres is None else f'within {metres:g} m'}: {output['accuracy']}", markup=False)
