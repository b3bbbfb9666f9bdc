"""Text from files and peers, made fit for a terminal; needs nothing else."""

HIDDEN = dict.fromkeys(range(0x20), " ") | dict.fromkeys(range(0x7F, 0xA0), " ")
"""Control characters: text from a package must not steer the terminal."""


def plain(text: object) -> str:
    """Make text from a package safe to print on a terminal, and printable where a name is no text."""
    return str(text).translate(HIDDEN).encode("utf-8", "replace").decode()
