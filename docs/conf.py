"""Sphinx settings; built by `make docs` with warnings as errors."""

from importlib.metadata import version as installed_version

project = "wattrig"
author = "the wattrig team"
project_copyright = "the wattrig team, Apache-2.0"
version = release = installed_version("wattrig")
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
smartquotes = False  # quotes are shown as they must be typed
html_theme = "furo"
html_title = f"wattrig {version}"
nitpicky = True
