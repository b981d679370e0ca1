"""Reported cases: what is decided of one, and why; deadlines by the working calendar; rules of assignment. No store, no HTTP."""
