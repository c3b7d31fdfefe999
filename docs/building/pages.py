"""Write the pages that are made of other files, and turn links to files of the repository."""

from __future__ import annotations

from sphinx.application import Sphinx

from building.claims import write_claims
from building.configuration import write_configuration, write_experiments
from building.errors import write_errors
from building.files import remove_stale
from building.mirror import mirror, turned


def _turn(app: Sphinx, page: str, source: list[str]) -> None:
    if app.env.doc2path(page).suffix == ".md":
        source[0] = turned(source[0], page)


def setup(app: Sphinx) -> dict[str, bool]:
    """Write pages now, before Sphinx looks for them."""
    mirror()
    write_claims()
    write_configuration()
    write_experiments()
    write_errors()
    remove_stale()
    app.connect("source-read", _turn)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
