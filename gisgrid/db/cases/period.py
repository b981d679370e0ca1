"""The cases of a period, one after the other, for what looks at all of them: dry runs of rules, replays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import LiteralString

import psycopg

from gisgrid.db.cases.reader import COLUMNS, KeptCase, kept_case

_STATEMENT: LiteralString = f"""
SELECT {COLUMNS} FROM gisgrid.cases_all c
WHERE c.retired_at IS NULL AND (%(since)s::timestamptz IS NULL OR c.reported_at >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR c.reported_at < %(until)s)
ORDER BY c.reported_at, c.id
"""
_AT_A_TIME = 500


def cases_of_period(connection: psycopg.Connection, since: datetime | None = None, until: datetime | None = None) -> Iterator[KeptCase]:
    """Yield the cases reported from ``since`` (aware; None: from the first) to before ``until``, the oldest first, but void ones.

    They are fetched as they are asked for, in one snapshot: the connection must not be used for anything else meanwhile.
    """
    with connection.cursor(name="gisgrid_cases") as cursor:
        cursor.itersize = _AT_A_TIME
        cursor.execute(_STATEMENT, {"since": since, "until": until})
        for row in cursor:
            yield kept_case(row)
