"""Value objects, files and provenance: what every other part builds on."""
