"""Functions and metrics that more than one question uses."""
