"""Questions about COCOA, one file each."""
