"""Sphinx's settings for the book. Its sources are laid out by scripts/book.py, which also calls Sphinx."""

from importlib.resources import files

from scripts import book
from scripts.project import repository

project = "Autoencoders, lecture by lecture"
author = "the authors of this course"
copyright = "the authors: code MIT, prose and figures CC BY 4.0"
html_title = project
language = "en"

extensions = ["myst_nb"]
exclude_patterns = ["downloads", "notebooks/exercises/student"]  # linked files, no pages
nb_execution_mode = "off"
nb_merge_streams = True
nb_ipywidgets_js = {}  # they would come from another host
nb_code_prompt_show = "Show the code"
nb_code_prompt_hide = "Hide the code"
myst_enable_extensions = ["amsmath", "attrs_block", "dollarmath"]
myst_heading_anchors = 3
myst_all_links_external = False
nitpicky = True

html_theme = "furo"
html_theme_options = {
    "navigation_with_keys": True,
    "source_repository": f"https://github.com/{repository()}/",
    "top_of_page_buttons": [],
    "light_css_variables": {"color-brand-primary": "#0b5394", "color-brand-content": "#0b5394"},
    "dark_css_variables": {"color-brand-primary": "#8ab4f8", "color-brand-content": "#8ab4f8"},
}
html_static_path = [
    "static",
    str(files("mathjax") / "static" / "mathjax" / "es5" / "tex-svg-full.js"),
]
html_css_files = ["book.css"]
html_js_files = ["book.js"]
html_copy_source = False
html_show_search_summary = False  # it would ask for pages, which a browser refuses to a file
mathjax_path = "tex-svg-full.js"
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"


def setup(app):
    """Let the first use of every term on a page lead to the glossary."""
    app.connect("doctree-resolved", book.link_terms)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
