"""The pages' common ground: one layout, one style sheet, one script, in every page that wattrig writes."""

from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from console.plain import plain
from metrology.errors import ConfigError
from rules.rulebook import RULEBOOK_VERSION

if TYPE_CHECKING:
    from jinja2 import Environment

PAGES = Path(__file__).parent / "pages"


def render(page: str, **values: object) -> str:
    """Write a page that needs no other file.

    Args:
        page: the template, as `report.html`.
        values: what it shows; texts are escaped, and charts are marked as safe by the template alone.

    Raises:
        ConfigError: jinja2 is not installed.
    """
    return _environment().get_template(page).render(**values)


@cache
def _environment() -> "Environment":
    try:
        import jinja2
    except ImportError as problem:
        raise ConfigError("a page needs jinja2, which is not installed", "pip install 'wattrig[report]'") from problem
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PAGES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, finalize=_shown,
    )  # fmt: skip
    environment.globals |= {
        "style": "".join((PAGES / name).read_text("utf-8") for name in ("palette.css", "style.css")),
        "script": (PAGES / "page.js").read_text("utf-8"),
        "rulebook": RULEBOOK_VERSION,
        "version": version("wattrig"),
    }
    return environment


def _shown(value: object) -> object:
    """Take control characters, and bytes that are no text, out of what a package says; markup is left alone."""
    return plain(value) if type(value) is str else value
