"""splice_exp: CLIP embeddings as sparse nonnegative combinations of concepts, with certificates."""

__version__ = "0.1.0"
