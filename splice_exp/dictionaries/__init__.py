"""Dictionaries: concept names, and the atoms that stand for them."""
