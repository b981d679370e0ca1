"""The page of the docs tells every check as the registry has it."""

from __future__ import annotations

from pathlib import Path

from ingest.topology import TOPOLOGY_CHECKS


def test_the_docs_tell_every_check_and_no_other() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "generations.md"
    table = page.read_text(encoding="utf-8").split("## Checks")[1]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    assert rows == [f"| `{check.code}` | {check.severity} | {check.description} |" for check in TOPOLOGY_CHECKS.values()]
    assert len(rows) >= 12
