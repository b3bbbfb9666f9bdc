"""One grammar, derived from published sessions, must accept every line of theirs and of ours."""

import json
import re
from pathlib import Path

import pytest

from evidence import layout

STAMP = rb"\d\d-\d\d-\d{4} \d\d:\d\d:\d\d\.\d{3}"
FLOAT = rb"-?\d+\.\d{6}"
GROUP = rb"Watts,%b,Volts,%b,Amps,%b,PF,%b" % ((FLOAT,) * 4)
LISTED = rb"Time,%b,%b(,%b)*" % (STAMP, GROUP, GROUP)
SESSION = rb"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d(_[A-Za-z0-9_-]+)?"
UUID = rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
NUMBER = rb"\d+(\.\d+)?"
TIME = rb"\d{10}(\.\d{1,9})?"

SPL = rb"Time,%b,%b,Mark,%b_(ranging|testing)(,Ch\d,%b)*" % (STAMP, GROUP, SESSION, GROUP)

REPLIES = [
    rb"Hello, PTDaemon here!",
    rb"\w+,1000(,[01]){7},version=[\w.]+-[0-9a-f]{8}-\d{8},OS=[^,]+,mode=power,1,1,\d,0,0,no_cal_date,[\w;.-]+",
    rb"Ranges(,-?\d,-?\d+\.\d{6}){2}",
    rb"Range [AV] changed",
    rb"(Starting untimed measurement, maximum 500000 samples at 1000ms with 0 rampup samples)",
    rb"Stopping untimed measurement",
    rb"Invalid number of parameters",
    rb"Last \d+ samples( from sum channel and channels 1 - 3)?",
    rb"Uncertainty,(-1\.0|%b),%b,%b(,\d+){4}" % (FLOAT, FLOAT, FLOAT),
    rb"Watts,%b,%b,%b(,\d+){3}" % (FLOAT, FLOAT, FLOAT),
]
REPLY = b"(" + b"|".join(REPLIES) + b")"

PTD_TIMED = [
    rb"Attempting to connect to measurement device type \d+\.\.\.",
    rb"Analyzer identity response of \d+ bytes: YOKOGAWA,[\w,.]+",
    rb"address is \d+, board \d+",
    rb"ni4882\.dll found\.",
    rb"WT3XX enhanced model detected\.",
    rb"Firmware version [\d.]+ detected\.",
    rb"Requested \d channels, using physical channels \d thru \d",
    rb"Starting analyzer configuration\.\.\.",
    rb"Uncertainty checking for Yokogawa\w+ is activated",
    rb"Accuracy by ptd: \w+=[-.\de]+(,\w+=[-.\de]+)*",  # ours alone
    rb"Connected to \w+ successfully",
    rb"Establishing the listener on port \d+\.\.\.",
    rb"Waiting for a connection\.\.\.",
    rb"Accepted connection from 127\.0\.0\.1:\d+",
    rb"Response to client sent: (" + REPLY + rb"|" + LISTED + rb")?",
    rb"(Volt range set to (Auto|\d+\.\d{6}V)|Amp range set to \d+\.\d{6}A|Ampere range set to Auto)",
    rb"(Voltage|Amp) range for channel \d, physical channel \d, set to \d+\.\d{6}A",
    rb"(Go|Stop) command received",
    rb"Go with mark '" + SESSION + rb"_(ranging|testing)'",
    rb"Completed test",
    rb"Avg watts %b, min watts %b, max watts %b, samples \d+, errors \d+, valid \d+" % (FLOAT, FLOAT, FLOAT),
    rb"ERROR: Can't evaluate uncertainty of this sample!",
    rb"ERROR: Bad (watts|amps|pf|volts) reading (nan|inf|\d+\.\d{6}) from \w+",
    rb"ERROR: Current exceeds peak value allowed for range \d+\.\d\dA and CF \d\.",
    rb"WARNING: Missed \d+ samples",
    rb"WARNING: Uncertainty unknown for the last measurement sample(, logical channel \d)?!",
    rb"WARNING: Uncertainty \d+\.\d\d%, which is above 1\.00% limit for the last sample(, logical channel \d)?!",
    rb"No data returned by socket read\.",
    rb"Shutting connection down\.\.\.",
    rb"Connection is down\.",
]
PTD = [
    rb"",
    rb"Analyzer \d",
    rb"(%b)?: (%b)" % (STAMP, b"|".join(PTD_TIMED)),
    rb"Buffer was [-+\w.;,]+",
    LISTED,
]
PIECE = rb"[-\d.,: TimeWatsVolpAPF]*"
PTD_CUT = [rb";?\d(;\d)*", PIECE, PIECE + rb"%b: Response to client sent: " % STAMP + PIECE]
"""What SPEC's PTDaemon leaves of a listing or a raw buffer that was cut in mid-line."""

