"""mlperf_log_detail.txt and mlperf_log_summary.txt, read back.

A detail log is one record per line, `:::MLLOG {"key": ..., "value": ..., "metadata": {"is_error": ..., ...}}`, and
may hold gigabytes of records that matter to nobody. So it is read once, in blocks, and only the records of the keys
below are parsed; everything else is counted. Format: LoadGen 1.1 to 6.0 (logging.cc), 20 published logs.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from evidence.stamps import parse_stamp
from metrology.errors import EvidenceError

RECORD = b':::MLLOG {"key": "'
BLOCK = 1 << 20
"""Bytes read at a time; small enough for a processor's cache."""
LONGEST_RECORD = 1 << 16
"""Longest record that is parsed, bytes; the longest that matters (`loadgen_file_sha1`) has about 3,000."""
MOST_KEYS, MOST_WINDOWS, MOST_PROBLEMS = 512, 256, 16
"""How much is kept of a log; LoadGen writes about 110 keys of interest and one window."""
LARGEST_SUMMARY = 1 << 20
TIMED = ("test_datetime", "power_begin", "power_end")
LONGEST_RUN_MS = 1e12
"""Times of LoadGen's own clock beyond this are no times; LoadGen writes 1.8e13 where it subtracts too much."""

STARTS = (b"effective_", b"requested_", b"result_", b"power_", b"loadgen_", b"early_stopping_", b"num_",
          b"generated_", b"test_datetime", b"sut_name", b"qsl_", b"generic_message",
          b"warning_generic_message")  # fmt: skip
"""How the keys of interest begin."""
_INTERESTING = re.compile(re.escape(RECORD) + rb"(?:" + rb"|".join(STARTS) + rb")")
_AUDIT = "Found Audit Config file"
_DECODER = json.JSONDecoder()
_IS_ERROR, _IS_WARNING = b'"is_error": true', b'"is_warning": true'
_IS_TRUE = re.compile(rb'": true')
"""What both have in common; most blocks of a large log lack it."""

SEED_KEYS = ("qsl_rng_seed", "sample_index_rng_seed", "schedule_rng_seed")
ROUND_OF_SEEDS = {
    (148687905518835231, 520418551913322573, 811580660758947900): "v3.1",
    (13281865557512327830, 198141574272810017, 7575108116881280410): "v4.0",
    (3066443479025735752, 10688027786191513374, 14962580496156340209): "v4.1",
    (6023615788873153749, 15036839855038426416, 9933818062894767841): "v5.0",
    (1780908523862526354, 14771362308971278857, 18209322760996052031): "v5.1",
    (2465351861681999779, 14276810075590677512, 3936089224930324775): "v6.0",
    (2085463073848966840, 2747215439041700203, 16159082839903944936): "v6.1",
}
"""The round whose rules fix these seeds; source: constants.py of the submission checkers v3.1 to v6.1."""


@dataclass(frozen=True, slots=True)
class Window:
    """A power window: UTC nanoseconds from power_begin to power_end, and the lines that say so (the first is 1)."""

    begin_ns: int
    end_ns: int
    begin_line: int
    end_line: int


@dataclass(frozen=True, slots=True)
class Problem:
    """A record that LoadGen marked as an error or a warning."""

    line: int
    key: str
    text: str
    is_error: bool


