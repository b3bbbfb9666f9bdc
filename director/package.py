"""The files that a session leaves in the store, written as the reference director writes them."""

import json
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

from director.analyzer_config import AnalyzerConfig
from evidence.digest import file_sha1
from evidence.layout import ANALYZER_FILE, ANALYZER_FILES, OURS, OWN_SPL, PHASE_FOLDERS, PTD_LOGS, PTD_OUT, STATION
from evidence.state import write_bytes_atomically

STATION_SCHEMA = 1


def write_figures(session: Path, number: int, watts: str, uncertainty: str) -> None:
    """Add what analyzer `number` replied to `Watts` and `Uncertainty` to ptd_out.txt."""
    path = session / PTD_OUT
    path.parent.mkdir(exist_ok=True)
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(f"Analyzer {number}:\nPower: {watts} \nUncertainty: {uncertainty}\n")


def write_power_log(session: Path, phase: str, lines: Sequence[str]) -> None:
    """Write the spl.txt of a phase: the lines, and one empty last line, as directors since v4.1 do."""
    path = session / PHASE_FOLDERS[phase] / "spl.txt"
    path.parent.mkdir(exist_ok=True)
    _write(path, [*lines, ""])


def keep_listing(session: Path, phase: str, number: int, lines: Sequence[str]) -> None:
    """Keep in `wattrig/` what one of several analyzers measured, all of it: the merged log holds what was paired."""
    _write(session / OWN_SPL.format(number=number, phase=phase), lines)


def _write(path: Path, lines: Sequence[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), "ascii", errors="replace", newline="\n")


def write_station(session: Path, analyzers: Sequence[AnalyzerConfig]) -> None:
    """Write `wattrig/station.json`: which analyzers measured, how they are connected, and what each one feeds."""
    keys = {"name", "feeds", "device_type", "device_port", "interface_flag", "channel", "dc"}
    entries = [
        {"number": number, **config.model_dump(mode="json", include=keys)}
        for number, config in enumerate(analyzers, 1)
    ]
    text = json.dumps({"schema": STATION_SCHEMA, "analyzers": entries}, indent=2)
    write_bytes_atomically(session / STATION, f"{text}\n".encode())


def write_analyzer_files(session: Path) -> None:
    """Write `wattrig/analyzer_files.json`: the files about the analyzers and their SHA-1, for our client to fetch."""
    names = sorted(path.relative_to(session).as_posix() for path in (session / OURS).rglob("*"))
    digests = {name: file_sha1(session / name) for name in names if ANALYZER_FILE.fullmatch(name)}
    text = json.dumps({"schema": STATION_SCHEMA, "sha1": digests}, indent=2)
    write_bytes_atomically(session / ANALYZER_FILES, f"{text}\n".encode())


def keep_differences(session: Path, phase: str, journal: Path, lines: Sequence[str], start: int = 0) -> Path | None:
    """Hold a daemon's log, from the byte `start` on, against the spl.txt made from its listing.

    Returns:
        A file in `wattrig/` with the lines that differ; None where all agree.
    """
    different = differences(journal_lines(journal, f"{session.name}_{phase}", start), lines)
    if not different:
        return None
    kept = session / OURS / f"{journal.stem}_differs_{phase}.txt"
    kept.write_text("".join(f"{line}\n" for line in different), "utf-8")
    return kept


def journal_lines(journal: Path, mark: str, start: int = 0) -> list[str]:
    """Get the lines of a daemon's log, from the byte `start` on, that carry a mark, as they are."""
    wanted = f",Mark,{mark}".encode()
    with journal.open("rb") as file:
        file.seek(start)
        return [line.rstrip(b"\r\n").decode("ascii", "replace") for line in file if _is_marked(line, wanted)]


def _is_marked(line: bytes, wanted: bytes) -> bool:
    head, found, tail = line.rstrip(b"\r\n").partition(wanted)
    return bool(found) and head.startswith(b"Time,") and (not tail or tail.startswith(b",Ch"))


def differences(logged: Sequence[str], listed: Sequence[str]) -> list[str]:
    """Compare a journal with the listing of the same phase: lines of one alone, "-" journal, "+" listing."""
    in_log, in_listing = set(logged), set(listed)
    return [f"-{line}" for line in logged if line not in in_listing] + [
        f"+{line}" for line in listed if line not in in_log
    ]


def write_ptd_logs(session: Path, outputs: Iterable[Path]) -> None:
    """Write ptd_logs.txt: all that each daemon put out, under a heading with its analyzer's number."""
    with (session / PTD_LOGS).open("w+b") as logs:
        for number, output in enumerate(outputs, 1):
            if output.exists():
                # A daemon that was killed may have left half a line.
                logs.write(f"{'' if _ends_line(logs) else chr(10)}Analyzer {number}\n".encode())
                with output.open("rb") as file:
                    shutil.copyfileobj(file, logs)


def _ends_line(file: BinaryIO) -> bool:
    """Tell whether what follows in a file begins a line."""
    if not file.tell():
        return True
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"
