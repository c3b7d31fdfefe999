"""What may happen to a command: kills, signals, full disks, damaged files, clocks. `make faults` tries all of it."""
