"""How sure a mean is."""
