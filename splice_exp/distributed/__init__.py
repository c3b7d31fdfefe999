"""Row by row, on any number of processes, into files that survive a kill."""
