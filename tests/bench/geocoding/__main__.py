"""``python -m tests.bench.geocoding``: how right, how sure and how quick the geocoder is on a sample district,
and how many positions under a wrong name it gives away."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gisgrid.deployment import load_deployment
from gisgrid.progress import silent
from gisgrid.services.geocoding import GeocoderPool
from ingest.sample.files import make_world
from ingest.sample.generate import generate
from tests.bench.geocoding.bound import Bound
from tests.bench.geocoding.files import sample_cases, sample_gazetteer, sample_plan
from tests.bench.geocoding.measure import by_kind, calibration, judge, quality, rows_per_second
from tests.bench.geocoding.positions import read_labels


def main(
    sample: Annotated[Path | None, typer.Option(help="Folder of a sample; without it one is made.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the sample that is made.")] = 1,
    scale: Annotated[float, typer.Option(help="Size of the sample that is made.")] = 1.0,
    bound: Annotated[bool, typer.Option(help="Tell too how right anything could be; takes three minutes.")] = False,
    pool: Annotated[bool, typer.Option(help="Measure all processors together too.")] = False,
) -> None:
    """Print the shares that the geocoder is judged by, what its confidence is worth, and rows a second."""
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory() as made:
        folder = sample or Path(made) / "sample"
        if sample is None:
            generate(folder, seed, scale)
        gazetteer, locator = sample_gazetteer(folder)
        cases, plan = sample_cases(folder), sample_plan(folder)
    begin = time.process_time()
    gazetteer.prepare()
    console.print(f"gazetteer of {len(cases):,} cases' district made in {time.process_time() - begin:.1f} s of a processor")
    judged = judge(gazetteer, locator, cases)
    console.print(by_kind(judged), calibration(judged))
    labels = read_labels(gazetteer, locator, cases, load_deployment("shibei").box)
    for name, share in (*quality(judged)._asdict().items(), *labels._asdict().items()):
        console.print(f"{name.replace('_', ' '):22} {share:8.2%}")
    texts = [case.address for case in cases]
    rate, turns = rows_per_second(gazetteer, texts)
    console.print(f"{rate:,.0f} rows/s of one processor's time, which makes {turns / 1e6:.0f} million empty turns/s meanwhile")
    if bound:
        console.print(Bound(make_world(plan, silent)).shares(gazetteer, locator).table())
    if pool:
        with GeocoderPool(gazetteer) as processes:
            list(processes.map([texts] * 4))
            begin = time.perf_counter()
            rows = sum(len(columns["lon"]) for columns in processes.map([texts] * 40))
            console.print(f"{rows / (time.perf_counter() - begin):,.0f} rows/s of all processors together")


if __name__ == "__main__":
    typer.run(main)
