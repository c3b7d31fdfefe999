"""Row by row, compiled for the CPU: what the solvers do between two products of all rows with the dictionary.

Symbols as in `objective`, for one row: x (d,) target, r = x − w D residual, c = D r its correlations with all atoms,
h = L / 2; W the working set, S ⊆ W the support, G = D Dᵀ. The optimum has

    c_i = h sign(w_i) on S,        |c_i| ≤ h elsewhere (c_i ≤ h if nonnegative)
"""
