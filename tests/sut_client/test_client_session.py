import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from evidence.clock_record import read_clock
from evidence.digest import file_sha1
from evidence.state import read_state
from metrology.errors import ConfigError, PeerError, PeerGoneError, SessionError, WorkloadError
from sut_client import link, workload
from sut_client.client import run
from sut_client.events import ClockMeasured, Finished, PhaseEnded, PhaseStarted, SessionNamed, WorkloadStarted
from tests.sut_client import groups

SESSION = "2026-11-22_12-00-00"
TIMES = ["time"] * link.BURST


def measure(bench: Any, **changes: object) -> Path:
    async def go() -> Path:
        async with bench.director.running():
            return await run(bench.options(**changes), bench.events.append)

    return asyncio.run(go())


def phase_commands(phase: str, ranges: str = "") -> list[str]:
    start, stop = f"session,{SESSION},start,{phase}{ranges}", f"session,{SESSION},stop,{phase}"
    return [*TIMES, start, *TIMES, *TIMES, stop, *TIMES]


def downloads(*names: str) -> list[str]:
    return [f"download,{SESSION},{name}" for name in names]


def assert_aborted(bench: Any, phase: str, reason: str) -> None:
    state = read_state(bench.session)
    assert state is not None
    assert (state.state, state.phase) == ("aborted", phase)
    assert reason in state.reason


def test_a_whole_session_in_the_order_of_the_reference(bench: Any) -> None:
    assert measure(bench) == bench.session
    magic, hello, *commands = bench.director.commands
    assert (magic, hello) == ("mlcommons/power client v3", "wattrig,hello,1")
    new = commands.pop(link.BURST)
    client_uuid = json.loads((bench.session / "power/client.json").read_text())["uuid"]["client"]
    assert new == f"new,,{client_uuid}"
    assert commands == [
        *TIMES,
        *phase_commands("ranging"),
        *phase_commands("testing"),
        f"session,{SESSION},done",
        *downloads("power/ptd_logs.txt", "ranging/spl.txt", "power/server.json", "power/server.log"),
        *downloads("run_1/spl.txt", "run_1/ptd_out.txt"),
        f"cleanup,{SESSION}",
    ]
    state = read_state(bench.session)
    assert state is not None
    assert state.state == "complete"


def test_the_folder_holds_what_a_submission_needs_and_ours_apart(bench: Any) -> None:
    measure(bench)
    files = {path.relative_to(bench.session).as_posix() for path in bench.session.rglob("*") if path.is_file()}
    assert {name for name in files if not name.startswith("wattrig/")} == {
        *(f"power/{name}" for name in ("client.json", "client.log", "ptd_logs.txt", "server.json", "server.log")),
        *(f"{folder}/mlperf_log_{kind}.txt" for folder in ("ranging", "run_1") for kind in ("detail", "summary")),
        *("ranging/spl.txt", "run_1/spl.txt"),
    }
    assert {name for name in files if name.startswith("wattrig/")} == {
        f"wattrig/{name}"
        for name in (
            *("ptd_out.txt", "clock.json", "loadgen.json", "state.json", "system.json", "client.journal"),
            "connection.json",
            *("workload_ranging.log", "workload_testing.log"),
        )
    }
    left = bench.folder / "logs/mlperf_log_summary.txt"
    assert (bench.session / "run_1/mlperf_log_summary.txt").read_bytes() == left.read_bytes()
    assert "phase : ranging" in (bench.session / "ranging/mlperf_log_summary.txt").read_text()
    assert (bench.session / "wattrig/workload_testing.log").read_text() == "workload of testing\n"
    phases = json.loads((bench.session / "wattrig/loadgen.json").read_text())["phases"]
    assert phases["testing"]["scenario"] == "Offline"


def test_client_json_is_the_record_of_the_session(bench: Any) -> None:
    measure(bench)
    record = json.loads((bench.session / "power/client.json").read_text())
    assert sorted(record["results"]) == [
        "power/client.log",
        *(f"{folder}/mlperf_log_{kind}.txt" for folder in ("ranging", "run_1") for kind in ("detail", "summary")),
    ]
    assert all(file_sha1(bench.session / name) == digest for name, digest in record["results"].items())
    sent = [message["cmd"] for message in record["messages"]]
    assert sent == bench.director.commands[: len(sent)]
    assert bench.director.commands[len(sent)] == f"session,{SESSION},done"
    for message in record["messages"]:
        assert message["cmd_time"] <= message["reply_time"]
    assert {phase: len(stamps) for phase, stamps in record["phases"].items()} == {"ranging": 4, "testing": 4}
    assert "sut_client/client.py" in record["sources"]


