"""Pairs of images that differ in one thing: what a data set of pairs promises, and pairs of the synthetic benchmark."""
