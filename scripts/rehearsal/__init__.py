"""The rehearsal: every published setting on miniature stand-ins, without a network, from the command to the table.

    python -m scripts.rehearsal                    make rehearse
    python -m scripts.rehearsal sith linearity     make rehearse ONLY="sith linearity"

Data sets (`data_sets`), vocabularies and weights (`weights`) are generated in the layouts in which the published ones
come; a local server answers in place of a language model (`judge`). Numbers mean nothing here: what is rehearsed is
that nothing stops a run of hours at its end.
"""
