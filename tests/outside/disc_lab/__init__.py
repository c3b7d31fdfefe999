"""Someone's own parts for splice_exp: a solver, a data set, a dictionary and a question."""
