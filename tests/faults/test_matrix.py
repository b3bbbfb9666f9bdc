"""Whatever breaks, at whichever moment: what is left on disk, how long it took, and what was said.

Every case is a rig of processes over real sockets (`bench.fault_lab`), of which one thing breaks at one moment. After
each: no traceback, no process left over, the journal reads back, the analyzer's ranges are as they were found, a
session that is not whole has no client.json, and a fresh client is served at once.
"""

import os
import re
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.fault_lab import GRACE_S, HELD_AT, HOST, RANGES, FaultLab, mount, unmount
from evidence.digest import file_sha1
from evidence.journal import read_journal
from evidence.layout import CLIENT_JSON, DIRECTOR_JOURNAL, DOWNLOADS, OUR_PLACE
from evidence.state import State

Act = Callable[[FaultLab], None]
WHOLE, BROKEN, NONE, FETCH_FAILED = ("complete",) * 2, ("aborted",) * 2, ("", ""), ("aborted", "complete")


@dataclass(frozen=True)
class Case:
    """What breaks, when, and what must come of it.

    Attributes:
        who, moment, kind: the three of its name.
        act: breaks it.
        ends: the states of the client's and the director's session; "" for none.
        says, told: what the client and the director must have said.
        within_s: how long it may take until the client has ended and the session is closed.
        prepare: is done before anything starts.
        goes_on: whether the workload is let go on after it.
        heal: is done once the client has ended, before the rest is looked at.
        starts: whether the director starts at all.
    """

    who: str
    moment: str
    kind: str
    act: Act
    ends: tuple[str, str] = BROKEN
    says: str = ""
    told: str = ""
    within_s: float = 12.0
    prepare: Act = lambda lab: None
    goes_on: bool = False
    heal: Act = lambda lab: None
    starts: bool = True

    def __str__(self) -> str:
        return f"{self.who}-{self.moment}-{self.kind}"


# What can break.


def nothing(_: FaultLab) -> None:
    return


def sends(name: str, *numbers: signal.Signals, pause_s: float = 0.0) -> Act:
    def act(lab: FaultLab) -> None:
        for number in numbers or (signal.SIGKILL,):
            lab.signal(name, number)
            time.sleep(pause_s)

    return act


def pauses(name: str, seconds: float) -> Act:
    return sends(name, signal.SIGSTOP, signal.SIGCONT, pause_s=seconds)


def network(*commands: str, pause_s: float = 0.0) -> Act:
    def act(lab: FaultLab) -> None:
        for number, command in enumerate(commands):
            time.sleep(pause_s if number else 0.0)
            lab.network(command)

    return act


def steps(whose: str, seconds: float) -> Act:
    return lambda lab: lab.step(whose, seconds)


def options(*words: str) -> Act:
    return lambda lab: lab.client_options.extend(words)


def then(*acts: Act) -> Act:
    def act(lab: FaultLab) -> None:
        for each in acts:
            each(lab)

    return act


def makes_room(lab: FaultLab) -> None:
    (lab.store / "filler").unlink(missing_ok=True)


def renews_director(lab: FaultLab) -> None:
    """Make room, and start the director anew, which closes what it could not close without room."""
    makes_room(lab)
    lab.signal("director", signal.SIGTERM)
    lab.director_again()


def takes_port(lab: FaultLab) -> None:
    lab.keep(socket.create_server((HOST, lab.daemon_port)))


def asks_silent_ntp(lab: FaultLab) -> None:
    silent = lab.keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    silent.bind((HOST, 0))
    lab.client_options += ["-n", f"{HOST}:{silent.getsockname()[1]}"]


def second_client_comes(lab: FaultLab) -> None:
    with socket.create_connection((HOST, lab.port), 5) as line:
        line.sendall(b"mlcommons/power client v3\r\n")
        assert re.match(r"Error: busy, session \S+ is measuring since", line.makefile().readline())


def not_permitted(who: str, place: str) -> Act:
    def act(lab: FaultLab) -> None:
        getattr(lab, place).mkdir(0o555)
        if os.geteuid() == 0:
            lab.prefixes[who] = ["setpriv", "--bounding-set", "-dac_override"]

    return act


def on(place: str, mib: int = 300, options: str = "") -> Act:
    return lambda lab: lab.mount(getattr(lab, place), mib, options)


def fills(place: str) -> Act:
    return lambda lab: lab.fill(getattr(lab, place))


def limits(name: str) -> Act:
    return lambda lab: lab.limit_files(name)


def no_daemon(lab: FaultLab) -> None:
    lab.daemon_program = "/nonexistent/ptd"


