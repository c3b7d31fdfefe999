"""SITH: what attention heads write, read from their weights, and how to edit it."""
