"""A connection that breaks in the middle: a director and a client with a proxy between them that cuts the line."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bench.kills import PHASE_S, WORKLOAD
from compliance.findings import Outcome
from compliance.judge import check_session
from director.events import LogLine, SessionEnded
from director.server import Director
from director.station import load_station
from evidence.envelope import read_envelope
from evidence.journal import read_journal
from evidence.state import read_state
from evidence.statement import STATEMENT, parse_statement
from metrology.errors import PeerError, PeerGoneError, WorkloadError
from sut_client import download, signing
from sut_client.client import run
from sut_client.events import PhaseEnded as ClientPhaseEnded
from sut_client.events import WorkloadStarted
from sut_client.options import Options
from tests.serving import serving
from wire.identity import make_identity
from wire.keys import KeyFolder
from wire.protocol import Lines

FAKE = Path(__file__).parent.parent / "director/fake_ptd.py"


class Proxy:
    """Hands on bytes between client and director, until it is told to cut the line or to let nobody in."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.port = 0
        self.opened = 0
        self.closed = False
        self.limit_bytes: int | None = None
        self._writers: list[asyncio.StreamWriter] = []
        self._pumps: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.closed:
            writer.transport.abort()
            return
        self.opened += 1
        beyond, onward = await asyncio.open_connection(*self.target)
        self._writers += [writer, onward]
        for source, sink in ((reader, onward), (beyond, writer)):
            task = asyncio.create_task(self.pump(source, sink))
            self._pumps.add(task)

    async def pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(1000):
                if self.limit_bytes is not None:
                    self.limit_bytes -= len(data)
                    if self.limit_bytes < 0:
                        self.limit_bytes = None
                        self.cut()
                        return
                sink.write(data)
                await sink.drain()
            sink.close()

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with serving(self.serve) as self.port:
            try:
                yield
            finally:
                self.cut()
                for task in self._pumps:
                    task.cancel()
                await asyncio.gather(*self._pumps, return_exceptions=True)


class Bench:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events: list[Any] = []
        self.ended = asyncio.Event()
        self.also: Callable[[Any], None] = lambda _: None
        self.proxy = Proxy(("", 0))
        (folder / "workload.py").write_text(WORKLOAD.replace(f"time.sleep({PHASE_S})", "time.sleep(0.5)"))
        self.station(60)

    def station(self, grace_s: float, attempts: int = 3) -> None:
        program = self.folder / "fake-ptd"
        program.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{FAKE}' \"$@\"\n")
        program.chmod(0o755)
        (self.folder / "station.toml").write_text(
            '[director]\nlisten = "127.0.0.1:0"\nstore = "store"\n'
            f"[session]\ngrace_s = {grace_s}\ntesting_attempts = {attempts}\n"
            f'[[analyzer]]\nptd = "{program}"\ndevice_type = 49\ndevice_port = "ok"\nnetwork_port = 0\n'
        )

    def options(self, **changes: Any) -> Options:
        given: dict[str, Any] = {
            "address": "127.0.0.1",
            "port": self.proxy.port,
            "workload": f"{sys.executable} -S {self.folder / 'workload.py'} {self.folder / 'logs'}",
            "loadgen_logs": self.folder / "logs",
            "output": self.folder / "out",
        }
        return Options(**{**given, **changes})

    def measure(self, at: Any = None, **changes: Any) -> Path:
        """Run a session; `at` is awaited once the workload of the testing run has begun."""

        def observe(event: Any) -> None:
            self.observe(event)
            if isinstance(event, WorkloadStarted) and event.phase == "testing" and at is not None:
                doing.append(asyncio.ensure_future(at(director)))

        doing: list[asyncio.Future[None]] = []

        async def go() -> Path:
            nonlocal director
            async with (
                asyncio.timeout(40),
                Director(load_station(self.folder / "station.toml"), self.observe) as director,
            ):
                self.proxy = Proxy(director.address)
                async with self.proxy.running():
                    try:
                        return await run(self.options(**changes), observe)
                    finally:
                        await asyncio.gather(*doing)
                        await self.ended.wait()

        director: Any = None
        return asyncio.run(go())

    def observe(self, event: Any) -> None:
        self.events.append(event)
        self.also(event)
        if isinstance(event, SessionEnded):
            self.ended.set()

    def stored(self) -> Path:
        (path,) = self.folder.glob("store/*/wattrig/state.json")
        return path.parent.parent

    def log(self) -> str:
        return "\n".join(event.text for event in self.events if isinstance(event, LogLine))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def kinds(session: Path) -> list[str]:
    return [record["kind"] for record in read_journal(session / "wattrig/director.journal").records]


