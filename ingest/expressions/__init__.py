"""The small language of a rule's ``expression``: worked out on whole columns, never run as Python.

"road + house_number"                        two columns joined; blank where one is blank
"(floors - 1) * 3.1 + 4"                     numbers; a row where a column holds no number is rejected
"concat('w', col('@id'))"                    a column whose name is no plain word
"number(left(width, 3)) if unit == 'cm' else number(width) * 100"
"""

from ingest.expressions.functions import FUNCTIONS
from ingest.expressions.parsing import Expression, parse_expression

__all__ = ["FUNCTIONS", "Expression", "parse_expression"]
