"""What an ingest tells: counts for each source, as values, as text and tables for people, as JSON and as one page of HTML."""

from ingest.report.document import to_json
from ingest.report.outlines import read_outlines
from ingest.report.page import report_path, write_report
from ingest.report.picture import Outline
from ingest.report.tables import findings_table, summary_table
from ingest.report.tally import Tally
from ingest.report.text import print_plain, print_report
from ingest.report.values import Example, IngestReport, LayerReport, RunStatus, Spot
from ingest.report.words import counted, verdict

__all__ = [
    "Example",
    "IngestReport",
    "LayerReport",
    "Outline",
    "RunStatus",
    "Spot",
    "Tally",
    "counted",
    "findings_table",
    "print_plain",
    "print_report",
    "read_outlines",
    "report_path",
    "summary_table",
    "to_json",
    "verdict",
    "write_report",
]
