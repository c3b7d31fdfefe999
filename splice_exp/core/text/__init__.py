"""Text of other people: lists of names and tables as they come in, and names as they go out."""
