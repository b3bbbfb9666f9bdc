"""Text from files and peers, made fit for a terminal; needs nothing else."""

HIDDEN = dict.fromkeys(range(0x20), " ") | dict.fromkeys(range(0x7F, 0xA0), " ")
"""Control characters: text from a package must not steer the terminal."""
HIDDEN |= dict.fromkeys(
    (0xAD, 0x61C, *range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070), 0xFEFF,
     *range(0xFFF9, 0xFFFC), *range(0xE0000, 0xE0080)), " ",
)  # fmt: skip
"""What reverses, hides or breaks the text beside it (Unicode's bidirectional controls, separators and tags)."""


def plain(text: object) -> str:
    """Make text from a package safe to print on a terminal, and printable where a name is no text."""
    return str(text).translate(HIDDEN).encode("utf-8", "replace").decode()
