"""What must be on disk of each data set: found out without torch, before anything is computed."""
