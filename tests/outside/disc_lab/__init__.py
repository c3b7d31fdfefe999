"""Parts of someone's own for splice_exp: a solver, a data set, a dictionary and a question."""
