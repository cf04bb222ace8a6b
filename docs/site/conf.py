# Copyright: (c) 2026, the holdfast.nginx_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx's configuration of the site; build.py gathers its pages and starts it."""

from __future__ import annotations

project = "holdfast.nginx_ha"
author = "The holdfast.nginx_ha authors"
copyright = f"2026, {author}"  # noqa: A001  # Sphinx's own name
html_title = project

extensions = ["myst_parser", "sphinx.ext.intersphinx", "sphinx_antsibull_ext"]
root_doc = "index"
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
# A heading of a guide is reached by the anchor that GitHub gives it, so that one link serves both.
myst_heading_anchors = 3
# Pages of Ansible's own documentation to which option pages lead; build.py writes the list beside the pages.
intersphinx_mapping = {"ansible": ("https://docs.ansible.com/ansible/latest/", "../ansible.inv")}
nitpicky = True
default_role = "any"

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_use_index = False
html_baseurl = "https://holdfast.github.io/nginx_ha/"
pygments_style = "ansible"
highlight_language = "none"
html_theme_options = {
    "source_repository": "https://github.com/holdfast/nginx_ha/",
    "source_branch": "main",
    "source_directory": "",
}
