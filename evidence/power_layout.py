"""The form of a line of spl.txt: which field holds which word, and where the numbers of each channel stand."""

import re
from typing import NamedTuple

QUANTITIES = (b"Watts", b"Volts", b"Amps", b"PF")


class Group(NamedTuple):
    """Where a channel's numbers stand among the fields; `stamp` is the analyzer's own time in a merged line."""

    name: str
    values: tuple[int, int, int, int]
    stamp: int | None = None


class Layout(NamedTuple):
    """The form of a line: which field holds which word, and where the numbers of each channel are."""

    width: int
    labels: tuple[tuple[int, bytes], ...]
    groups: tuple[Group, ...]
    marks: tuple[int, ...]

    @property
    def values(self) -> list[int]:
        """The fields with numbers, channel by channel."""
        return [index for group in self.groups for index in group.values]

    @property
    def stamps(self) -> list[int]:
        """The fields with times: the line's own, then each analyzer's."""
        return [1, *(group.stamp for group in self.groups if group.stamp is not None)]


def layout_of(line: bytes) -> Layout | None:
    """Get the form of a line; None where it is no sample line of any known form."""
    words = line.split(b",")
    labels: list[tuple[int, bytes]] = []
    groups: list[Group] = []
    marks: list[int] = []

    def expect(at: int, *names: bytes) -> bool:
        labels.extend((at + 2 * index, name) for index, name in enumerate(names))
        return words[at : at + 2 * len(names) : 2] == list(names) and at + 2 * len(names) <= len(words)

    def group(name: str, at: int, stamp: int | None = None) -> bool:
        groups.append(Group(name, (at + 1, at + 3, at + 5, at + 7), stamp))
        return expect(at, *QUANTITIES)

    at, prefix = 12, ""
    marks.append(11)
    known = expect(0, b"Time") and group("sum", 2) and expect(10, b"Mark")
    while known and at < len(words):
        name = words[at].decode("ascii", "replace")
        labels.append((at, words[at]))
        if re.fullmatch(r"Ch\d{1,3}", name):
            known, at = group(prefix + name, at + 1), at + 9
        elif re.fullmatch(r"Analyzer\d{1,2}", name):
            known = expect(at + 1, b"Time") and group(name, at + 3, at + 2) and expect(at + 11, b"Mark")
            marks.append(at + 12)
            at, prefix = at + 13, f"{name}/"
        else:
            return None
    return Layout(at, tuple(labels), tuple(groups), tuple(marks)) if known else None
