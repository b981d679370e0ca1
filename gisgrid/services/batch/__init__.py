"""Whole files of points: rows in, the same rows with their grids out, in any format and of any length."""

from gisgrid.services.batch.columns import ADDED, SHARES
from gisgrid.services.batch.engine import Engine
from gisgrid.services.batch.files import FileOptions, locate_file, locate_paths
from gisgrid.services.batch.formats.csv_rows import open_csv
from gisgrid.services.batch.pipeline import BatchSummary, Done, Executor, Job, Threads, Work, finish, prepare, run
from gisgrid.services.batch.plan import BatchPlan, make_plan

__all__ = [
    "ADDED",
    "SHARES",
    "BatchPlan",
    "BatchSummary",
    "Done",
    "Engine",
    "Executor",
    "FileOptions",
    "Job",
    "Threads",
    "Work",
    "finish",
    "locate_file",
    "locate_paths",
    "make_plan",
    "open_csv",
    "prepare",
    "run",
]
