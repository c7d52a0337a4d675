"""Sphinx's settings: the pages of this folder, and a reference made from docstrings; `make docs` builds them."""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "src"))

from descend.version import VERSION  # noqa: E402

project, version, release = "descend", VERSION, VERSION
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {"description": "Training by gradient descent", "page_width": "1100px"}
html_show_sourcelink = False
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "description"
napoleon_google_docstring, napoleon_numpy_docstring = True, False
suppress_warnings = ["myst.header"]
