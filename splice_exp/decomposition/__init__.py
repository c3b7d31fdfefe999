"""SpLiCE: decompose embeddings, and recompose them."""
