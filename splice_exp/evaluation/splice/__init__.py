"""Questions about SpLiCE, one file each."""