KILL, TERM, INT, STOP, CONT = (
    signal.SIGKILL,
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGSTOP,
    signal.SIGCONT,
)
MEASURED = ("ranging", "testing")
NOT_BACK = rf"did not come back within {GRACE_S:g} s"
CLOCK = r"the director's clock minus this machine's is|time difference|clock"
NO_ROOM = r"No space left|cannot be written|ended the session"
LOST = r"[Tt]he instrument is lost"

CLIENT = [
    Case("client", "before", "kill", sends("client"), ("", "aborted"), told="closed unexpectedly"),
    *(Case("client", moment, "kill", sends("client"), ("", "aborted"), told=NOT_BACK) for moment in MEASURED),
    Case("client", "between", "kill", sends("client"), ("", "aborted"), told="closed the connection"),
    Case("client", "transfer", "kill", sends("client"), ("", "complete")),
    *(
        Case("client", moment, "sigterm", sends("client", TERM), says="ended by SIGTERM", told="SIGTERM")
        for moment in ("between", "testing")
    ),
    Case("client", "transfer", "sigterm", sends("client", TERM), FETCH_FAILED, "ended by SIGTERM"),
    Case("client", "testing", "ctrl-c", sends("client", INT), says="ended by SIGINT", told="SIGINT"),
    *(
        Case("client", moment, "stopped-3s", pauses("client", 3), WHOLE, goes_on=True, within_s=20)
        for moment in ("between", "testing", "transfer")
    ),
    *(
        Case("client", moment, "workload-killed", sends("workload"), says="was ended by SIGKILL", told="SIGKILL")
        for moment in MEASURED
    ),
    Case("client", "testing", "workload-hangs", nothing, says="did not end within its time limit of 5 s",
         prepare=options("--time-limit", "5")),
    Case("client", "testing", "repeated", sends("workload"), WHOLE, says="Testing run 1 of at most 2 failed",
         told="will be repeated", prepare=options("--testing-attempts", "2"), goes_on=True, within_s=20),
    *(
        Case("client", moment, "second-client", second_client_comes, WHOLE, told="Turned .* away: busy", goes_on=True)
        for moment in ("ranging", "between", "testing")
    ),
]  # fmt: skip
DIRECTOR = [
    Case("director", "before", "kill", sends("director"), NONE, says="closed the connection|broke"),
    *(
        Case("director", moment, "kill", sends("director"), says="could not be made anew", told="left open by a dir")
        for moment in MEASURED
    ),
    Case("director", "between", "kill", sends("director"), says="closed the connection|broke",
         told="left open by a director that died"),
    Case("director", "transfer", "kill-and-start", then(sends("director"), FaultLab.director_again), FETCH_FAILED,
         says="the director"),
    *(
        Case("director", moment, "sigterm", sends("director", TERM), says="the director was stopped|closed the conn",
             heal=FaultLab.director_again)
        for moment in ("between", "testing")
    ),
    Case("director", "testing", "ctrl-c", sends("director", INT), says="the director was stopped",
         heal=FaultLab.director_again),
    Case("director", "testing", "sigterm-twice", sends("director", TERM, TERM, pause_s=0.1),
         told="ended at once by a second SIGTERM", heal=FaultLab.director_again),
    *(
        Case("director", moment, "stopped-3s", pauses("director", 3), WHOLE, goes_on=True, within_s=20)
        for moment in ("ranging", "testing", "transfer")
    ),
    Case("director", "before", "hangs", sends("director", STOP), NONE, says="sent no line within 10 s",
         heal=sends("director", CONT), within_s=15),
]  # fmt: skip
DAEMON = [
    *(
        Case("daemon", moment, "kill", sends("daemon"), says="ended with exit code -9", told="exit code -9")
        for moment in (*MEASURED, "between")
    ),
    Case("daemon", "testing", "sigterm", sends("daemon", TERM), says="daemon of analyzer 1 (ended|closed)"),
    *(
        Case("daemon", moment, "hangs", sends("daemon", STOP), says="no new sample for 10 s", within_s=50)
        for moment in MEASURED
    ),
    Case("daemon", "before", "missing", nothing, NONE, told="cannot be started|ended at once", starts=False,
         prepare=no_daemon),
    Case("daemon", "before", "port-taken", nothing, NONE, told="is taken by another program", starts=False,
         prepare=takes_port),
]  # fmt: skip
METER = [
    *(Case("meter", moment, "unplugged", sends("simulator"), says=LOST) for moment in (*MEASURED, "between")),
    *(
        Case("meter", moment, "mute", sends("simulator", STOP), says=LOST,
             heal=sends("simulator", CONT), within_s=40)
        for moment in (*MEASURED, "between")
    ),
    Case("meter", "testing", "mute-1.5s", pauses("simulator", 1.5), WHOLE, goes_on=True),
    Case("meter", "testing", "replugged", then(sends("simulator"), FaultLab.simulator), says=LOST, within_s=20),
]  # fmt: skip
NETWORK = [
    Case("network", "before", "delay-50ms", network("delay 0.05"), WHOLE, within_s=40),
    *(
        Case("network", moment, "delay-600ms", network("delay 0.6"), says=CLOCK, goes_on=True, within_s=30)
        for moment in ("before", "between", "testing")
    ),
    Case("network", "before", "loss-20%", network("loss 0.2"), WHOLE, within_s=40),
    *(
        Case("network", moment, "partition-3s", network("stall", "flow", pause_s=3), WHOLE, goes_on=True, within_s=20)
        for moment in ("ranging", "between", "testing", "transfer")
    ),
    Case("network", "before", "reset", network("reset"), NONE, says="the director.*(closed|broke)"),
    *(
        Case("network", moment, "reset", network("reset"), WHOLE, says="is back", told="came back", goes_on=True)
        for moment in (*MEASURED, "between")
    ),
    Case("network", "transfer", "reset", network("reset"), WHOLE),
    Case("network", "transfer", "cut-in-a-file", network("cut 3000"), WHOLE),
    Case("network", "testing", "away-1s", network("refuse", "accept", pause_s=1), WHOLE, "is back", goes_on=True),
    *(
        Case("network", moment, "away", network("refuse"), says="could not be made anew", told=NOT_BACK)
        for moment in MEASURED
    ),
    *(
        Case("network", moment, "half-open", network("half"), WHOLE, says="is back", told="came back", goes_on=True)
        for moment in (*MEASURED, "between")
    ),
    Case("network", "transfer", "half-open", network("half"), WHOLE),
    *(
        Case("network", moment, "slow-drip", network("drip 40"), WHOLE, goes_on=True, within_s=40)
        for moment in ("testing", "transfer")
    ),
    *(
        Case("network", moment, "garbage-to-director", network("garbage up"), says="Error")
        for moment in ("between", "testing")
    ),
    *(
        Case("network", moment, "garbage-to-client", network("garbage down"), says="the director")
        for moment in ("between", "testing")
    ),
    Case("network", "transfer", "garbage-to-director", network("garbage up"), FETCH_FAILED, "expected a block"),
    Case("network", "transfer", "garbage-to-client", network("garbage down"), FETCH_FAILED, "expected a block|SHA-1"),
]  # fmt: skip
DISK = [
    *(
        Case("disk", moment, "director-full", fills("store"), ("aborted", "aborted"), NO_ROOM, "No space left",
             prepare=on("store"), heal=renews_director, within_s=30)
        for moment in (*MEASURED, "between")
    ),
    Case("disk", "transfer", "director-full", fills("store"), WHOLE, prepare=on("store"), heal=makes_room),
    Case("disk", "before", "director-small", nothing, NONE, says="MiB free", prepare=on("store", 10),
         heal=lambda lab: unmount(lab.store)),
    Case("disk", "before", "director-read-only", nothing, NONE, told="cannot be written", starts=False,
         prepare=on("store", 10, ",ro")),
    *(
        Case("disk", moment, "client-full", fills("out"), ("", "aborted"), NO_ROOM, prepare=on("out", 2),
             goes_on=True)
        for moment in MEASURED
    ),
    Case("disk", "transfer", "client-full", fills("out"), ("", "complete"), NO_ROOM, prepare=on("out", 2)),
    Case("disk", "before", "client-read-only", nothing, ("", "aborted"), "Read-only file system",
         prepare=on("out", 2, ",ro")),
    Case("disk", "before", "client-not-permitted", nothing, ("", "aborted"), "Permission denied",
         prepare=not_permitted("client", "out")),
    Case("disk", "before", "director-not-permitted", nothing, NONE, told="cannot be written to", starts=False,
         prepare=not_permitted("director", "store")),
    *(
        Case("disk", moment, "director-quota", limits("director"), says=NO_ROOM, heal=renews_director, within_s=30)
        for moment in MEASURED
    ),
    *(
        Case("disk", moment, "client-quota", limits("client"), ("", "aborted"), "too large|cannot be written",
             goes_on=True)
        for moment in MEASURED
    ),
    Case("disk", "transfer", "client-quota", limits("client"), ("", "complete"), "too large|cannot be written"),
    Case("disk", "testing", "daemon-quota", limits("daemon"), says="daemon of analyzer 1 ended with exit code 1"),
]  # fmt: skip
NOW = {"client": steps("client", 0.0), "director": steps("director", 0.0)}
CLOCKS = [
    Case("clock", "before", "client-off-1h", nothing, NONE, says=CLOCK, prepare=steps("client", 3600)),
    Case("clock", "before", "no-ntp", nothing, NONE, says="NTP|time server", prepare=asks_silent_ntp),
    *(
        Case("clock", moment, f"{whose}-steps{seconds:+g}s", steps(whose, seconds), ends, says, goes_on=True,
             prepare=NOW[whose])
        for whose, moment, seconds, ends, says in (
            ("client", "ranging", 1, BROKEN, CLOCK),
            ("client", "between", 5, BROKEN, CLOCK),
            ("client", "testing", -3600, BROKEN, CLOCK),
            ("client", "testing", 0.1, WHOLE, ""),
            ("client", "transfer", 3600, WHOLE, ""),
            ("director", "ranging", 1, BROKEN, CLOCK),
            ("director", "between", -5, BROKEN, CLOCK),
            ("director", "testing", 3600, BROKEN, CLOCK),
            ("director", "transfer", -3600, WHOLE, ""),
        )
    ),
]  # fmt: skip
CASES = [*CLIENT, *DIRECTOR, *DAEMON, *METER, *NETWORK, *DISK, *CLOCKS]


