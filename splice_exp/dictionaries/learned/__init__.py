"""Dictionaries that are learned from embeddings, each fitted to training data only."""
