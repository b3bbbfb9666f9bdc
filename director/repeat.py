"""A testing run that failed and is going to be repeated: what it left is set aside, and stays in the evidence."""

from collections.abc import Sequence
from pathlib import Path

from director.analyzer import Analyzer
from director.recovery import found_samples, read_back
from evidence.layout import ATTEMPT, TESTING
from evidence.state import write_bytes_atomically, write_json

SCHEMA = 1


def set_aside(session: Path, attempt: int, analyzers: Sequence[Analyzer]) -> None:
    """Move what a testing run left to `wattrig/attempt_<n>/`: samples, files, and what was said to the daemons.

    server.json then tells of the run that counts; server.log and ptd_logs.txt go on telling of all.

    Raises:
        OSError: it cannot be kept.
    """
    kept = session / ATTEMPT.format(number=attempt)
    kept.mkdir()
    for number, lines in found_samples(session, read_back(session), "testing"):
        text = "".join(f"{line}\n" for line in lines)
        write_bytes_atomically(kept / f"spl_analyzer_{number}.txt", text.encode("ascii", "replace"))
    messages = {str(analyzer.number): analyzer.said.of_phase for analyzer in analyzers}
    write_json(kept / "ptd_messages.json", {"schema": SCHEMA, "ptd_messages": messages})
    if (session / TESTING).exists():
        (session / TESTING).rename(kept / TESTING)
    for analyzer in analyzers:
        analyzer.said.forget_phase()
