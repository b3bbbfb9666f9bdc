"""What `wattrig check` does: searches each path, checks what it finds, and holds the results against each other."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from compliance.batch import Options, check_all, cores
from compliance.result import Result
from compliance.submission import entry_of
from compliance.tree import Found, find_results
from compliance.tree_judge import judge_tree
from console.plain import plain
from console.quiet import is_quiet
from metrology.errors import ConfigError

if TYPE_CHECKING:
    from console.check_output import Output

MOST_TOLD = 3
"""Notes of one kind that are told of one path."""


def searched(path: Path, stack: ExitStack) -> tuple[Found, ...]:
    """Find the power results of a path; what was passed over is told on stderr.

    Args:
        path: a folder, or an archive of one.
        stack: keeps what an archive is unpacked to until it is closed.

    Raises:
        ConfigError: there is no such folder, or it is a file of another kind.
        EvidenceError: the archive cannot be unpacked.
    """
    folder = Path(os.path.realpath(path))
    # Unlike Path's own methods these two never raise, whatever the name.
    if os.path.isfile(folder):  # noqa: PTH113
        folder = _unpacked(path, stack)
    elif not os.path.isdir(folder):  # noqa: PTH112
        raise ConfigError(plain(f"'{path}' is not there"), "give a session folder, or a tree that holds some")
    walk = find_results(folder, str(path))
    _tell(path, list(walk.notes))
    if not walk.found:
        _tell(path, ["holds no session (no power/, ranging/ or run_1/)"])
    return walk.found


def _unpacked(archive: Path, stack: ExitStack) -> Path:
    import tempfile

    from evidence.archive import is_archive, unpack

    if not is_archive(archive):
        raise ConfigError(f"'{archive}' is a file", "give the folder of the session, or a zip or tar file of a tree")
    target = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wattrig-check-")))
    left_out = unpack(archive, target)
    _tell(archive, [f"'{name}' is a link or a device and was left out" for name in left_out])
    return target


def _tell(path: Path, notes: list[str]) -> None:
    for note in notes[:MOST_TOLD]:
        click.echo(plain(f"wattrig: '{path}': {note}"), err=True)
    if len(notes) > MOST_TOLD:
        click.echo(plain(f"wattrig: '{path}': and {len(notes) - MOST_TOLD} more like this"), err=True)


def checked(found: Sequence[Found], options: Options, jobs: int | None, output: "Output") -> list[Result]:
    """Check what was found, telling `output` of each as soon as it is done; get all results in the order found."""
    done = {}
    with progress(len(found)) as advance, closing(check_all(found, options, jobs or cores())) as running:
        for number, each in running:
            done[number] = each
            output.one(each.result)
            advance()
    if options.cache:
        options.cache.prune()
    pairs = [(entry_of(each.found, each.result.round, each.traits), each.result) for _, each in sorted(done.items())]
    results = list(judge_tree(pairs, options.ignored))
    output.across([result for _, result in pairs], results)
    return results


@contextmanager
def progress(total: int) -> Iterator[Callable[[], None]]:
    """Have a bar on the terminal; get what to call when one more session is done."""
    if total < 2 or not sys.stderr.isatty():
        yield lambda: None
        return
    from console.check_progress import CheckProgress

    with CheckProgress(total, shown=not is_quiet()) as bar:
        yield bar.advance
