"""The explorer, `python -m splice_exp explore`: what its views answer, and the page that shows them.

`load` brings a model and its data; every view is a function of it and of what a user has chosen. Nothing here but
`page` knows of a browser, so that all of it can be used in Python:

    from splice_exp.explorer.model import load

    model = load(["data=scenes"])
    model.decompose(model.sample(0), l1_penalty=0.25).top()
"""
