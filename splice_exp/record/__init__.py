"""What a run writes: metrics, samples, codes, images, and their mirror in Weights & Biases."""