CLIENT_COMMAND = (
    rb"(mlcommons/power client v3|stop|time|new,[\w-]*,%b|session,%b,(start|stop),(ranging|testing)|"
    rb"wattrig,(hello,1|clock,-?\d+\.\d+,\d+\.\d+|sign,%b|fetch,%b,<secret>,[\w./]+,\d+))"
    % (UUID, SESSION, SESSION, SESSION)
)
CLIENT_REPLY = rb"(mlcommons/power server v3|OK|OK,[\w.+]+,<secret>,\d+|Error|%b|OK %b,%b)" % (TIME, SESSION, UUID)
LOG_HEAD = rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \[(INFO|WARNING)\] "
CLIENT_LINES = [
    rb"Creating output directory '.+'",
    rb"Sending command to the server: '%b'" % CLIENT_COMMAND,
    rb"Got response: '%b'" % CLIENT_REPLY,
    rb"Synchronizing with the server( and with \S+)?\.\.\.",
    rb"NTP:offset = -?\d+\.\d{3} s, delay = -?\d+\.\d{3} s ",
    rb"The time difference between the client and the server is within range -?\d+\.\d{3} ms\.\.-?\d+\.\d{3} ms",
    rb"Session id is '%b'" % SESSION,
    rb'Sources: \{"sources": \{.*\}\}',
    rb"Running workload in (ranging|testing) mode",
    rb"Running the workload .+",
    rb"Copying loadgen logs from '.+' to '.+'",
    rb"Removing loadgen logs directory '.+'",
    rb"Done runs",
]
SERVER_LINES = [
    rb"Got command from the client '(%b|session,%b,done)'" % (CLIENT_COMMAND, SESSION),
    rb"Sending reply to client '%b'" % CLIENT_REPLY,
    rb"The server will be stopped after processing this client",
    rb"Analyzer \[\d\] is running PTDaemon: \[.*\]",
    rb"Analyzer \[\d\] is sending to ptd: '"
    rb"(Hello|Identify|RR|SR,[AV],(Auto|%b)|Go,1000,0,%b_(ranging|testing)|Stop|RL|RL,\*,\*|Watts|Uncertainty)'"
    % (NUMBER, SESSION),
    rb"Analyzer \[\d\] recieved reply from ptd: '%b'" % REPLY,
    rb"Analyzer \[\d\] connected to PTDaemon",
    rb"Analyzer \[\d\] says the initial range for Amps is (Auto|%b) for Volts is (Auto|%b)" % (NUMBER, NUMBER),
    rb"Starting (ranging|testing) mode",
    rb"Analyzer \[\d\] maxAmps: %b, maxVolts: %b" % (NUMBER, NUMBER),
    rb"Analyzer \[\d\] is trying to read \d+ lines",
    rb"Analyzer \[\d\] got reply from ptd: '(%b(\\n)?)+'" % LISTED,
    rb"Merging (\d|spl|ptd) log files into one file",
    rb"Analyzer \[\d\] set initial values for Amps (Auto|%b) and Volts (Auto|%b)" % (NUMBER, NUMBER),
    rb"Analyzer \[\d\] stopping ptd\.\.\.",
]

CLIENT_KEYS = [
    *("version", "timezone", "modules", "sources", "messages", "uuid", "session_name", "results", "phases"),
]
SERVER_KEYS = [*CLIENT_KEYS, "ptd_messages", "ptd_config"]


