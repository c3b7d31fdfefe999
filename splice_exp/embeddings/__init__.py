"""Embeddings: how they are had, and their geometry."""
