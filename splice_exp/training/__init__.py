"""Training of the small CLIP of the synthetic benchmark, of classifiers, and fine-tuning."""
