"""What a case is about: a managed component or an event, of which class, from a class code or from what people write."""

from __future__ import annotations

from typing import Literal, NamedTuple

from gisgrid.deployment import Deployment

CaseKind = Literal["component", "event"]
"""Whether a case is about a managed part (部件) or about something that happens (事件)."""

CategoryHow = Literal["code", "name", "words", "description", "unknown"]
"""How a category was found: by its code, its name, words in what was given as category, words in the description, or not at all."""


class Category(NamedTuple):
    """What a case is about.

    ``scheme``, ``edition`` and ``class_code`` name the class (empty where it is not known); ``name`` is the class's name, or the words
    of the reporter where there is no class. ``component_kind`` is the word for the class of components that is the same in every
    scheme (``sewage``), ``is_cover`` says that it is a manhole cover. ``kinds_open`` are the kinds of cover that the text leaves open.
    """

    kind: CaseKind
    scheme: str
    edition: str
    class_code: str
    name: str
    how: CategoryHow
    component_kind: str = ""
    is_cover: bool = False
    name_en: str = ""
    kinds_open: tuple[str, ...] = ()


class Categories:
    """The classes of components of a deployment and the classes of events; made once for many cases."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def find(self, category: str, description: str = "") -> Category:
        """Return what a case is about: of ``category`` (a class code or a text), where that says nothing, of ``description``.

        A case that nothing is found for is an event of unknown class. Raises ParameterError for a class code that does not exist.
        """
        raise NotImplementedError

    def of_component(self, scheme: str, edition: str, class_code: str) -> Category | None:
        """Return the category of a component by its class; None when there is no such class."""
        raise NotImplementedError
