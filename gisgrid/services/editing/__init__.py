"""Editing by people: who may, and what they did."""
