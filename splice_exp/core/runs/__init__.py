"""What a run is known by and leaves: its identity, its directory and its log."""
