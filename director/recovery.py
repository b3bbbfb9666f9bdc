"""The end of a session that did not come to one: its samples and what is known of it, kept apart as partial."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from director.package import journal_lines
from evidence.journal import Kept, read_journal
from evidence.layout import DIRECTOR_JOURNAL, OURS, PHASE_FOLDERS
from evidence.recovery import (
    begun_ns,
    completed_by,
    last_phase,
    phases_of,
    sample_lines,
    write_partial_log,
    write_partial_summary,
)

NO_RECORDS = Kept((), ())


def finish_partial(session: Path, reason: str) -> str:
    """Write what a dead director's journal, and the logs of its daemons, still tell into `wattrig/partial/`.

    Returns:
        The phase begun last; "" before the first.

    Raises:
        OSError: the disk does not take it.
    """
    kept = read_back(session)
    keep_partial_logs(session, kept)
    write_partial_summary(session, "server.json", kept, reason)
    return last_phase(kept)


def read_back(session: Path) -> Kept:
    """Read the director's journal of a session; nothing where there is none."""
    path = session / DIRECTOR_JOURNAL
    return read_journal(path) if path.exists() else NO_RECORDS


def keep_partial_logs(session: Path, kept: Kept) -> None:
    """Write the samples of each phase that was begun and has no spl.txt."""
    for phase in phases_of(kept):
        if not (session / PHASE_FOLDERS[phase] / "spl.txt").exists():
            for number, lines in found_samples(session, kept, phase):
                write_partial_log(session, phase, number, lines)


def found_samples(session: Path, kept: Kept, phase: str) -> Iterator[tuple[int, Sequence[str]]]:
    """Find the samples of a phase's last attempt, for each analyzer by its number."""
    numbers = {record["of"] for record in kept.records if record["kind"] == "asked"}
    journalled = sample_lines(kept, phase)
    for number in sorted(number for number in numbers if isinstance(number, int)):
        log = session / OURS / f"journal_{number}.txt"
        logged = journal_lines(log, f"{session.name}_{phase}") if log.exists() else []
        yield number, completed_by(journalled.get(number, []), logged, begun_ns(kept, phase))
