"""Questions about SITH, one file each."""