@dataclass(slots=True)
class DetailLog:
    """What a detail log says; see `read_detail`.

    Attributes:
        path: the file.
        lines: how many lines it has.
        windows: the power windows in the order of the file, the first `MOST_WINDOWS` of them.
        unpaired: how many power_begin or power_end have no partner, or no readable time.
        values: the last value of each key of interest, as JSON says it.
        n_errors, n_warnings: records that LoadGen marked so.
        problems: the first `MOST_PROBLEMS` of these.
        damaged: lines that are no record, and records of interest that cannot be read.
        damaged_line: the first of these; None where there is none.
        logged_ms: when each of `TIMED` was logged, milliseconds on LoadGen's own clock, which begins with the log.
        audit_line: the line that says that an audit.config overrode the settings; None where none does.
    """

    path: Path
    lines: int = 0
    windows: list[Window] = field(default_factory=list)
    unpaired: int = 0
    values: dict[str, object] = field(default_factory=dict)
    n_errors: int = 0
    n_warnings: int = 0
    problems: list[Problem] = field(default_factory=list)
    damaged: int = 0
    damaged_line: int | None = None
    logged_ms: dict[str, float] = field(default_factory=dict)
    audit_line: int | None = None

    def text(self, key: str) -> str | None:
        """Get a value that is a text; None where it is absent or none."""
        value = self.values.get(key)
        return value if isinstance(value, str) else None

    def number(self, key: str) -> float | int | None:
        """Get a value that is a number; None where it is absent or none."""
        value = self.values.get(key)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None

    def seeds(self, kind: str = "effective") -> tuple[float | int | None, ...]:
        """Get the seeds of QSL, sample index and schedule; `kind` is "effective" or "requested"."""
        return tuple(self.number(f"{kind}_{key}") for key in SEED_KEYS)

    def round_name(self) -> str | None:
        """Get the round whose seeds were in force; None where they are no round's."""
        return ROUND_OF_SEEDS.get(self.seeds())  # type: ignore[arg-type]


class Places(NamedTuple):
    """What stands where in a block of whole lines.

    Attributes:
        lines: how many there are.
        records: how many of them are records.
        first_odd: the first that is none, counted from 0; None where all are.
        interesting: where the records with a key of interest begin.
    """

    lines: int
    records: int
    first_odd: int | None
    interesting: list[int]


def find_places(block: bytes) -> Places:
    """Look through a block of whole lines; `loadgen_columns` does the same five times as fast, with numpy."""
    lines = block.count(b"\n")
    records = block.count(b"\n" + RECORD) + block.startswith(RECORD)
    odd = None
    if records < lines:
        odd = next(number for number, line in enumerate(block.split(b"\n")) if not line.startswith(RECORD))
    interesting = [match.start() for match in _INTERESTING.finditer(block)]
    return Places(lines, records, odd, [at for at in interesting if at == 0 or block[at - 1] == ord("\n")])


class _Scan:
    """Fills a `DetailLog`, block by block."""

    def __init__(self, log: DetailLog, find: Callable[[bytes], Places]) -> None:
        self.log = log
        self._find = find
        self._begin: tuple[int, int] | None = None

    def block(self, block: bytes) -> None:
        """Take in a block of whole lines."""
        places = self._find(block)
        self.log.damaged += places.lines - places.records
        if places.first_odd is not None and self.log.damaged_line is None:
            self.log.damaged_line = self.log.lines + 1 + places.first_odd
        for at in places.interesting:
            self._interesting(block, at)
        if _IS_TRUE.search(block):
            self.log.n_errors += self._problems(block, _IS_ERROR)
            self.log.n_warnings += self._problems(block, _IS_WARNING)
        self.log.lines += places.lines

    def _interesting(self, block: bytes, at: int) -> None:
        record = parse_record(block[at : block.index(b"\n", at)])
        key, value = record.get("key"), record.get("value")
        if key in {"power_begin", "power_end"}:
            self._power(str(key), value, self.log.lines + block.count(b"\n", 0, at) + 1)
        if self.log.audit_line is None and isinstance(value, str) and value.startswith(_AUDIT):
            self.log.audit_line = self.log.lines + block.count(b"\n", 0, at) + 1
        if key in TIMED:
            self._timed(str(key), record.get("time_ms"))
        if not isinstance(key, str) or not self._keep(key, value):
            self.log.damaged += 1
            self.log.damaged_line = self.log.damaged_line or self.log.lines + block.count(b"\n", 0, at) + 1

    def _keep(self, key: str, value: object) -> bool:
        if key not in self.log.values and len(self.log.values) >= MOST_KEYS:
            return False
        self.log.values[key] = value
        return True

    def _timed(self, key: str, time_ms: object) -> None:
        if isinstance(time_ms, int | float) and -LONGEST_RUN_MS < time_ms < LONGEST_RUN_MS:
            self.log.logged_ms[key] = float(time_ms)

    def _power(self, key: str, value: object, line: int) -> None:
        try:
            t_utc_ns = parse_stamp(value if isinstance(value, str) else "")
        except ValueError:
            self.log.unpaired += 1
            return
        if key == "power_begin":
            self.log.unpaired += self._begin is not None
            self._begin = (t_utc_ns, line)
        elif self._begin is None:
            self.log.unpaired += 1
        else:
            self._window(Window(self._begin[0], t_utc_ns, self._begin[1], line))

    def _window(self, window: Window) -> None:
        self._begin = None
        if len(self.log.windows) < MOST_WINDOWS:
            self.log.windows.append(window)

    def _problems(self, block: bytes, mark: bytes) -> int:
        count = block.count(mark)
        at = -1
        for _ in range(min(count, MOST_PROBLEMS - len(self.log.problems))):
            at = block.find(mark, at + 1)
            self.log.problems.append(self._problem(block, at, mark is _IS_ERROR))
        return count

    def _problem(self, block: bytes, at: int, is_error: bool) -> Problem:
        line = block[block.rfind(b"\n", 0, at) + 1 : block.index(b"\n", at)]
        record = parse_record(line)
        number = self.log.lines + block.count(b"\n", 0, at) + 1
        return Problem(number, str(record.get("key", ""))[:100], str(record.get("value", ""))[:300], is_error)

    def end(self) -> None:
        """Take in the end of the file."""
        self.log.unpaired += self._begin is not None


