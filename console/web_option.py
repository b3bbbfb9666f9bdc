"""The option `--web`: a live page beside a command that measures."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from director.events import Observe, unobserved

if TYPE_CHECKING:
    from director.station import Station

web_option = click.option(
    "--web", "web", metavar="[ADDR]", is_flag=False, flag_value="127.0.0.1:8080",
    help="Serve a live page and an API, read-only, on this address; without one on 127.0.0.1:8080.",
)  # fmt: skip


def _on_stderr(text: str) -> None:
    click.echo(text, err=True)


@contextlib.contextmanager
def watching(
    address: str | None,
    station: "Station",
    roots: Sequence[Path] = (),
    expected_s: float | None = None,
    say: Callable[[str], None] = _on_stderr,
) -> Iterator[Observe]:
    """Serve a live page where an address is given; get what the director's events are to be given to.

    Where a session is measured here (`roots`), the page stays until who watches it has the verdict.

    Raises:
        ConfigError: the address cannot be had.
    """
    if address is None:
        yield unobserved
        return
    from console.live.server import live_page

    with live_page(address, station, roots, expected_s) as page:
        say(f"live page: {page.url}")
        yield page.observe
        if roots:
            page.wait_for_verdict()
