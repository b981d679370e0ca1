"""What becomes of a draft of areas at the end of an ingest: checked as a whole, then put into service or left to be looked at."""

from __future__ import annotations

from typing import NamedTuple

from gisgrid.db.generations import activate, list_generations, replace_issues
from gisgrid.db.loading import Loading
from gisgrid.db.records import Issue
from gisgrid.deployment import Deployment
from ingest.generations import find_issues


class Published(NamedTuple):
    """The draft's number (None when there is none, or it says what is served already), what is wrong with it, and its fate.

    ``refusal`` says why it was not put into service although that was wanted.
    """

    generation: int | None
    issues: tuple[Issue, ...] = ()
    activated: bool = False
    refusal: str | None = None
    is_served: bool = False


def publish(loading: Loading, deployment: Deployment, *, wanted: bool, force: bool) -> Published:
    """Complete the draft, check it, and activate it if that is ``wanted`` or nothing is served yet, and nothing is wrong.

    With ``force`` errors do not stand in the way. What is served changes in one transaction or not at all.
    """
    if loading.draft is None:
        return Published(None)
    loading.carry_over()
    if loading.draft_is_served():
        loading.discard_areas()
        return Published(None, is_served=True)
    draft, connection = loading.draft, loading.connection
    issues = tuple(find_issues(connection, deployment, draft))
    replace_issues(connection, draft, issues)
    errors = sum(issue.severity == "error" for issue in issues)
    is_first = not any(generation.status == "active" for generation in list_generations(connection))
    if not (wanted or is_first):
        return Published(draft, issues)
    if errors and not force:
        why = f"Draft {draft} of the areas has {errors:,} errors and was not activated."
        return Published(draft, issues, refusal=why)
    activate(connection, draft, force=force)
    return Published(draft, issues, activated=True)
