"""What an ingest tells: counts for each source, as values, as text and tables for people, as JSON and as one page of HTML."""

from ingest.report.tables import findings_table, summary_table
from ingest.report.tally import Tally
from ingest.report.text import print_report
from ingest.report.values import Example, IngestReport, LayerReport, RunStatus, Spot
from ingest.report.words import verdict

__all__ = [
    "Example",
    "IngestReport",
    "LayerReport",
    "RunStatus",
    "Spot",
    "Tally",
    "findings_table",
    "print_report",
    "summary_table",
    "verdict",
]