@pytest.fixture(scope="module")
def may_mount(tmp_path_factory: pytest.TempPathFactory) -> bool:
    folder = tmp_path_factory.mktemp("mount") / "point"
    mounted = mount(folder, "size=1m").returncode == 0
    if mounted:
        unmount(folder)
    return mounted


@pytest.mark.parametrize("case", CASES, ids=str)
def test_fault(case: Case, tmp_path: Path, may_mount: bool) -> None:
    if case.who == "disk" and re.search("full|small|read-only", case.kind) and not may_mount:
        pytest.skip("this user may not mount a file system")
    with FaultLab(tmp_path / "lab") as lab:
        lab.simulator()
        lab.ask_meter(RANGES, answers=False)
        before = lab.ranges()
        case.prepare(lab)
        if not case.starts:
            refuses_to_start(case, lab)
            return
        lab.director()
        states, took_s = run(case, lab)
        assert states == case.ends, lab.told()
        assert took_s < case.within_s
        judge(case, lab)
        if lab.running["simulator"].poll() is None and case.kind not in ("unplugged", "mute", "replugged"):
            assert lab.ranges() == before


def refuses_to_start(case: Case, lab: FaultLab) -> None:
    begun_s = time.monotonic()
    with pytest.raises(SystemExit):
        lab.director()
    assert lab.running["director"].wait(5) == 2
    assert time.monotonic() - begun_s < case.within_s
    said = lab.said("director")
    assert re.search(case.told, said), said
    assert "try:" in said
    assert "Traceback" not in said


