"""Images: opened in one place, brought to upright 8-bit colours in one place, and found in folders in one."""
