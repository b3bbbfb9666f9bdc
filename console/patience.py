"""What takes longer than a moment says so on stderr."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click

from console.quiet import is_quiet

AFTER_S = 2.0


@contextmanager
def said_if_slow(text: str, after_s: float = AFTER_S) -> Iterator[None]:
    """Say a text on stderr if what follows takes long, unless that is not wanted; never after it."""
    timer = threading.Timer(after_s, click.echo, [text], {"err": True})
    timer.daemon = True
    if not is_quiet():
        timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if timer.is_alive():
            timer.join()
