"""SpLiCE: decompose embeddings, and reconstruct them."""
