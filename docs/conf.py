"""How the site is built: `make docs` writes docs/_build/html."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

os.environ.setdefault("MPLBACKEND", "agg")
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # nothing is downloaded while the site is built
os.environ.setdefault("WANDB_MODE", "offline")

from building.tutorials import RUN_IN, copy, forget  # noqa: E402

from splice_exp import __version__  # noqa: E402

project = "splice_exp"
author = "The splice_exp founders"
copyright = author
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "building.docstrings",
    "building.formulas",
    "building.pages",
]
exclude_patterns = ["_build", "tutorials", RUN_IN, "notebooks", "building", "templates"]
templates_path = ["templates"]
root_doc = "index"
nitpicky = False  # annotations name the types of jaxtyping, which has no index
default_role = "code"

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
autosummary_imported_members = False
autosummary_ignore_module_all = True
autodoc_default_options = {"members": True, "show-inheritance": True, "member-order": "bysource"}
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

sphinx_gallery_conf = {
    "examples_dirs": [RUN_IN],
    "gallery_dirs": ["generated/tutorials"],
    "filename_pattern": r"[/\\]\d\d_",  # all of them are run
    "within_subsection_order": "building.tutorials.ByNumber",
    "reset_modules": ("matplotlib", "building.tutorials.set_up"),
    "abort_on_example_error": True,
    "capture_repr": ("_repr_html_", "__repr__"),
    "remove_config_comments": True,
    "download_all_examples": False,
    "show_memory": False,
    "write_computation_times": False,
    "show_signature": False,
    "min_reported_time": 0,
    "first_notebook_cell": None,
}

html_theme = "pydata_sphinx_theme"
html_title = f"splice_exp {version}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_last_updated_fmt = None
html_theme_options = {
    "logo": {"text": "splice_exp"},
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "navbar_end": ["theme-switcher"],
    "show_prev_next": True,
    "show_toc_level": 2,
    "navigation_depth": 3,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "default",
    "pygments_dark_style": "github-dark",
    "back_to_top_button": False,
}
NO_SIDEBAR = (
    "index",
    "generated/api/**",
    "generated/repo/results/**",
)  # long lists: drawing them on each page takes minutes
html_sidebars = {pages: [] for pages in NO_SIDEBAR}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

copy(HERE)
forget(HERE)  # what was run with other code