def any_of(patterns: list[bytes], head: bytes = b"") -> re.Pattern[bytes]:
    return re.compile(head + b"(" + b"|".join(patterns) + b")")


GRAMMARS = {
    layout.CLIENT_LOG: any_of(CLIENT_LINES, b"client " + LOG_HEAD),
    layout.SERVER_LOG: any_of(SERVER_LINES, b"ptd-server " + LOG_HEAD),
    layout.RANGING_SPL: re.compile(SPL),
    layout.TESTING_SPL: re.compile(SPL),
}


def after_the_banner(text: bytes) -> list[bytes]:
    """The lines of ptd_logs.txt from the first timed one on: what comes before is each daemon's own."""
    lines = text.replace(b"\r", b"").split(b"\n")
    first = next(index for index, line in enumerate(lines) if b"Attempting to connect" in line)
    return lines[first:]


def assert_formats(session: Path, *, cut: bool) -> None:
    for name, grammar in GRAMMARS.items():
        text = (session / name).read_bytes().replace(b"\r\n", b"\n")
        assert text.endswith(b"\n"), name
        lines = text[:-1].split(b"\n")
        if name.endswith("spl.txt"):
            assert lines.pop() == b"", f"{name} ends with one empty line"
        for number, line in enumerate(lines, 1):
            assert grammar.fullmatch(line), f"{name}:{number}: {line[:200]!r}"
    ptd = any_of(PTD + PTD_CUT if cut else PTD)
    for line in after_the_banner((session / layout.PTD_LOGS).read_bytes()):
        assert ptd.fullmatch(line), f"ptd_logs.txt: {line[:200]!r}"
    for name, keys in ((layout.CLIENT_JSON, CLIENT_KEYS), (layout.SERVER_JSON, SERVER_KEYS)):
        text = (session / name).read_text("utf-8")
        record = json.loads(text)
        assert json.dumps(record, indent=4) == text, name
        assert [key for key in record if key != "ptd_config"] == [key for key in keys if key != "ptd_config"], name
        assert all(list(message) == ["cmd", "cmd_time", "reply", "reply_time"] for message in record["messages"])
        assert {phase: len(points) for phase, points in record["phases"].items()} == {"ranging": 4, "testing": 4}
    server = json.loads((session / layout.SERVER_JSON).read_text("utf-8"))
    for analyzer in server["ptd_config"]:
        assert list(analyzer) == ["command", "device_type", "interface_flag", "dc_flag", "device_port", "channel"]
    assert all(list(message) == ["cmd", "reply"] for message in server["ptd_messages"])


def test_the_grammar_accepts_published_sessions(published: Path) -> None:
    sessions = [path.parent.parent for path in published.glob("v5.1/**/power/client.json")]
    assert len(sessions) == 3
    for session in sessions:
        assert_formats(session, cut=True)


@pytest.mark.timeout(240)
def test_the_grammar_accepts_ours(demo_session: Path) -> None:
    assert_formats(demo_session, cut=False)


def test_the_package_holds_the_required_files_and_no_other(demo_session: Path) -> None:
    folders = (layout.POWER, layout.RANGING, layout.TESTING)
    found = {
        path.relative_to(demo_session).as_posix() for folder in folders for path in (demo_session / folder).rglob("*")
    }
    assert found == set(layout.REQUIRED_FILES)
    assert (demo_session / "wattrig" / "ptd_out.txt").read_bytes().startswith(b"Analyzer 1:\nPower: Watts,")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (
            layout.TESTING_SPL,
            b"Time,07-23-2024 13:43:39.220,Watts,171.3,Volts,118.1,Amps,1.658,PF,0.875,Mark,x_testing",
        ),
        (layout.CLIENT_LOG, b"client 2025-07-25 15:13:09,684 [INFO] Sending command to the server: 'rm -rf'"),
        (layout.SERVER_LOG, b"ptd-server 2025-07-25 15:13:09,684 [DEBUG] Starting ranging mode"),
    ],
)
def test_the_grammar_can_refuse(name: str, line: bytes) -> None:
    assert not GRAMMARS[name].fullmatch(line)
