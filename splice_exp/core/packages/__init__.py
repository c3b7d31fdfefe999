"""Packages that import more than we use of them, without the rest."""
