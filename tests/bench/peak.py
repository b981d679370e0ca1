"""``gisgrid`` as a program that notes its own peak of memory, kB, in the file that ``BENCH_PEAK`` names."""

from __future__ import annotations

import os
import re
from pathlib import Path

from gisgrid import cli


def main() -> None:
    """Run the command.

    What the system counts for a child begins with what its parent held at the fork; a process that was started knows its own.
    """
    try:
        cli.main()
    finally:
        found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="ascii"))
        assert found
        Path(os.environ["BENCH_PEAK"]).write_text(found[1], encoding="ascii")


if __name__ == "__main__":
    main()
