"""``python -m tests.bench.cases``: cases of the sample's day, 300 a second for twenty seconds; what must hold makes it fail.

A number as its argument is that of the server's workers, two without one. Needs a database with the sample (``gisgrid demo``); the
cases stay there.
"""

from __future__ import annotations

import csv
import itertools
import sys

from gisgrid.settings import load_settings
from tests.bench.cases.run import P99_MS, RATE, run

_SECONDS = 20
_WORKERS = 2


def main() -> int:
    """Send the day's cases and print what came of it."""
    settings = load_settings()
    with (settings.home / "sample" / "cases.csv").open(encoding="utf-8-sig", newline="") as file:
        day = [case for row in csv.DictReader(file) if (case := _case(row)) is not None]
    cases = list(itertools.islice(itertools.cycle(day), int(RATE * _SECONDS)))
    workers = int(sys.argv[1]) if len(sys.argv) > 1 else _WORKERS
    result = run(settings, cases, RATE, workers)
    posted = result.posted
    kept = f"kept {posted.kept:,} of {len(cases):,}, {result.kept:,} in the database, {posted.per_second:.0f}/s (to reach {RATE:.0f}/s)"
    waits = f"{workers} workers; median {posted.median_ms:.1f} ms, p99 {posted.p99_ms:.1f} ms (below {P99_MS:.0f} ms)"
    sys.stdout.write(f"{kept}\n{waits}; {result.cpu_ms:.2f} ms of the server's processor a case\n")
    return 0 if result.holds and result.kept == posted.kept else 1


def _case(row: dict[str, str]) -> dict[str, object] | None:
    """Return a row of the sample as it is sent; None for one that no server takes."""
    case: dict[str, object] = {name: row[name] for name in ("source", "category", "description", "address")}
    try:
        place = {"lon": float(row["lon"]), "lat": float(row["lat"]), "crs": row["crs"]} if row["lon"].strip() else {}
    except ValueError:
        return None
    return case | place if row["source"] and not (place and not row["crs"].strip()) else None


if __name__ == "__main__":
    sys.exit(main())
