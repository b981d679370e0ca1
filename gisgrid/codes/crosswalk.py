"""From a class of one scheme's edition to the same class of another."""

from __future__ import annotations

from collections.abc import Mapping

from gisgrid.codes.classes import ClassKey, ComponentClass, component_classes


def crosswalk(
    scheme: str,
    edition: str,
    code: str,
    to_scheme: str,
    to_edition: str,
    *,
    classes: Mapping[ClassKey, ComponentClass] | None = None,
) -> str | None:
    """Return the code in (``to_scheme``, ``to_edition``) of the class ``code`` of (``scheme``, ``edition``).

    ``classes`` are those to look among, by default those that ship. None when the class does not exist or has no sure
    counterpart: it is never taken over by its number, for 0114 is a cover without owner in 2007 and a garden cover in
    2013. Where several classes are of the kind, the first of the list is meant.

    >>> crosswalk("CJ/T 214", "2007", "0114", "GB/T 30428.2", "2013")
    '0123'
    """
    known = component_classes() if classes is None else classes
    found = known.get((scheme, edition, code))
    if found is None:
        return None
    if (scheme, edition) == (to_scheme, to_edition):
        return code
    if not found.kind:
        return None
    same = (item.code for item in known.values() if (item.scheme, item.edition, item.kind) == (to_scheme, to_edition, found.kind))
    return next(same, None)
