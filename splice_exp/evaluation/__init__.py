"""Evaluation: measures of one sample, their means, their intervals."""
