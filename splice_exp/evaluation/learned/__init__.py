"""Questions about dictionaries that were learned: one file each."""
