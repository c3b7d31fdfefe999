"""Sparse recovery: one objective, one protocol, one file a method."""
