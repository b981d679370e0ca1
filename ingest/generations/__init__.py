"""Generations of areas: checked before they are activated, and compared with the one that is served."""
