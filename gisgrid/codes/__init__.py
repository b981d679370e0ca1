"""Code schemes of components: which class codes exist in a scheme's edition, what they mean, and which mean the same."""

from gisgrid.codes.classes import ClassKey, ComponentClass, component_classes, of_edition
from gisgrid.codes.crosswalk import crosswalk
from gisgrid.codes.names import ClassNames, kind_words

__all__ = ["ClassKey", "ClassNames", "ComponentClass", "component_classes", "crosswalk", "kind_words", "of_edition"]