def test_client_log_reads_as_the_references(bench: Any) -> None:
    measure(bench)
    lines = (bench.session / "power/client.log").read_text().splitlines()
    texts = []
    for line in lines:
        match = re.fullmatch(r"client \d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \[(INFO|WARNING|ERROR)\] (.*)", line)
        assert match is not None, line
        texts.append(match[2])
    assert texts[0] == f"Creating output directory '{bench.folder / 'out'}'"
    assert texts[1] == "Sending command to the server: 'mlcommons/power client v3'"
    assert texts[2] == "Got response: 'mlcommons/power server v3'"
    assert f"Session id is '{SESSION}'" in texts
    assert "Running workload in ranging mode" in texts
    assert f"Running the workload {bench.workload()!r}" in texts
    target = bench.session / "run_1"
    assert f"Copying loadgen logs from '{bench.folder / 'logs'}' to '{target}'" in texts
    assert texts[-1] == "Done runs"
    pattern = (
        r"The time difference between the client and the server is within range (-?\d+\.\d{3} ms\.\.)-?\d+\.\d{3} ms"
    )
    assert sum(re.fullmatch(pattern, text) is not None for text in texts) == 9
    (sources,) = [text for text in texts if text.startswith("Sources: ")]
    assert list(json.loads(sources.removeprefix("Sources: "))) == ["sources", "modules"]


def test_the_clocks_are_measured_and_recorded(bench: Any) -> None:
    bench.director.clock_offset_s = 0.2
    measure(bench)
    record = read_clock(bench.session)
    assert record is not None
    assert [burst.where for burst in record.bursts] == [
        "before new",
        *(f"{p} {x}" if p != "before" else f"before {x}" for p, x in [("before", "ranging")]),
        *("ranging started", "ranging ended", "ranging stopped"),
        *("before testing", "testing started", "testing ended", "testing stopped"),
    ]
    assert record.best is not None
    assert record.best.offset_ns / 1e6 == pytest.approx(200, abs=5)
    assert record.best.uncertainty_ns / 1e6 < 20
    written = json.loads((bench.session / "wattrig/clock.json").read_text())
    assert written["offset_ms"] == pytest.approx(200, abs=5)
    assert [state["source"] for state in written["ntp"]] == ["not checked"] * 3


def test_the_events_tell_the_story(bench: Any) -> None:
    measure(bench)
    kinds = (SessionNamed, PhaseStarted, WorkloadStarted, PhaseEnded, Finished)
    story = [type(event) for event in bench.events if isinstance(event, kinds)]
    phase = [PhaseStarted, WorkloadStarted, PhaseEnded]
    assert story == [SessionNamed, *phase, *phase, Finished]
    assert sum(isinstance(event, ClockMeasured) for event in bench.events) == 9


def test_fixed_ranges_need_no_ranging_run(bench: Any) -> None:
    measure(bench, fixed_ranges=(230.0, 4.5), stop_server=True)
    commands = bench.director.commands
    assert commands[2] == "stop"
    assert commands[4 + link.BURST :][: 4 * link.BURST + 2] == phase_commands("testing", ",230.0,4.5")
    assert downloads("ranging/spl.txt")[0] not in commands
    record = json.loads((bench.session / "power/client.json").read_text())
    assert (list(record["phases"]), len(record["results"])) == (["testing"], 3)


def test_without_a_time_stamp_the_session_is_outdir_itself(bench: Any) -> None:
    assert measure(bench, timestamp_path=False) == bench.folder / "out"
    assert (bench.folder / "out/power/client.json").exists()
    with pytest.raises(ConfigError, match="already holds power, ranging, run_1, wattrig"):
        measure(bench, timestamp_path=False)


def test_old_logs_are_removed_only_on_demand(bench: Any) -> None:
    (bench.folder / "logs").mkdir()
    (bench.folder / "logs/old").touch()
    measure(bench, force=True)
    assert not (bench.folder / "logs/old").exists()
    assert "[WARNING] Removing loadgen logs directory" in (bench.session / "power/client.log").read_text()


@pytest.mark.parametrize(
    ("command", "reply", "message", "phase"),
    [
        ("mlcommons", "mlcommons/power server v4", "greeting", None),
        ("stop", "Error", "answered 'stop' with 'Error', expected 'OK'", None),
        ("new", "Error: the analyzer is measuring", "opens no session", None),
        ("new", f"OK {SESSION}", "as its UUID", None),
        ("time", "nan", "as the time", None),
        ("time", "1" * 50, "as the time", None),
        (f"session,{SESSION},start,ranging", "Error: SR refused", "SR refused", "ranging"),
        (f"session,{SESSION},stop,testing", "OK ", "expected 'OK'", "testing"),
        (f"session,{SESSION},start,testing", "wattrig,abort,the meter is gone", "the meter is gone", "testing"),
        (f"session,{SESSION},done", "Error: exception", "Error: exception", ""),
        (f"download,{SESSION},run_1/spl.txt", "Error", "block length", ""),
    ],
)
def test_a_wrong_reply_ends_the_session(
    bench: Any, command: str, reply: str, message: str, phase: str | None
) -> None:
    bench.director.answers[command] = reply
    with pytest.raises(PeerError, match=message):
        measure(bench, stop_server=True)
    if phase is None:
        assert not bench.session.exists()
    else:
        assert_aborted(bench, phase, message)


