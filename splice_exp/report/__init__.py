"""Records, tables, figures, and their mirror in Weights & Biases."""
