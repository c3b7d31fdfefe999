"""Training of the small CLIP of the embedded world."""
