"""Code schemes of components: which class codes exist in a scheme's edition, what they mean, and which mean the same."""

from gisgrid.codes.classes import ClassKey, ComponentClass, component_classes, of_edition
from gisgrid.codes.crosswalk import crosswalk
from gisgrid.codes.events import EventClass, component_words, event_classes
from gisgrid.codes.names import ClassNames, kind_words

__all__ = [
    "ClassKey",
    "ClassNames",
    "ComponentClass",
    "EventClass",
    "component_classes",
    "component_words",
    "crosswalk",
    "event_classes",
    "kind_words",
    "of_edition",
]
