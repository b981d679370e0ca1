"""What a case is about: a managed component or an event, of which class, from a class code or from what people write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

import ahocorasick

from gisgrid.addresses import simplified
from gisgrid.codes import ComponentClass, component_classes, component_words, event_classes
from gisgrid.deployment import Deployment
from gisgrid.errors import ParameterError
from gisgrid.matching.reading import MAX_TEXT, read_report
from gisgrid.matching.vocabulary import plain

CaseKind = Literal["component", "event"]
"""Whether a case is about a managed part (部件) or about something that happens (事件)."""

CategoryHow = Literal["code", "name", "words", "description", "unknown"]
"""How a category was found: by its code, its name, words in what was given as category, words in the description, or not at all."""

MATTERS = ("GB/T 47678.5", "2026")
"""The scheme and edition whose codes of matters (5 digits, or 11 with the division before them) are understood."""

_CODE = re.compile(r"\d+")
_MATTER = re.compile(r"(?:\d{6})?(?P<code>\d{5})")
_WITH_SCHEME = re.compile(r"(?P<scheme>.*\S)[\s:]+(?P<edition>\w+)[\s:]+(?P<code>\w+)")
_OF_A_MATTER = "异常"
# Something is wrong with a thing, close behind the word for it.
_TROUBLE = re.compile(
    r".{0,8}?(?:不亮|故障|破损|损坏|坏|倾斜|歪|倒|断|折|缺|丢|被撞|松动|脱落|掉|锈|漏|异响|熄|灭|闪|不工作|失灵|堵|裂|枯|死|异常|露)"
)
_SHOWN = 40


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
        self._schemes = [(item.scheme, item.edition) for item in deployment.components.schemes]
        self._classes = dict(deployment.classes)
        self._by_code: dict[str, list[Category]] = {}
        self._by_kind: dict[str, Category] = {}
        self._by_name: dict[str, Category] = {}
        self._add_events()
        for item in self._in_order():
            # What only another edition calls so is the city's own class of the same kind, where it has one.
            category = self._by_kind.get(item.kind, _of_class(item)) if item.kind else _of_class(item)
            self._by_name.setdefault(plain(item.name), category)
            if item.kind:
                self._by_kind.setdefault(item.kind, category)
            if (item.scheme, item.edition) in self._schemes:
                self._by_code.setdefault(item.code, []).append(_of_class(item))
        self._matters = {item.code: _of_class(item) for item in component_classes().values() if (item.scheme, item.edition) == MATTERS}
        self._words = self._vocabulary()

    def find(self, category: str, description: str = "") -> Category:
        """Return what a case is about: of ``category`` (a class code or a text), where that says nothing, of ``description``.

        A case that nothing is found for is an event of unknown class. Raises ParameterError for a class code that does not exist.
        """
        given = simplified(category.strip())
        found = self._of_code(given) or self._named(given) or self._told(given)
        if found is None and (told := self._told(description)) is not None:
            found = told._replace(how="description")
        return found or Category("event", "", "", "", category.strip()[:_SHOWN], "unknown")

    def of_component(self, scheme: str, edition: str, class_code: str) -> Category | None:
        """Return the category of a component by its class; None when there is no such class."""
        item = self._classes.get((scheme, edition, class_code))
        return None if item is None else _of_class(item)

    def every(self) -> Iterator[Category]:
        """Yield each class that a case can be of, events first."""
        yield from dict.fromkeys(one for several in self._by_code.values() for one in several)
        yield from dict.fromkeys(self._by_name.values())

    def _in_order(self) -> list[ComponentClass]:
        """Return the classes of components, those of the deployment's own schemes first."""
        order = {scheme: place for place, scheme in enumerate(self._schemes)}
        return sorted(self._classes.values(), key=lambda item: order.get((item.scheme, item.edition), len(order)))

    def _add_events(self) -> None:
        for item in event_classes():
            category = Category("event", item.scheme, item.edition, item.code, item.name, "name", name_en=item.name_en)
            self._by_code.setdefault(item.code, []).append(category)
            for word in (item.name, item.name_en):
                self._by_name.setdefault(plain(word), category)

    def _vocabulary(self) -> ahocorasick.Automaton:
        """Return what finds every name and word in a text; manhole covers are found otherwise."""
        words: dict[str, Category] = {name: found for name, found in self._by_name.items() if not found.is_cover}
        events = {item.code: item.words for item in event_classes()}
        for several in list(self._by_code.values()):
            for found in several:
                if found.kind == "event":
                    words.update({plain(word): found for word in events[found.class_code]})
        for word, kind in component_words().items():
            if kind in self._by_kind:
                words[plain(word)] = self._by_kind[kind]
        automaton = ahocorasick.Automaton()
        for word, found in words.items():
            automaton.add_word(word, (word, found._replace(how="words")))
        automaton.make_automaton()
        return automaton

    def _of_code(self, text: str) -> Category | None:
        """Return the class whose code a text is; None for a text that is no code."""
        found = self._by_code.get(text, [])
        if len({(one.kind, one.component_kind, one.name) for one in found}) > 1:
            listed = ", ".join(f"{one.scheme} {one.edition} {one.class_code} ({one.name})" for one in found)
            raise ParameterError("category", f"class code {text} has several meanings: {listed}.", "the scheme and edition before it")
        if found:
            return found[0]._replace(how="code")
        if (told := _WITH_SCHEME.fullmatch(text)) is not None:
            named = self.of_component(told["scheme"].rstrip(":"), told["edition"], told["code"])
            return None if named is None else named._replace(how="code")
        matter = _MATTER.fullmatch(text)
        if matter is not None and matter["code"] != text and matter["code"] in self._by_code:
            return self._of_code(matter["code"])
        if matter is not None and matter["code"] in self._matters:
            return self._of_a_matter(matter["code"])
        if _CODE.fullmatch(text) is not None:
            raise ParameterError(
                "category", f"there is no class {text[:_SHOWN]}.", "the code of a class, or words such as 污水井盖 or 暴露垃圾"
            )
        return None

    def _of_a_matter(self, code: str) -> Category:
        """Return what a matter of a component (供水井盖异常) is about: the component's class, in the city's own scheme if it is there."""
        item = self._matters[code]
        return self._by_kind.get(item.component_kind or "?", item)._replace(how="code")

    def _named(self, text: str) -> Category | None:
        """Return the class that a text is the name of."""
        name = plain(text)
        return self._by_name.get(name) or self._by_name.get(name.removesuffix(_OF_A_MATTER))

    def _told(self, text: str) -> Category | None:
        """Return the class that the words of a text tell."""
        text = plain(simplified(text[:MAX_TEXT]))[:MAX_TEXT]
        if not text:
            return None
        report = read_report(text)
        events, things = self._found(text)
        if report.subject == "cover" and (report.states or not events):
            return self._cover(report.kinds)
        best = max([*events, *things], key=lambda pair: len(pair[0]), default=None)
        return None if best is None else best[1]

    def _found(self, text: str) -> tuple[list[tuple[str, Category]], list[tuple[str, Category]]]:
        """Return the words for events, and those for components that something is wrong with; without either, for components."""
        events, troubled, things, covered = [], [], [], 0
        # From left to right, the longest first: what lies within a longer word is a part of it (the litter of a litter bin).
        for _, back, (word, found) in sorted((end + 1 - len(told[0]), -end - 1, told) for end, told in self._words.iter(text)):
            end = -back
            if end <= covered:
                continue
            covered = end
            if found.kind == "event":
                events.append((word, found))
            elif _TROUBLE.match(text, end):
                troubled.append((word, found))
            else:
                things.append((word, found))
        return events, troubled if troubled or events else things

    def _cover(self, kinds: tuple[str, ...]) -> Category:
        """Return the class of a manhole cover of one kind; of several or none, a cover whose class is open."""
        if len(kinds) != 1:
            return Category("component", "", "", "", "井盖", "words", "", True, "manhole cover", kinds)
        unknown = Category("component", "", "", "", "井盖", "words", kinds[0], True, "manhole cover")
        return self._by_kind.get(kinds[0], unknown)._replace(how="words")


def _of_class(item: ComponentClass) -> Category:
    return Category("component", item.scheme, item.edition, item.code, item.name, "name", item.kind, item.is_cover)
