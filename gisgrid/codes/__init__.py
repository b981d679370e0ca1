"""Code schemes of components: which class codes exist in a scheme's edition, and what they mean."""

from gisgrid.codes.classes import ComponentClass, component_classes

__all__ = ["ComponentClass", "component_classes"]
