"""Data sets as programs of other projects write them."""