@pytest.mark.parametrize("name", ["../../evil", "/tmp/evil", "*", "2026-11-22_12-00-00/.."])
def test_a_hostile_session_name_names_no_folder(bench: Any, name: str) -> None:
    bench.director.answers["new"] = f"OK {name},6437f2a0-bca5-4023-95a7-257e7849665a"
    with pytest.raises(PeerError, match="as the session's name"):
        measure(bench)
    assert list((bench.folder / "out").iterdir()) == []


def test_a_silent_director_is_given_up(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def say_nothing() -> None:
        return None

    bench.director.answers["wattrig"] = say_nothing
    monkeypatch.setattr(link.Link.ask, "__defaults__", (0.2,))
    with pytest.raises(PeerGoneError, match=r"no line within 0\.2 s"):
        measure(bench)


def test_nobody_listens(bench: Any) -> None:
    with pytest.raises(PeerGoneError, match=r"cannot connect to the director at 127\.0\.0\.1:1: Connection refused"):
        asyncio.run(run(bench.options(port=1)))


def test_a_file_that_came_changed_is_found_and_the_directors_copy_is_kept(bench: Any) -> None:
    bench.director.digests["run_1/spl.txt"] = "0" * 40
    with pytest.raises(PeerError, match=r"'run_1/spl\.txt' came with SHA-1 .*, expected 0000"):
        measure(bench)
    assert_aborted(bench, "", "came with SHA-1")
    assert f"cleanup,{SESSION}" not in bench.director.commands


def test_a_director_that_wrote_no_ptd_out_is_not_asked_for_it(bench: Any) -> None:
    """The reference's director of v1.1: its server.json does not list the file, and `download` answers `Error`."""
    del bench.director.digests["run_1/ptd_out.txt"]
    bench.director.answers[f"download,{SESSION},run_1/ptd_out.txt"] = "Error"
    assert measure(bench) == bench.session
    state = read_state(bench.session)
    assert state is not None
    assert state.state == "complete"
    assert not (bench.session / "wattrig/ptd_out.txt").exists()


def test_a_ptd_out_that_server_json_lists_must_come(bench: Any) -> None:
    bench.director.answers[f"download,{SESSION},run_1/ptd_out.txt"] = "Error"
    with pytest.raises(PeerError, match="got 'Error' from the director, expected a block length"):
        measure(bench)


def test_a_refused_cleanup_spoils_nothing(bench: Any) -> None:
    bench.director.answers["cleanup"] = "Error"
    assert measure(bench) == bench.session
    state = read_state(bench.session)
    assert state is not None
    assert state.state == "complete"


@pytest.mark.parametrize("offset_s", [0.5, -0.5])
def test_clocks_too_far_apart_stop_everything_before_it_begins(bench: Any, offset_s: float) -> None:
    bench.director.clock_offset_s = offset_s
    with pytest.raises(SessionError, match=r"before new: .* is [+-](49|50)\d\.\d+ ms \(\+-\d") as caught:
        measure(bench)
    assert "chrony" in caught.value.hint
    assert not any(command.startswith("new") for command in bench.director.commands)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["invalid"], r"result_validity is INVALID \(too short\)"),
        (["accuracy"], "the mode is AccuracyOnly"),
        (["error"], r"1 errors \(error_runtime: it broke\)"),
        (["windows"], "2 power windows"),
        (["nowindow"], "no power_begin"),
        (["old"], "expected within"),
        (["two"], "left 2 LoadGen logs"),
        (["summary"], "'Result is : INVALID'"),
    ],
)
def test_a_result_that_does_not_count_stops_before_testing(bench: Any, words: list[str], message: str) -> None:
    with pytest.raises(WorkloadError, match=message):
        measure(bench, workload=bench.workload(*words))
    assert_aborted(bench, "ranging", "LoadGen" if words != ["windows"] else "detail log")
    assert bench.director.commands[-link.BURST - 1] == f"session,{SESSION},stop,ranging"


def test_a_missing_summary_is_named(bench: Any) -> None:
    with pytest.raises(WorkloadError, match="mlperf_log_summary"):
        measure(bench, workload=bench.workload("nosummary"))


