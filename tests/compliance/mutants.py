"""Ways to spoil a session, each with the rule that must notice.

A mutant is a copy of a sound session with one thing changed. Where the change would break a digest, the digests are
forged along (`rehash`), as a cheat would: the rule that is meant must find it by itself.

`python tests/compliance/mutants.py SESSION TARGET` writes all mutants below TARGET.
"""

import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

HASHED = {
    "client": ("power/client.log", *(f"{phase}/mlperf_log_{name}.txt" for phase in ("ranging", "run_1")
                                     for name in ("detail", "summary"))),
    "server": ("power/ptd_logs.txt", "power/server.log", "ranging/spl.txt", "run_1/spl.txt"),
}  # fmt: skip
SPL, DETAIL, SUMMARY = "run_1/spl.txt", "run_1/mlperf_log_detail.txt", "run_1/mlperf_log_summary.txt"
PTD, CLIENT, SERVER = "power/ptd_logs.txt", "power/client.json", "power/server.json"
CLIENT_LOG, SERVER_LOG = "power/client.log", "power/server.log"

Apply = Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One way to spoil a session and the code of the rule that must notice."""

    name: str
    code: str
    apply: Apply


def rehash(session: Path) -> None:
    """Forge the digests that client and director recorded, as far as they are there."""
    for side, names in HASHED.items():
        path = session / "power" / f"{side}.json"
        record = json.loads(path.read_text("utf-8"))
        for name in names:
            if (session / name).is_file() and name in record["results"]:
                record["results"][name] = hashlib.sha1((session / name).read_bytes()).hexdigest()
        path.write_text(json.dumps(record, indent=4), "utf-8", newline="")


def text(name: str, change: Callable[[str], str]) -> Apply:
    """Change the text of a file and forge the digests."""

    def apply(session: Path) -> None:
        path = session / name
        before = path.read_bytes().decode("utf-8")
        after = change(before)
        if after == before:
            raise ValueError(f"the mutation changed nothing in {name}")
        path.write_bytes(after.encode())
        rehash(session)

    return apply


def raw(name: str, change: Callable[[bytes], bytes]) -> Apply:
    """Change the bytes of a file; digests stay as they are."""
    return lambda session: (session / name).write_bytes(change((session / name).read_bytes())) and None


def record(name: str, change: Callable[[dict[str, Any]], object]) -> Apply:
    """Change client.json or server.json."""

    def apply(session: Path) -> None:
        found = json.loads((session / name).read_text("utf-8"))
        change(found)
        (session / name).write_text(json.dumps(found, indent=4), "utf-8", newline="")

    return apply


def window(session: Path, phase: str = "run_1") -> tuple[str, str]:
    """The texts of power_begin and power_end."""
    found = (session / phase / "mlperf_log_detail.txt").read_text()
    begin = re.search(r'"power_begin", "value": "([^"]+)"', found)
    end = re.search(r'"power_end", "value": "([^"]+)"', found)
    if begin is None or end is None:
        raise ValueError("the session has no power window")
    return begin[1], end[1]


def sortable(stamp: str) -> str:
    return stamp[6:10] + stamp[:6] + stamp[10:]


def samples(change: Callable[[list[str]], list[str]], phase: str = "run_1") -> Apply:
    """Change the sample lines inside the window (given without line ends) and forge the digests."""

    def apply(session: Path) -> None:
        path = session / phase / "spl.txt"
        whole = path.read_bytes().decode()
        end = "\r\n" if "\r\n" in whole else "\n"
        lines = whole.split(end)
        begin, stop = (sortable(stamp) for stamp in window(session, phase))
        inside = [n for n, line in enumerate(lines) if line and begin < sortable(line.split(",")[1]) < stop]
        first, last = inside[0], inside[-1] + 1
        path.write_bytes(end.join(lines[:first] + change(lines[first:last]) + lines[last:]).encode())
        rehash(session)

    return apply


def fields(line: str, **values: str) -> str:
    """Replace quantities of the first group of a sample line."""
    words = line.split(",")
    for name, value in values.items():
        words[words.index(name) + 1] = value
    return ",".join(words)


def each(lines: list[str], every: int, change: Callable[[str], str]) -> list[str]:
    return [change(line) if number % every == 2 else line for number, line in enumerate(lines)]


def bad(line: str) -> str:
    return fields(line, Watts="-1.000000", Volts="-1.000000", Amps="-1.000000", PF="-1.000000")


def missed(line: str) -> str:
    return fields(line, Watts="-2.000000", Volts="-2.000000", Amps="-2.000000", PF="-2.000000")


def over_peak(line: str) -> str:
    """Flag a sample as PTDaemon does: of several channels the first one, which makes the sum -1."""
    total, channel, rest = line.partition(",Ch1,")
    words = (rest or line).split(",")
    watts, amps = (words.index(name) + 1 for name in ("Watts", "Amps"))
    words[watts], words[amps] = (f"{-float(words[at]) - 3:.6f}" for at in (watts, amps))
    return bad(total) + channel + ",".join(words) if rest else ",".join(words)


def scaled(line: str, factor: float) -> str:
    """Scale all watts of a line, those of the channels too."""
    return re.sub(r"(?<=Watts,)[-\d.]+", lambda found: f"{float(found[0]) * factor:.6f}", line)


def swap(lines: list[str]) -> list[str]:
    return [lines[1], lines[0], *lines[2:]]


def late_start(session: Path) -> None:
    """Leave out the samples from before the load, and of its first seconds."""
    path = session / SPL
    begin = sortable(window(session)[0])
    lines = path.read_bytes().decode().splitlines(keepends=True)
    loaded = [line for line in lines if line.strip() and sortable(line.split(",")[1]) > begin]
    path.write_bytes("".join(loaded[3:]).encode())
    rehash(session)


def moved(seconds: float, *keys: str) -> Apply:
    """Move power_begin or power_end, or both."""

    def later(match: re.Match[str]) -> str:
        moment = datetime.strptime(match[2], "%m-%d-%Y %H:%M:%S.%f") + timedelta(seconds=seconds)
        return f"{match[1]}{moment:%m-%d-%Y %H:%M:%S}.{moment.microsecond // 1000:03d}"

    pattern = rf'("(?:{"|".join(keys)})", "value": ")([^"]+)'
    return text(DETAIL, lambda found: re.sub(pattern, later, found))


def other_digit(match: re.Match[str]) -> str:
    return f"{match[1]}{(int(match[2]) + 1) % 10}"


def remove(name: str) -> Apply:
    return lambda session: (session / name).unlink()


def add(name: str, content: bytes = b"x") -> Apply:
    return lambda session: (session / name).write_bytes(content) and None


def link(name: str) -> Apply:
    """Replace a file by a symbolic link to a copy outside the session."""

    def apply(session: Path) -> None:
        outside = session.parent / f"{session.name}-outside"
        shutil.move(session / name, outside)
        (session / name).symlink_to(outside)

    return apply


def pipe(name: str) -> Apply:
    def apply(session: Path) -> None:
        (session / name).unlink()
        os.mkfifo(session / name)

    return apply


def detail(key: str, value: str, phase: str = "run_1") -> Apply:
    """Set the value (JSON text) of a record of the detail log."""
    pattern = re.compile(rf'("key": "{key}", "value": )("[^"]*"|[^,]+)')
    return text(f"{phase}/mlperf_log_detail.txt", lambda found: pattern.sub(rf"\g<1>{value}", found))


def record_line(key: str, value: str, *, is_error: bool = False) -> str:
    flag = "true" if is_error else "false"
    return (
        f':::MLLOG {{"key": "{key}", "value": {value}, "time_ms": 1.0, "namespace": "mlperf::logging", '
        f'"event_type": "POINT_IN_TIME", "metadata": {{"is_error": {flag}, "is_warning": false, "file": "x.cc", '
        '"line_no": 1, "pid": 1, "tid": 1}}\n'
    )


def shift_hours(name: str, hours: int) -> Apply:
    """Move the LoadGen window by whole hours, as a wrong time zone does."""

    def moved(match: re.Match[str]) -> str:
        hour = (int(match[3]) + hours) % 24
        return f"{match[1]}{match[2]} {hour:02d}{match[4]}"

    return text(name, lambda found: re.sub(r'("power_(?:begin|end)", "value": ")([-\d]+) (\d\d)(:)', moved, found))


def ptd_message(cmd: str, change: Callable[[dict[str, str]], object], nth: int = 0) -> Apply:
    """Change the nth message to PTDaemon whose command starts with `cmd`, in server.json and server.log alike."""

    def apply(session: Path) -> None:
        found = json.loads((session / SERVER).read_text("utf-8"))
        message = [message for message in found["ptd_messages"] if message["cmd"].startswith(cmd)][nth]
        before = dict(message)
        change(message)
        (session / SERVER).write_text(json.dumps(found, indent=4), "utf-8", newline="")
        log = (session / SERVER_LOG).read_bytes().decode()
        for key, sign in (("cmd", "sending to ptd: "), ("reply", "reply from ptd: ")):
            if message[key] != before[key]:
                log = log.replace(f"{sign}{before[key]!r}", f"{sign}{message[key]!r}", 1)
        (session / SERVER_LOG).write_bytes(log.encode())
        rehash(session)

    return apply


def identify(pattern: str, replacement: str) -> Apply:
    """Change the Identify reply everywhere it is recorded."""

    def apply(session: Path) -> None:
        for name in (SERVER, SERVER_LOG, PTD):
            path = session / name
            path.write_bytes(re.sub(pattern.encode(), replacement.encode(), path.read_bytes()))
        rehash(session)

    return apply


def in_the_window(line: str) -> Apply:
    """Put a line into ptd_logs.txt, stamped in the middle of the load window."""

    def apply(session: Path) -> None:
        begin, end = window(session)
        lines = (session / PTD).read_bytes().decode().splitlines(keepends=True)
        stamped = [
            n for n, found in enumerate(lines)
            if re.match(r"\d\d-\d\d-\d{4} ", found) and sortable(begin) < sortable(found[:23]) < sortable(end)
        ]  # fmt: skip
        spl = [found for found in (session / SPL).read_text().split("\n") if found]
        inside = [
            found.split(",")[1] for found in spl if sortable(begin) < sortable(found.split(",")[1]) < sortable(end)
        ]
        at = stamped[len(stamped) // 2] if stamped else next(
            n for n, found in enumerate(lines) if "_testing'" in found and "Go with mark" in found) + 2  # fmt: skip
        lines.insert(at, f"{inside[len(inside) // 2]}: {line}\n")
        (session / PTD).write_bytes("".join(lines).encode())
        rehash(session)

    return apply


def after_the_start(line: str) -> Apply:
    """Put a line into ptd_logs.txt right after the testing run began, before the load."""
    return text(PTD, lambda found: re.sub(
        r"(([-\d]{10} [\d:.]{12}): Go with mark '[^']*_testing'\r?\n)", rf"\1\2: {line}\n", found))  # fmt: skip


def one_digit(line: str) -> str:
    """Change the last digit of the voltage, which no arithmetic can notice."""
    return fields(line, Volts=line.split(",")[5][:-1] + "7")


def repeated(session: Path) -> None:
    """Record, as wattrig does, that the first testing run failed."""
    state("complete")(session)
    (session / "wattrig" / "attempt_1").mkdir()
    (session / "wattrig" / "attempt_1" / "attempt.json").write_text(json.dumps({"reason": "the workload crashed"}))


def state(name: str) -> Apply:
    """Record, as wattrig does, how the session ended."""

    def apply(session: Path) -> None:
        (session / "wattrig").mkdir()
        record = {"schema": 1, "state": name, "reason": "the meter was lost", "phase": "testing", "t_utc_ns": 1}
        (session / "wattrig" / "state.json").write_text(json.dumps(record))

    return apply


def both(change: Callable[[dict[str, Any]], object]) -> Apply:
    """Change client.json and server.json alike."""

    def apply(session: Path) -> None:
        for name in (CLIENT, SERVER):
            record(name, change)(session)

    return apply


def more_settings(found: dict[str, Any]) -> None:
    """Let the director change a range in the middle of the testing run."""
    messages = found["ptd_messages"]
    at = next(n for n, message in enumerate(messages) if message["cmd"].endswith("_testing"))
    messages.insert(at + 1, {"cmd": "SR,A,20", "reply": "Range A changed"})


def move_moments(found: dict[str, Any], phase: str, first: int, seconds: float) -> None:
    for point in found["phases"][phase][first:]:
        point[0] += seconds


def first_key(mapping: dict[str, Any]) -> str:
    return next(iter(mapping))


def phase_shift(side: str, seconds: float) -> Apply:
    def change(found: dict[str, Any]) -> None:
        for points in found["phases"].values():
            for point in points:
                point[0] += seconds

    return record(side, change)


def times_of(messages: list[dict[str, Any]], offset_s: float) -> None:
    for message in messages:
        if message["cmd"] == "time":
            message["reply"] = str(float(message["reply"]) + offset_s)


REQUIRED = (CLIENT, CLIENT_LOG, PTD, SERVER, SERVER_LOG, "ranging/spl.txt", "ranging/mlperf_log_detail.txt",
            "ranging/mlperf_log_summary.txt", SPL, DETAIL, SUMMARY)  # fmt: skip

FILES = [
    *(Mutant(f"absent-{name.replace('/', '-')}", "FIL001", remove(name)) for name in REQUIRED),
    Mutant("empty-spl", "FIL001", raw(SPL, lambda _: b"")),
    Mutant("empty-client-log", "FIL001", raw(CLIENT_LOG, lambda _: b"")),
    Mutant("fifo-for-detail", "FIL001", pipe(DETAIL)),
    Mutant("extra-file-in-power", "FIL002", add("power/notes.txt")),
    Mutant("extra-ptd-out", "FIL002", add("run_1/ptd_out.txt")),
    Mutant("extra-hidden-file", "FIL002", add("ranging/.spl.txt.swp")),
    Mutant("link-out-of-the-session", "FIL003", link(SPL)),
    Mutant("utf-16-client-log", "FIL003", raw(CLIENT_LOG, lambda found: found.decode().encode("utf-16"))),
    Mutant("bom-in-spl", "FIL003", raw(SPL, lambda found: b"\xef\xbb\xbf" + found)),
    Mutant("nul-bytes-in-ptd-logs", "FIL003", raw(PTD, lambda found: found[:500] + b"\0" * 64 + found[500:])),
    Mutant("binary-summary", "FIL003", raw(SUMMARY, lambda _: bytes(range(256)) * 8)),
    Mutant("truncated-client-json", "FIL004", raw(CLIENT, lambda found: found[: len(found) // 2])),
    Mutant("client-json-is-a-list", "FIL004", raw(CLIENT, lambda _: b"[]")),
    Mutant("server-json-deeply-nested", "FIL004", raw(SERVER, lambda _: b"[" * 200_000)),
    Mutant("server-json-nan", "FIL004", record(SERVER, lambda found: found.update(timezone=float("nan")))),
    Mutant("duplicate-key", "FIL004", raw(SERVER, lambda found: found.replace(b"{", b'{"version": "1.0",', 1))),
    Mutant("phases-absent", "FIL004", record(CLIENT, lambda found: found.pop("phases"))),
    Mutant("messages-of-a-wrong-type", "FIL004", record(SERVER, lambda found: found.update(messages="none"))),
    Mutant("results-of-a-wrong-type", "FIL004", record(CLIENT, lambda found: found.update(results=[1, 2]))),
    Mutant("phase-with-three-stamps", "FIL004", record(CLIENT, lambda found: found["phases"]["testing"].pop())),
    Mutant("one-byte-of-spl", "FIL005", raw(SPL, lambda found: found.replace(b"Watts,", b"Watts,1", 1))),
    Mutant("one-byte-of-detail", "FIL005", raw(DETAIL, lambda found: found + b"\n")),
    Mutant("crlf-to-lf-ptd-logs", "FIL005", raw(PTD, lambda found: found + b" ")),
    Mutant("digest-forgotten", "FIL005", record(SERVER, lambda found: found["results"].pop(SPL))),
    Mutant("digest-of-another-side", "FIL005", record(SERVER, lambda f: f["results"].update({CLIENT_LOG: "0" * 40}))),
    Mutant("spl-line-cut", "FIL006", samples(lambda lines: [lines[0], lines[1][:30], *lines[2:]])),
    Mutant("spl-field-renamed", "FIL006", samples(lambda lines: [lines[0].replace("Volts", "Volt"), *lines[1:]])),
    Mutant("spl-stamp-of-no-day", "FIL006", samples(lambda ls: [ls[0].replace(ls[0][5:7], "13", 1), *ls[1:]])),
    Mutant("spl-text-for-a-number", "FIL006", samples(lambda ls: [fields(ls[0], Watts="many"), *ls[1:]])),
    Mutant("server-log-lacks-a-command", "FIL007", text(SERVER_LOG, lambda f: re.sub(r".*to ptd: 'RR'.*\n", "", f))),
    Mutant(
        "server-log-lacks-a-client-command",
        "FIL008",
        text(SERVER_LOG, lambda f: re.sub(r".*from the client 'session.*start,testing'.*\n", "", f)),
    ),
    Mutant(
        "client-log-another-reply",
        "FIL008",
        text(CLIENT_LOG, lambda f: f.replace("Got response: 'mlcommons", "Got response: 'mlcommon", 1)),
    ),
    Mutant(
        "client-log-other-sources",
        "FIL009",
        text(CLIENT_LOG, lambda f: re.sub(r'(Sources: \{"sources": \{"[^"]+": ")....', r"\g<1>0000", f)),
    ),
    Mutant(
        "client-json-other-sources",
        "FIL009",
        record(CLIENT, lambda f: f["sources"].update({first_key(f["sources"]): "0" * 40})),
    ),
    Mutant(
        "ptd-logs-another-reply", "FIL011", text(PTD, lambda f: f.replace("Hello, PTDaemon", "Hullo, PTDaemon", 1))
    ),
    Mutant("session-name-differs", "FIL013", record(SERVER, lambda f: f.update(session_name="2021-01-01_00-00-00"))),
    Mutant("session-name-of-no-form", "FIL013", record(CLIENT, lambda f: f.update(session_name="../evil"))),
    Mutant("folder-within-a-run", "FIL002", lambda s: (s / "run_1/old").mkdir() or add("run_1/old/spl.txt")(s)),
    Mutant("bom-in-server-json", "FIL003", raw(SERVER, lambda found: b"\xef\xbb\xbf" + found)),
    Mutant("latin-1-in-ptd-logs", "FIL003", raw(PTD, lambda found: found.replace(b"Hello", b"Hell\xf6", 1))),
    Mutant("ptd-config-absent", "FIL004", record(SERVER, lambda found: found.pop("ptd_config"))),
    Mutant("no-messages", "FIL004", record(CLIENT, lambda found: found.update(messages=[]))),
    Mutant(
        "phase-of-huge-numbers",
        "FIL004",
        raw(SERVER, lambda found: re.sub(rb"\[\s+\d+\.", b"[1e999, 1.", found, count=1)),
    ),
    Mutant("spl-number-rounded", "FIL006", samples(lambda ls: [fields(ls[0], PF="0.9"), *ls[1:]])),
    Mutant("spl-full-of-empty-lines", "FIL006", samples(lambda lines: [*lines[:5], "", "", *lines[5:]])),
    Mutant("forged-ptd-messages", "FIL007", record(SERVER, lambda f: f["ptd_messages"][2].update(reply="Ranges"))),
    Mutant("messages-cut", "FIL008", record(CLIENT, lambda f: f["messages"].pop())),
    Mutant(
        "handshake-of-version-2", "FIL008", both(lambda f: f["messages"][0].update(cmd="mlcommons/power client v2"))
    ),
    Mutant("client-log-without-sources", "FIL009", text(CLIENT_LOG, lambda f: re.sub(r".*Sources: .*\n", "", f))),
    Mutant("one-digit-of-a-sample", "FIL010", samples(lambda lines: [one_digit(lines[0]), *lines[1:]])),
    Mutant("sample-left-out", "FIL010", samples(lambda lines: lines[:2] + lines[3:])),
    Mutant("server-log-without-listing", "FIL010", text(SERVER_LOG, lambda f: re.sub(r".*ptd: 'Time,.*\n", "", f))),
    Mutant("ptd-logs-cut-in-testing", "FIL011", text(PTD, lambda f: f[: f.index("_testing'") + 200])),
    Mutant("server-log-goes-back", "FIL012", text(SERVER_LOG, lambda f: re.sub(r"20\d\d(-.* 'RR')", r"2019\1", f))),
    Mutant(
        "another-session-id-in-client-log", "FIL013", text(CLIENT_LOG, lambda f: f.replace("id is '2", "id is '1"))
    ),
    Mutant("both-renamed", "FIL013", both(lambda f: f.update(session_name="2021-01-01_00-00-00"))),
    Mutant("aborted-session", "FIL014", state("aborted")),
    Mutant("state-of-no-sense", "FIL014", state("complete, mostly")),
    Mutant("testing-repeated", "FIL015", repeated),
]

POWER = [
    Mutant("unreleased-client", "PWR001", record(CLIENT, lambda f: f["sources"].update({"lib/client.py": "1" * 40}))),
    Mutant("unreleased-director", "PWR001", record(SERVER, lambda f: f["sources"].update({"server.py": "1" * 40}))),
    Mutant("old-ptdaemon", "PWR002", identify(r"version=[\w.]+-", "version=1.8.1-")),
    Mutant("unknown-analyzer", "PWR003", identify(r"YokogawaWT\w+,1000", "ChromaX66202,1000")),
    Mutant("device-type-of-another-model", "PWR003", record(SERVER, lambda f: config(f).update(device_type=35))),
    Mutant(
        "simulated-analyzer",
        "PWR003",
        identify(r"no_cal_date,YOKOGAWA;([^;]+);[^;]+;", r"no_cal_date,YOKOGAWA;\1;SIMULATED;"),
    ),
    Mutant("accuracy-run", "PWR007", detail("effective_test_mode", '"AccuracyOnly"')),
    Mutant(
        "audit-config-found",
        "PWR007",
        text(DETAIL, lambda f: f + record_line("generic_message", '"Found Audit Config file (audit.config)."')),
    ),
    Mutant("altered-loadgen", "PWR008", detail("loadgen_git_status_message", '" M loadgen.cc"')),
    Mutant(
        "another-client-uuid",
        "PWR009",
        record(CLIENT, lambda f: f["uuid"].update(client="0" * 8 + "-0000-4000-8000-" + "0" * 12)),
    ),
    Mutant("no-ranging-samples", "PWR012", text("ranging/spl.txt", lambda _: "\n")),
    Mutant("client-clock-off", "PWR015", phase_shift(CLIENT, 3.0)),
    Mutant("testing-in-auto-range", "PWR016", ptd_message("SR,A", lambda m: m.update(cmd="SR,A,Auto"), nth=-2)),
    Mutant("testing-range-too-large", "PWR016", ptd_message("SR,A", lambda m: m.update(cmd="SR,A,19.5"), nth=-2)),
    Mutant("range-refused", "PWR016", ptd_message("SR,V", lambda m: m.update(reply="Error in parameter"), nth=1)),
    Mutant("ranges-not-restored", "PWR016", ptd_message("SR,V", lambda m: m.update(cmd="SR,V,15.000000"), nth=-1)),
    Mutant(
        "uncertainty-above-the-limit",
        "PWR017",
        in_the_window("WARNING: Uncertainty 1.60%, which is above 1.00% limit for the last sample!"),
    ),
    Mutant(
        "uncertainty-unknown",
        "PWR017",
        in_the_window("WARNING: Uncertainty unknown for the last measurement sample!"),
    ),
    Mutant(
        "error-in-testing",
        "PWR018",
        in_the_window("ERROR: Current exceeds peak value allowed for range 0.50A and CF 3."),
    ),
    Mutant("invalid-result", "PWR019", detail("result_validity", '"INVALID"')),
    Mutant("strange-seeds", "PWR019", detail("effective_qsl_rng_seed", "42")),
    Mutant(
        "power-fell-after-ranging", "PWR020", samples(lambda lines: [scaled(line, 1.2) for line in lines], "ranging")
    ),
    Mutant("ranging-of-another-scenario", "PWR021", detail("effective_scenario", '"SomethingElse"', "ranging")),
    Mutant("debug-director", "PWR030", record(SERVER, lambda f: f.update(debug=True))),
    Mutant(
        "banner-of-another-ptdaemon", "PWR002", text(PTD, lambda f: re.sub(r"Version [\d.]+-", "Version 1.8.1-", f))
    ),
    Mutant("altered-ptdaemon", "PWR002", text(PTD, lambda f: re.sub(r"PTD CRC: 0x\w{8}", "PTD CRC: 0x00000001", f))),
    Mutant("another-instrument", "PWR003", identify(r"YOKOGAWA;[^;]+;", "YOKOGAWA;WT5000;")),
    Mutant(
        "started-for-another-device", "PWR003", record(SERVER, lambda f: config(f)["command"].__setitem__(-2, "35"))
    ),
    Mutant("direct-current", "PWR005", identify(r"YokogawaWT(\w+),1000", r"YokogawaWT\1_DC,1000")),
    Mutant(
        "audit-config-warning",
        "PWR007",
        text(DETAIL, lambda f: record_line("warning_generic_message", '"Found Audit Config file (a)."') + f),
    ),
    Mutant("two-loadgens", "PWR008", detail("loadgen_version", '"4.0 @ 0123456789"', "ranging")),
    Mutant(
        "uuid-of-no-exchange",
        "PWR009",
        both(lambda f: f["uuid"].update(server="0" * 8 + "-0000-4000-8000-" + "0" * 12)),
    ),
    Mutant("uuid-of-no-form", "PWR009", both(lambda f: f["uuid"].update(client="me"))),
    Mutant("an-hour-between-the-runs", "PWR010", both(lambda f: move_moments(f, "testing", 0, 3600.0))),
    Mutant(
        "ranging-without-a-window",
        "PWR012",
        text("ranging/mlperf_log_detail.txt", lambda f: re.sub(r'.*"power_(begin|end)".*\n', "", f)),
    ),
    Mutant("clocks-apart-by-two-seconds", "PWR015", record(CLIENT, lambda f: times_of(f["messages"], 2.0))),
    Mutant("no-time-was-exchanged", "PWR015", record(CLIENT, lambda f: times_of(f["messages"], 1e9))),
    Mutant("ranging-in-a-fixed-range", "PWR016", ptd_message("SR,V", lambda m: m.update(cmd="SR,V,150"))),
    Mutant("testing-range-of-old", "PWR016", ptd_message("SR,V", lambda m: m.update(cmd="SR,V,300"), nth=1)),
    Mutant(
        "testing-before-ranging",
        "PWR016",
        ptd_message("Go,", lambda m: m.update(cmd=m["cmd"].replace("ranging", "testing"))),
    ),
    Mutant("range-changed-while-testing", "PWR016", record(SERVER, more_settings)),
    Mutant("no-initial-ranges", "PWR016", ptd_message("RR", lambda m: m.update(reply="Ranges"))),
    Mutant(
        "uncertainty-of-a-channel-above-the-limit",
        "PWR017",
        in_the_window(
            "WARNING: Uncertainty 1.60%, which is above 1.00% limit for the last sample, logical channel 2!"
        ),
    ),
    Mutant(
        "uncertainty-above-the-limit-in-old-words",
        "PWR017",
        in_the_window("WARNING: Uncertainty 1.60% above 1.00% limit for the last measurement sample! channel 0"),
    ),
    Mutant("uncertainty-not-checked", "PWR017", text(PTD, lambda f: f.replace("Uncertainty checking", "Nothing"))),
    Mutant(
        "warnings-forgotten",
        "PWR017",
        text(PTD, lambda f: re.sub(r"(mp range\D*set to )[\d.]+", r"\g<1>40.000000", f)),
    ),
    Mutant("bad-reading-error", "PWR018", in_the_window("ERROR: Bad watts reading nan from WT310")),
    Mutant("conditions-not-met", "PWR019", detail("result_min_queries_met", "false")),
    Mutant("short-run-allowed", "PWR019", detail("effective_min_duration_ms", "60000")),
    Mutant("ranging-for-accuracy", "PWR021", detail("effective_test_mode", '"AccuracyOnly"', "ranging")),
    Mutant("ranging-of-other-samples", "PWR021", detail("qsl_name", '"Other"', "ranging")),
    Mutant("unknown-build", "PWR032", identify(r"-(\w{8})-20\d{6},", r"-\1-20200101,")),
    Mutant("clock-set-while-testing", "PWR033", record(CLIENT, lambda f: move_moments(f, "testing", 2, 0.6))),
    Mutant(
        "average-of-ptdaemon-edited",
        "PWR034",
        ptd_message("Watts", lambda m: m.update(reply=m["reply"].replace("Watts,", "Watts,1")), nth=-1),
    ),
    Mutant("error-before-the-load", "PWR035", after_the_start("ERROR: Current exceeds peak value")),
    Mutant("invalid-ranging", "PWR036", detail("result_validity", '"INVALID"', "ranging")),
    Mutant("ranging-of-other-seeds", "PWR036", detail("effective_qsl_rng_seed", "42", "ranging")),
    Mutant("loadgen-without-revision", "PWR037", detail("loadgen_version", '"5.1.0"')),
]

SAMPLES = [
    Mutant("half-the-samples-gone", "SMP001", samples(lambda lines: lines[::2])),
    Mutant("a-gap-of-five-seconds", "SMP002", samples(lambda lines: lines[:2] + lines[7:])),
    Mutant("bad-readings", "SMP003", samples(lambda lines: each(lines, 5, bad))),
    Mutant("missed-samples", "SMP004", samples(lambda lines: each(lines, 4, missed))),
    Mutant("peaks-over-the-range", "SMP005", samples(lambda lines: each(lines, 5, over_peak))),
    Mutant("nan-power", "SMP006", samples(lambda lines: each(lines, 4, lambda line: fields(line, Watts="nan")))),
    Mutant("infinite-power", "SMP006", samples(lambda lines: each(lines, 4, lambda line: fields(line, Watts="inf")))),
    Mutant("overflowing-power", "SMP006", samples(lambda ls: each(ls, 4, lambda line: fields(line, Watts="1e999")))),
    Mutant(
        "no-power-under-load", "SMP006", samples(lambda ls: each(ls, 4, lambda line: fields(line, Watts="0.000000")))
    ),
    Mutant(
        "impossible-voltage",
        "SMP006",
        samples(lambda ls: each(ls, 4, lambda line: fields(line, Volts="99100000000000005192630646116011999232.0"))),
    ),
    Mutant("doubled-sample", "SMP007", samples(lambda lines: [*lines[:2], *lines[1:]])),
    Mutant("samples-out-of-order", "SMP008", samples(swap)),
    Mutant(
        "foreign-mark",
        "SMP009",
        samples(lambda ls: [re.sub(r"Mark,[^,]+", "Mark,2020-01-01_00-00-00_testing", ls[0]), *ls[1:]]),
    ),
    Mutant("mark-of-the-other-phase", "SMP009", samples(lambda ls: [ls[0].replace("_testing", "_ranging"), *ls[1:]])),
    Mutant("watts-edited", "SMP010", samples(lambda lines: [scaled(line, 0.9) for line in lines])),
    Mutant("one-sample-edited", "SMP010", samples(lambda lines: [scaled(lines[0], 0.95), *lines[1:]])),
    Mutant("samples-start-late", "SMP012", late_start),
    Mutant("samples-end-early", "SMP012", text(SPL, lambda found: "\n".join(found.split("\n")[:4]) + "\n")),
    Mutant(
        "sampled-every-two-seconds",
        "SMP013",
        ptd_message("Go,", lambda m: m.update(cmd=m["cmd"].replace("Go,1000", "Go,2000")), nth=-1),
    ),
    Mutant("every-other-sample-gone", "SMP013", text(SPL, lambda f: "".join(f.splitlines(keepends=True)[::2]))),
    Mutant("range-of-another-load", "SMP014", ptd_message("SR,A", lambda m: m.update(cmd="SR,A,0.010000"), nth=-2)),
    Mutant(
        "samples-of-another-hour",
        "SMP015",
        text(SPL, lambda f: re.sub(r" (\d\d):", lambda m: f" {(int(m[1]) + 1) % 24:02d}:", f)),
    ),
]

LOADGEN = [
    Mutant("window-moved-by-editing", "LGN001", detail("power_begin", '"01-01-2020 00:00:00.000"')),
    Mutant("window-begins-later", "LGN001", moved(2.0, "power_begin")),
    Mutant("window-ends-later", "LGN001", moved(3.0, "power_end")),
    Mutant("window-ends-earlier", "LGN001", moved(-2.0, "power_end")),
    Mutant(
        "two-windows",
        "LGN002",
        text(DETAIL, lambda f: f + "".join(line + "\n" for line in f.splitlines() if '"power_' in line)),
    ),
    Mutant("no-power-end", "LGN002", text(DETAIL, lambda f: re.sub(r'.*"power_end".*\n', "", f))),
    Mutant(
        "summary-of-another-scenario",
        "LGN003",
        text(SUMMARY, lambda f: re.sub(r"Scenario : \w+", "Scenario : Nothing", f)),
    ),
    Mutant(
        "summary-with-another-result",
        "LGN003",
        text(SUMMARY, lambda f: re.sub(r"((?:latency \(ns\)|amples per second) *: *)(\d)", other_digit, f, count=1)),
    ),
    Mutant("summary-says-valid-alone", "LGN003", text(SUMMARY, lambda f: f.replace("VALID", "INVALID", 1))),
    Mutant(
        "loadgen-error",
        "LGN004",
        text(DETAIL, lambda f: f + record_line("error_runtime", '"it broke"', is_error=True)),
    ),
    Mutant("window-an-hour-off", "LGN005", shift_hours(DETAIL, 1)),
    Mutant("window-of-another-time", "LGN006", moved(200.0, "power_begin", "power_end")),
    Mutant(
        "detail-log-without-its-end", "LGN007", text(DETAIL, lambda f: re.sub(r'.*"result_validity"[^Z]*', "", f))
    ),
    Mutant(
        "detail-log-cut-in-a-line", "LGN007", text(DETAIL, lambda f: f[: len(f) // 3] + "\n" + f[len(f) // 3 + 200 :])
    ),
]


def config(found: dict[str, Any]) -> dict[str, Any]:
    """The configuration of the first analyzer, in either shape."""
    analyzers = found["ptd_config"]
    first: dict[str, Any] = analyzers[0] if isinstance(analyzers, list) else analyzers
    return first


MUTANTS = [*FILES, *POWER, *SAMPLES, *LOADGEN]


def make(mutant: Mutant, session: Path, target: Path) -> Path:
    """Copy what a submission holds of a session to `target` and spoil it."""
    for folder in ("power", "ranging", "run_1"):
        shutil.copytree(session / folder, target / folder)
    mutant.apply(target)
    return target


if __name__ == "__main__":
    for mutant in MUTANTS:
        print(mutant.code, make(mutant, Path(sys.argv[1]), Path(sys.argv[2]) / mutant.name))