def parse_record(line: bytes) -> dict[str, object]:
    """Read one line of a detail log; an empty record where it is none, or longer than `LONGEST_RECORD`."""
    if len(line) > LONGEST_RECORD or not line.startswith(b":::MLLOG "):
        return {}
    try:
        # json.loads would guess the encoding anew for every line, and look for white space by two patterns.
        text = line[len(b":::MLLOG ") :].decode().strip(" \t\r\n")
        record, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) and end == len(text) else {}


class Readable(Protocol):
    """Something that gives bytes as an open file does."""

    def read(self, size: int, /) -> bytes:
        """Get the next bytes, at most `size`; none at the end."""
        ...


def _whole_lines(file: Readable) -> Iterator[bytes]:
    """Yield blocks of whole lines; of a line longer than a block the middle may be left out."""
    kept = b""
    while block := file.read(BLOCK):
        cut = block.rfind(b"\n") + 1
        if cut:
            yield b"".join((kept, memoryview(block)[:cut]))
            kept = block[cut:]
        elif len(kept) <= LONGEST_RECORD:
            kept += block
    if kept:
        yield kept + b"\n"


def read_detail(path: Path) -> DetailLog:
    """Read an mlperf_log_detail.txt in one pass and constant memory; whatever it holds, it is no error but counted.

    Raises:
        EvidenceError: the file cannot be opened or read.
    """
    try:
        with path.open("rb") as file:
            return scan_detail(file, path)
    except OSError as problem:
        raise EvidenceError(f"'{path}' cannot be read: {problem.strerror}") from problem


def scan_detail(file: Readable, path: Path, find: Callable[[bytes], Places] = find_places) -> DetailLog:
    """Read an open mlperf_log_detail.txt, as `read_detail` does.

    Args:
        file: the open file.
        path: what to call it.
        find: looks through a block.
    """
    log = DetailLog(path)
    scan = _Scan(log, find)
    for block in _whole_lines(file):
        scan.block(block)
    scan.end()
    return log


def parse_summary(content: bytes) -> dict[str, str]:
    """Get the `label : value` lines of a summary ("Result is": "VALID"); of one label the last counts."""
    pairs = (line.partition(":") for line in content.decode(errors="replace").splitlines())
    return {label.strip(): value.strip() for label, colon, value in pairs if colon}


def read_summary(path: Path) -> dict[str, str]:
    """Read the `label : value` lines of an mlperf_log_summary.txt ("Result is": "VALID"); the last one counts.

    Raises:
        EvidenceError: the file cannot be opened or read, or is larger than `LARGEST_SUMMARY` bytes.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_SUMMARY + 1)
    except OSError as problem:
        raise EvidenceError(f"'{path}' cannot be read: {problem.strerror}") from problem
    if len(content) > LARGEST_SUMMARY:
        raise EvidenceError(f"'{path}' has over {LARGEST_SUMMARY} bytes, expected a LoadGen summary of about 2,000")
    return parse_summary(content)
