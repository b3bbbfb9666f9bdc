"""How a check of the reference ends other than by a pass."""

from evidence.source import FileFacts
from metrology.errors import EvidenceError


class Failed(Exception):  # noqa: N818 - an outcome, not an error of ours
    """The reference asserts the contrary."""


class Warned(Exception):  # noqa: N818 - an outcome, not an error of ours
    """The reference warns, stops the check there, and counts it as passed."""


def readable(file: FileFacts) -> None:
    """Refuse a file that the reference cannot read as text.

    Raises:
        EvidenceError: it is no UTF-8.
    """
    if not file.utf8:
        raise EvidenceError(f"{file.name} is no UTF-8 text")