def messages(session: Path, name: str) -> list[tuple[str, str]]:
    found = json.loads((session / "power" / name).read_text())["messages"]
    return [(each["cmd"], each["reply"]) for each in found if each["cmd"] != "time"]


def test_a_client_that_comes_back_goes_on_measuring(bench: Bench) -> None:
    async def cut(_director: Director) -> None:
        bench.proxy.cut()

    session = bench.measure(cut)
    assert bench.proxy.opened == 2
    assert [kind for kind in kinds(bench.stored()) if kind in ("lost", "returned")] == ["lost", "returned"]
    assert messages(session, "client.json") == messages(session, "server.json")
    assert "The client came back" in (session / "power/server.log").read_text()
    assert "The connection to the director is back" in (session / "power/client.log").read_text()
    secret_lines = [line for line in bench.log().splitlines() if "<secret>" in line]
    assert secret_lines
    state = read_state(session)
    assert state is not None
    assert state.state == "complete"


def test_no_file_and_no_log_holds_the_secret(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "5eccce7" + "0" * 25
    monkeypatch.setattr("director.conversation.new_secret", lambda: secret)
    session = bench.measure()
    for folder in (session, bench.stored()):
        for path in folder.rglob("*"):
            assert path.is_dir() or secret.encode() not in path.read_bytes(), path
    assert secret not in bench.log()


def test_a_client_that_does_not_come_back_is_waited_for_no_longer_than_told(bench: Bench) -> None:
    bench.station(grace_s=0.5)

    async def close_for_good(_director: Director) -> None:
        bench.proxy.closed = True
        bench.proxy.cut()

    with pytest.raises(PeerGoneError, match=r"could not be made anew within 0\.5 s"):
        bench.measure(close_for_good)
    state = read_state(bench.stored())
    assert state is not None
    assert (state.state, state.phase) == ("aborted", "testing")
    assert "did not come back within 0.5 s" in state.reason
    assert (bench.stored() / "wattrig/partial/spl_analyzer_1_testing.txt").read_text().count("_testing\n") >= 1


@pytest.mark.parametrize(
    "line",
    [
        "wattrig,resume,{name},wrong,{heard}",
        "wattrig,resume,*,{secret},{heard}",
        "wattrig,resume,{name},{secret},1",
        "mlcommons/power client v3",
    ],
)
def test_nobody_else_takes_the_session_over(bench: Bench, line: str) -> None:
    told: list[str] = []

    async def intrude(director: Any) -> None:
        owner = director._owner
        reader, writer = await asyncio.open_connection(*director.address)
        heard = len(owner._commands.summary.messages)
        writer.write(line.format(name=owner._session.name, secret=owner.secret, heard=heard).encode() + b"\r\n")
        told.append((await reader.readline()).decode())
        writer.close()

    session = bench.measure(intrude)
    assert told[0].startswith("Error: busy, session")
    assert "returned" not in kinds(bench.stored())
    assert read_state(session)


def test_a_broken_transfer_is_resumed_and_checked(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "RETRY_S", 0.01)

    real = download.fetch
    cuts = []

    async def fetch(link: Any, folder: Path, name: str) -> bool:
        if name == "power/server.log" and not cuts:
            bench.proxy.limit_bytes = 5000
            cuts.append(name)
        return await real(link, folder, name)

    monkeypatch.setattr(download, "fetch", fetch)
    session = bench.measure()
    assert bench.proxy.opened == 2
    assert (session / "power/server.log").read_bytes() == (bench.stored() / "power/server.log").read_bytes()


def test_a_failed_testing_run_is_repeated_with_the_same_ranges(bench: Bench) -> None:
    once = f"if [ $WATTRIG_PHASE = testing ] && mkdir {bench.folder}/failed; then sleep 0.3; exit 7; fi; "
    session = bench.measure(workload=once + bench.options().workload, testing_attempts=2)
    stored = bench.stored()
    said = [cmd for cmd, _ in messages(session, "server.json") if cmd.startswith(("session,", "wattrig,repeat"))]
    assert said[-4:] == [
        f"session,{session.name},start,testing",
        "wattrig,repeat,testing",
        f"session,{session.name},start,testing",
        f"session,{session.name},stop,testing",
    ]
    assert messages(session, "client.json") == messages(session, "server.json")
    record = json.loads((session / "power/server.json").read_text())
    assert [len(stamps) for stamps in record["phases"].values()] == [4, 4]
    words = [message["cmd"].partition(",")[0] for message in record["ptd_messages"]]
    assert (words.count("Go"), words.count("Stop")) == (2, 2)
    first = json.loads((stored / "wattrig/attempt_1/ptd_messages.json").read_text())["ptd_messages"]["1"]
    settings = [message["cmd"] for message in first if message["cmd"].startswith("SR,")]
    assert settings == [message["cmd"] for message in record["ptd_messages"] if message["cmd"].startswith("SR,")][3:5]
    kept = (stored / "wattrig/attempt_1/spl_analyzer_1.txt").read_text().splitlines()
    counted = (stored / "run_1/spl.txt").read_text().splitlines()
    assert kept
    assert not set(kept) & set(counted)
    reason = json.loads((session / "wattrig/attempt_1/attempt.json").read_text())["reason"]
    assert "exit status 7" in reason
    assert (session / "wattrig/attempt_1/workload_testing.log").exists()
    for name in ("spl_analyzer_1.txt", "ptd_messages.json"):
        kept_by_both = (folder / "wattrig/attempt_1" / name for folder in (session, stored))
        assert len({path.read_bytes() for path in kept_by_both}) == 1
    assert not list(stored.glob("wattrig/*differs*"))


def test_the_director_bounds_the_attempts(bench: Bench) -> None:
    bench.station(60, attempts=1)
    fails = "[ $WATTRIG_PHASE = ranging ] || exit 7; "
    with pytest.raises(PeerError, match="no further testing run is allowed"):
        bench.measure(workload=fails + bench.options().workload, testing_attempts=5)
    state = read_state(bench.stored())
    assert state is not None
    assert state.state == "aborted"


def test_without_being_asked_nothing_is_repeated_and_the_director_is_told_at_once(bench: Bench) -> None:
    fails = "[ $WATTRIG_PHASE = ranging ] || exit 7; "
    with pytest.raises(WorkloadError, match="exit status 7"):
        bench.measure(workload=fails + bench.options().workload)
    state = read_state(bench.stored())
    assert state is not None
    assert state.reason.startswith("the client ended the session: the workload of the testing phase ended with exit")
    (session,) = bench.folder.glob("out/*")
    assert not (session / "power/client.json").exists()
    partial = json.loads((session / "wattrig/partial/client.json").read_text())
    assert partial["session_name"] == session.name
    assert len(partial["phases"]["ranging"]) == 4


def test_a_workload_that_hangs_is_ended_by_its_time_limit(bench: Bench) -> None:
    with pytest.raises(WorkloadError, match=r"did not end within its time limit of 0\.5 s"):
        bench.measure(workload="sleep 1000", time_limit_s=0.5)


LOST = {
    "start": ("session,", ",start,testing"),
    "stop": ("session,", ",stop,testing"),
    "done": ("session,", ",done"),
    "time": ("time", ""),
}


@pytest.mark.parametrize("command", LOST)
@pytest.mark.parametrize("lost", ["command", "reply"])
def test_a_line_that_breaks_outside_the_workload_is_made_anew(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, command: str, lost: str
) -> None:
    begin, end = LOST[command]
    broken: list[str] = []
    real = Lines.ask

    async def ask(lines: Lines, line: str, timeout_s: float | None) -> str:
        asked.append(line.partition(",start,ranging")[1])
        if broken or not (line.startswith(begin) and line.endswith(end) and any(asked)):
            return await real(lines, line, timeout_s)
        broken.append(line)
        if lost == "reply":
            await real(lines, line, timeout_s)
        bench.proxy.cut()
        return await (lines.receive(timeout_s) if lost == "reply" else real(lines, line, timeout_s))

    asked: list[str] = []
    monkeypatch.setattr(Lines, "ask", ask)
    monkeypatch.setattr(download, "RETRY_S", 0.01)
    session = bench.measure()
    assert broken
    assert bench.proxy.opened >= 2
    assert messages(session, "client.json") == messages(session, "server.json")
    result = check_session(session)
    assert result is not None
    wrong = {found.code for found in result.findings if found.outcome is Outcome.FAIL}
    assert not {"FIL007", "FIL008", "FIL011"} & wrong
    for folder in (session, bench.stored()):
        state = read_state(folder)
        assert state is not None
        assert state.state == "complete"
    words = [
        m["cmd"].partition(",")[0] for m in json.loads((session / "power/server.json").read_text())["ptd_messages"]
    ]
    assert (words.count("Go"), words.count("Stop")) == (2, 2)


def test_a_client_lost_between_the_phases_is_waited_for_and_then_given_up(bench: Bench) -> None:
    bench.station(grace_s=0.4)

    async def close_for_good() -> None:
        bench.proxy.closed = True
        bench.proxy.cut()

    def observe(event: Any) -> None:
        if isinstance(event, ClientPhaseEnded) and event.phase == "ranging":
            closing.append(asyncio.ensure_future(close_for_good()))

    closing: list[asyncio.Future[None]] = []
    bench.also = observe
    with pytest.raises(PeerGoneError, match=r"could not be made anew within 0\.4 s"):
        bench.measure()
    assert closing
    state = read_state(bench.stored())
    assert state is not None
    assert state.state == "aborted"
    assert "did not come back within 0.4 s" in state.reason


SIGNING = {
    "done, the reply lost": (",done", "reply"),
    "a file": ("wattrig,fetch,", "command"),
    "the signature asked for": ("wattrig,sign,", "command"),
    "the signature promised": ("wattrig,sign,", "reply"),
}


@pytest.mark.parametrize("where", SIGNING)
def test_the_director_signs_over_another_connection_too(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    for name in ("lab", "sut"):
        make_identity(KeyFolder(bench.folder / name), name, datetime.now(UTC))
    text, keys = bench.folder / "station.toml", KeyFolder(bench.folder / "sut")
    text.write_text(text.read_text().replace("[director]", '[director]\nkeys = "lab"'))
    secret = "5eccce7" + "0" * 25
    monkeypatch.setattr("director.conversation.new_secret", lambda: secret)
    part, lost = SIGNING[where]
    broken: list[str] = []
    real_send, real_ask = Lines.send, Lines.ask

    async def send(lines: Lines, line: str) -> None:
        if lost == "command" and part in line and not broken:
            broken.append(line)
            bench.proxy.cut()
        await real_send(lines, line)

    async def ask(lines: Lines, line: str, timeout_s: float | None) -> str:
        reply = await real_ask(lines, line, timeout_s)
        if lost == "reply" and part in line and not broken:
            broken.append(line)
            bench.proxy.cut()
            return await lines.receive(timeout_s)
        return reply

    monkeypatch.setattr(Lines, "send", send)
    monkeypatch.setattr(Lines, "ask", ask)
    for module in (download, signing):
        monkeypatch.setattr(module, "RETRY_S", 0.01)
    session = bench.measure(keys=keys.path)
    assert broken
    assert bench.proxy.opened >= 2
    statement = parse_statement(read_envelope(session / STATEMENT).payload)
    assert statement.signers == {
        "client": keys.own().fingerprint, "director": KeyFolder(bench.folder / "lab").own().fingerprint
    }  # fmt: skip
    assert "[WARNING] the director answered 'cleanup" not in bench.log()
    assert f"wattrig,sign,{session.name},<secret>" in str(bench.events)
    assert secret not in str(bench.events)


def test_a_director_that_is_gone_leaves_the_clients_signature(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = KeyFolder(bench.folder / "sut")
    make_identity(keys, "sut", datetime.now(UTC))
    real = Lines.send

    async def send(lines: Lines, line: str) -> None:
        if line.startswith("wattrig,sign,"):
            bench.proxy.closed = True
            bench.proxy.cut()
        await real(lines, line)

    monkeypatch.setattr(Lines, "send", send)
    monkeypatch.setattr(signing, "RETRY_S", 0.01)
    session = bench.measure(keys=keys.path)
    statement = parse_statement(read_envelope(session / STATEMENT).payload)
    assert statement.signers == {"client": keys.own().fingerprint}
