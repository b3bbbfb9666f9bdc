"""The table of faults: what breaks, at which moment, and what must come of it."""

from dataclasses import dataclass

from bench.fault_lab import FaultLab
from bench.fault_parts import unmount
from bench.fault_rig import GRACE_S
from tests.faults.acts import (
    CONT,
    INT,
    STOP,
    TERM,
    Act,
    asks_silent_ntp,
    comes_with_another_key,
    disk_fails,
    disk_is_renewed,
    fills,
    gives_permissions,
    has_another_key,
    is_revoked,
    limits,
    makes_room,
    network,
    next_client_waits,
    no_daemon,
    not_permitted,
    nothing,
    on,
    on_failing_disk,
    options,
    pauses,
    renews_director,
    second_client_comes,
    sends,
    sigterm_twice,
    steps,
    takes_permissions,
    takes_port,
    then,
    time_is_lost,
    transfer_begins,
    while_away,
    without_override,
)

WHOLE, BROKEN, NONE, FETCH_FAILED = ("complete",) * 2, ("aborted",) * 2, ("", ""), ("aborted", "complete")


@dataclass(frozen=True)
class Case:
    """What breaks, when, and what must come of it.

    Attributes:
        who, moment, kind: the three of its name.
        act: breaks it.
        ends: the states of the client's and the director's session; "" for none.
        says, told: what the client and the director must have said.
        within_s: how long it may take until the client has ended and the session is closed, on a machine that does
            nothing else.
        prepare: is done before anything starts.
        goes_on: whether the workload is let go on after it.
        heal: is done once the client has ended, before the rest is looked at.
        starts: whether the director starts at all.
        noted: what the client's record of the clocks must say.
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
    noted: str = ""

    def __str__(self) -> str:
        return f"{self.who}-{self.moment}-{self.kind}"


MEASURED = ("ranging", "testing")
NOT_BACK = rf"did not come back within {GRACE_S:g} s"
CLOCK = r"the director's clock minus this machine's is|time difference|clock"
NO_ROOM = r"No space left|cannot be written|ended the session"
LOST = r"[Tt]he instrument is lost"

CLIENT = [
    Case("client", "before", "kill", sends("client"), ("", "aborted"), told="closed unexpectedly"),
    *(Case("client", moment, "kill", sends("client"), ("", "aborted"), told=NOT_BACK) for moment in MEASURED),
    Case("client", "between", "kill", sends("client"), ("", "aborted"), told="closed the connection"),
    Case("client", "between", "killed-and-another-comes", then(sends("client"), network("reset"), next_client_waits),
         ("", "aborted"), told=NOT_BACK),
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
    Case("client", "testing", "workload-hangs", nothing, says="did not end within its time limit of 9 s",
         prepare=options("--time-limit", "9"), within_s=20),
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
    Case("director", "closing", "kill", sends("director"), says="could not be made anew", told="left open by a dir"),
    Case("director", "transfer", "kill-and-start", then(sends("director"), FaultLab.director_again), FETCH_FAILED,
         says="the director"),
    *(
        Case("director", moment, "sigterm", sends("director", TERM), says="the director was stopped|closed the conn",
             heal=FaultLab.director_again)
        for moment in ("between", "testing")
    ),
    Case("director", "testing", "ctrl-c", sends("director", INT), says="the director was stopped",
         heal=FaultLab.director_again),
    Case("director", "testing", "sigterm-twice", sigterm_twice,
         told="ended at once by a second SIGTERM", heal=FaultLab.director_again),
    *(
        Case("director", moment, "stopped-3s", pauses("director", 3), WHOLE, goes_on=True, within_s=20)
        for moment in ("ranging", "testing", "transfer")
    ),
    Case("director", "before", "hangs", sends("director", STOP), ("", "aborted"), says="sent no line within 10 s",
         told="the client ended the session", heal=sends("director", CONT), within_s=15),
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
    Case("disk", "closing", "director-full", fills("store"), says="No space left", told="No space left",
         prepare=on("store"), heal=renews_director, within_s=30),
    Case("disk", "closing", "director-quota", limits("director"), says="too large", heal=renews_director,
         within_s=30),
    *(
        Case("disk", moment, "director-fails", disk_fails, says="Read-only file system|ended the session",
             told="Read-only file system", prepare=on_failing_disk("store"), heal=disk_is_renewed, within_s=30)
        for moment in (*MEASURED, "between", "closing")
    ),
    Case("disk", "testing", "client-fails", disk_fails, ("", "aborted"), "Read-only file system", goes_on=True,
         prepare=on_failing_disk("out")),
    *(
        Case("disk", moment, "director-permissions", takes_permissions("store"), says="ended the session|exception",
             told="Permission denied", prepare=without_override("director"), goes_on=True, within_s=30,
             heal=then(gives_permissions("store"), renews_director))
        for moment in ("between", "testing")
    ),
    Case("disk", "testing", "client-permissions", takes_permissions("out"), ("", "aborted"), "Permission denied",
         prepare=without_override("client"), goes_on=True),
    Case("disk", "testing", "daemon-quota", limits("daemon"), says="daemon of analyzer 1 ended with exit code 1"),
]  # fmt: skip
NOW = {"client": steps("client", 0.0), "director": steps("director", 0.0)}
CLOCKS = [
    Case("clock", "before", "client-off-1h", nothing, NONE, says=CLOCK, prepare=steps("client", 3600)),
    Case("clock", "before", "no-ntp", nothing, NONE, says="NTP|time server", prepare=asks_silent_ntp),
    Case("clock", "ranging", "ntp-lost", time_is_lost, WHOLE, says="before testing: the NTP server .* goes on",
         prepare=FaultLab.time_server, goes_on=True, within_s=20, noted="cannot be reached"),
    Case("clock", "ranging", "ntp-lost-and-steps", then(time_is_lost, steps("client", 1)), says=CLOCK, goes_on=True,
         prepare=then(FaultLab.time_server, NOW["client"])),
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
ENCRYPTED = [
    Case("tls", "testing", "reset", network("reset"), WHOLE, says="is back", told="came back", goes_on=True,
         prepare=FaultLab.encrypt),
    *(
        Case("tls", "testing", f"garbage-to-{whom}", network(f"garbage {way}"), WHOLE, "is back", "came back",
             prepare=FaultLab.encrypt, goes_on=True)
        for way, whom in (("up", "director"), ("down", "client"))
    ),
    Case("tls", "testing", "killed-in-transfer", then(transfer_begins, sends("client")), ("", "complete"),
         prepare=FaultLab.encrypt, within_s=60),
    Case("tls", "testing", "client-of-another-key", while_away(comes_with_another_key), says="busy, session",
         told=NOT_BACK, prepare=FaultLab.encrypt),
    Case("tls", "testing", "client-revoked", while_away(is_revoked), says="has revoked this machine's key",
         told="was revoked here", prepare=FaultLab.encrypt),
    Case("tls", "testing", "director-of-another-key", while_away(has_another_key), says="is not trusted here",
         told=NOT_BACK, prepare=FaultLab.encrypt),
]  # fmt: skip
CASES = [*CLIENT, *DIRECTOR, *DAEMON, *METER, *NETWORK, *DISK, *CLOCKS, *ENCRYPTED]
