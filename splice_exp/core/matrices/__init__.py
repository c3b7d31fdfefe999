"""Matrices that may be larger than memory would hold twice: read from files a part at a time, and normalised."""