def test_no_log_at_all(bench: Any) -> None:
    with pytest.raises(WorkloadError, match=r"there is no mlperf_log_detail\.txt"):
        measure(bench, workload="true")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("echo first; echo out of memory >&2; exit 3", "ended with exit status 3"),
        ("kill -9 $$", "was ended by SIGKILL"),
        ("no-such-program", "exit status 127"),
    ],
)
def test_a_workload_that_fails_is_quoted(bench: Any, command: str, message: str) -> None:
    with pytest.raises(WorkloadError, match=message) as caught:
        measure(bench, workload=command)
    assert "the ranging phase" in caught.value.message
    assert command in caught.value.message
    if "memory" in command:
        assert caught.value.message.endswith("\n  | first\n  | out of memory")
    assert_aborted(bench, "ranging", message)


def break_off(bench: Any, how: Any, command: str = "sleep 60 & sleep 60; wait") -> int:
    """Run a workload that would take a minute and let `how` happen once it runs; get its process group."""

    async def go() -> None:
        async with bench.director.running():
            session = asyncio.ensure_future(run(bench.options(workload=command), bench.events.append))
            while not any(isinstance(event, WorkloadStarted) for event in bench.events):
                await asyncio.sleep(0.01)
                assert not session.done()
            await how(session)
            await asyncio.wait_for(session, 10)

    with pytest.raises((PeerGoneError, asyncio.CancelledError)) as caught:
        asyncio.run(go())
    bench.caught = caught.value
    return next(event.pid for event in bench.events if isinstance(event, WorkloadStarted))


@pytest.mark.parametrize("reason", ["", "the meter fell silent"])
def test_the_workload_ends_with_the_director(bench: Any, reason: str) -> None:
    async def director_ends(_session: Any) -> None:
        if reason:
            bench.director.writer.write(f"wattrig,abort,{reason}\r\n".encode())
        bench.director.writer.close()

    group = break_off(bench, director_ends)
    assert groups.is_gone(group)
    assert "in the ranging phase" in str(bench.caught)
    assert (reason or "the connection was closed") in str(bench.caught)
    assert_aborted(bench, "ranging", reason)


def test_the_workload_ends_with_the_client(bench: Any) -> None:
    async def cancel(session: Any) -> None:
        session.cancel("SIGTERM")

    group = break_off(bench, cancel)
    assert groups.is_gone(group)
    assert_aborted(bench, "ranging", "ended by SIGTERM")


def test_a_workload_that_ignores_sigterm_is_killed(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workload, "GRACE_S", 0.3)
    ready = bench.folder / "ready"
    script = bench.folder / "stubborn.sh"
    script.write_text(f"trap '' TERM\ntouch {ready}\nwhile true; do sleep 60; done\n")

    async def cancel(session: Any) -> None:
        while not ready.exists():  # noqa: ASYNC110 - a file tells nobody that it is there
            await asyncio.sleep(0.02)
        session.cancel()

    group = break_off(bench, cancel, f"sh {script}")
    assert groups.is_gone(group)


def test_a_director_on_another_machine_needs_the_operators_word(bench: Any) -> None:
    options = bench.options(address="192.0.2.1", called_as="wattrig client -a 192.0.2.1")
    with pytest.raises(ConfigError, match=r"192\.0\.2\.1") as caught:
        asyncio.run(run(options))
    assert caught.value.hint.endswith("wattrig client -a 192.0.2.1 --allow-plaintext")
    assert not (bench.folder / "out").exists()


def test_a_session_that_exists_already_is_left_alone(bench: Any) -> None:
    measure(bench)
    before = file_sha1(bench.session / "power/client.json")
    with pytest.raises(SessionError, match="there is a session in"):
        measure(bench)
    assert file_sha1(bench.session / "power/client.json") == before
    assert read_state(bench.session) is not None


def test_an_unwritable_outdir_is_an_error_of_one_line(bench: Any) -> None:
    (bench.folder / "out").write_text("a file")
    with pytest.raises((SessionError, ConfigError)):
        measure(bench)


@pytest.mark.parametrize("step_s", [2.0, -7200.0])
def test_a_clock_that_is_stepped_while_measuring_is_noticed_at_the_end_of_the_phase(
    bench: Any, step_s: float
) -> None:
    async def go() -> None:
        def observe(event: Any) -> None:
            bench.events.append(event)
            if isinstance(event, WorkloadStarted):
                bench.director.clock_offset_s = step_s

        async with bench.director.running():
            await run(bench.options(), observe)

    with pytest.raises(SessionError, match=r"ranging ended: .* minus this machine's is [+-]\d+\.\d+ ms"):
        asyncio.run(go())
    assert_aborted(bench, "ranging", "expected at most 400 ms either way")