def run(case: Case, lab: FaultLab) -> tuple[tuple[str, str], float]:
    """Run the session; get the states that client and director left, and how long that took after the fault."""
    if case.moment == "before" and case.act is nothing:
        lab.client(lab.port)
    else:
        lab.begin(case.moment)
    broken_s = time.monotonic()
    case.act(lab)
    if case.goes_on or case.moment in HELD_AT:
        lab.go_on(case.moment)
    code = lab.client_ends()
    took_s = time.monotonic() - broken_s
    assert (code == 0) == (case.ends[0] == "complete"), lab.told()
    if lab.running["simulator"].poll() is not None:
        lab.simulator()
    case.heal(lab)
    if lab.running["director"].poll() is not None:
        lab.director()
    broken_s += time.monotonic() - broken_s - took_s
    closed = lab.closed()
    return (word(lab.kept()), word(closed)), time.monotonic() - broken_s


def word(state: State | None) -> str:
    return state.state if state else ""


def judge(case: Case, lab: FaultLab) -> None:
    client, director = lab.said("client"), lab.said("director")
    assert "Traceback" not in client + director
    assert re.search(case.says, client), lab.told()
    assert re.search(case.told, director), lab.told()
    assert not lab.leftovers()
    for session in lab.sessions():
        assert read_journal(session / DIRECTOR_JOURNAL).is_whole or case.who == "disk"
    for session in lab.out.glob("20*"):
        if case.ends[0]:
            holds_what_it_says(session, lab, whole=case.ends[0] == "complete")
    assert lab.is_served()


def holds_what_it_says(session: Path, lab: FaultLab, *, whole: bool) -> None:
    assert (session / CLIENT_JSON).exists() == whole
    for name in DOWNLOADS if whole else ():
        assert file_sha1(session / OUR_PLACE.get(name, name)) == file_sha1(lab.store / session.name / name)
    if whole:
        assert len((session / "run_1/spl.txt").read_text().splitlines()) >= 1
