"""`wattrig doctor`: each check against a machine made for it, and the whole of it against this one."""

import contextlib
import datetime
import errno
import json
import os
import select
import socket
import stat
import subprocess
import sys
import termios
import threading
import time
import tomllib
import tty
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from analyzers import place
from analyzers.drivers import dialogue
from analyzers.preflight import Line, State
from analyzers.scan import Candidate
from console.health import machine, peers, ports, software
from console.main import main
from console.patience import said_if_slow
from director.station import DirectorConfig, Station
from evidence.clock_record import Burst
from metrology.clock import Exchange
from metrology.errors import ConfigError
from rules.rulebook import all_rounds
from sut_client import connection
from sut_client.linux_facts import Linux
from sut_client.ntp import Tracking
from wire.identity import make_identity
from wire.keys import KeyFolder
from wire.protocol import MAGIC_SERVER

WATTRIG = str(Path(sys.executable).with_name("wattrig"))
STATION = (
    '[director]\nlisten = "{listen}"\nstore = "store"\n{more}'
    '[[analyzer]]\ndevice_type = 0\ndevice_port = "none"\nnetwork_port = 0\n'
)


def doctor(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *arguments], catch_exceptions=False)


def states(done: Result) -> dict[str, str]:
    found = json.loads(done.stdout)
    return {line["name"]: line["state"] for check in found["checks"] for line in check["lines"]}


def station(folder: Path, listen: str = "127.0.0.1:0", more: str = "") -> str:
    path = folder / "station.toml"
    path.write_text(STATION.format(listen=listen, more=more))
    return str(path)


def test_text_and_document_say_the_same_and_only_a_problem_fails(tmp_path: Path) -> None:
    told = doctor("-c", station(tmp_path), "--format", "json")
    document = json.loads(told.stdout)
    assert (document["schema"], told.exit_code) == (1, int(document["state"] == "problem"))
    assert [check["about"] for check in document["checks"]] == [
        "software", "clock", "disk and processors", "keys", "PTDaemon", "ports", "meters", "addresses",
    ]  # fmt: skip
    text = doctor("-c", station(tmp_path)).stdout
    for name, state in states(told).items():
        assert f"  {state:<8} {name}: " in text
    assert states(told)["analyzer 1"] == "warning"
    assert states(told)["director's address"] == "ok"


def test_every_warning_and_problem_has_a_remedy() -> None:
    document = json.loads(doctor("--round", "v3.0", "--format", "json").stdout)
    lines = [line for check in document["checks"] for line in check["lines"]]
    assert all(line["remedy"] for line in lines if line["state"] != "ok"), lines


def test_quiet_tells_what_is_not_well_alone(tmp_path: Path) -> None:
    done = doctor("-c", station(tmp_path), "--round", "v5.1", "-q")
    assert done.exit_code == 1
    assert "problem  LoadGen: " in done.stdout
    assert "  ok " not in done.stdout
    assert "software" not in done.stdout.splitlines()


def test_the_light_installation_of_a_measured_machine_is_enough() -> None:
    script = (
        "import sys\nfor name in ('serial', 'pyvisa', 'pyvisa_py', 'numpy', 'cryptography', 'mlperf_loadgen',\n"
        "    'jinja2', 'starlette', 'securesystemslib'):\n    sys.modules[name] = None\n"
        "import importlib.util, importlib.metadata as metadata\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name: None if sys.modules.get(name, 0) is None else find(name)\n"
        "version = metadata.version\n"
        "def absent(name):\n    if name in ('pyserial', 'numpy', 'cryptography'):\n"
        "        raise metadata.PackageNotFoundError(name)\n    return version(name)\n"
        "metadata.version = absent\n"
        "from console.main import main\nsys.argv = ['wattrig', 'doctor']\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "extra director: not installed: pyserial; if you need it: pip install 'wattrig[director]'" in done.stdout
    assert "meters" not in done.stdout.splitlines()


def test_an_unknown_round_and_a_broken_station_file_end_the_tool(tmp_path: Path) -> None:
    for arguments in (["--round", "v0.1"], ["-c", str(tmp_path / "none.toml")], ["--peer", "host:0x"]):
        done = subprocess.run([WATTRIG, "doctor", *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr


def test_what_takes_long_says_so_and_what_does_not_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    with said_if_slow("at once"):
        pass
    with said_if_slow("slowly", after_s=0.0):
        deadline_s = time.monotonic() + 5
        while "slowly" not in (told := capfd.readouterr().err) and time.monotonic() < deadline_s:
            time.sleep(0.01)
    assert told == "slowly\n"


# Software


def test_python_must_be_new_enough_and_should_be_of_its_own() -> None:
    assert software.python_line((3, 10, 4)).state is State.PROBLEM
    assert software.python_line((3, 12, 0), prefixed=False).state is State.WARNING
    assert software.python_line((3, 12, 0), prefixed=True).state is State.OK


def test_requirements_are_read_and_those_of_developers_left_out() -> None:
    texts = ["click>=8.1", 'pyvisa-py>=0.8; extra == "director"', 'ruff>=0.14; extra == "dev"', "odd ~= 1; x"]
    assert list(software.requirements(texts)) == [("click", (8, 1), ""), ("pyvisa-py", (0, 8), "director")]
    assert software.numbers("6.0.17rc1") == (6, 0, 17)
    assert software.numbers("none") == ()


def test_an_extra_that_is_missing_is_a_problem_where_it_is_needed() -> None:
    found = list(software.requirements(["click>=8", 'pyserial>=3; extra == "director"']))
    for needed, state in ((frozenset({"director"}), State.PROBLEM), (frozenset[str](), State.OK)):
        *_, line = software.extras_lines(found, {"click": "8.1", "pyserial": None}, needed)
        assert (line.name, line.state) == ("extra director", state)
        assert "pip install 'wattrig[director]'" in line.found + line.remedy


@pytest.mark.parametrize(
    ("version", "name", "state"),
    [
        ("6.0.17", "v6.1", State.OK),
        ("5.1.0", "v5.1", State.OK),
        ("5.10.0", "v5.1", State.PROBLEM),
        ("6.0.17", "v5.1", State.PROBLEM),
        ("6.0.17", "v1.0", State.WARNING),
        (None, "v5.1", State.WARNING),
        (None, None, State.OK),
        ("6.0.17", None, State.OK),
    ],
)
def test_loadgen_must_be_of_the_round(version: str | None, name: str | None, state: State) -> None:
    line = software.loadgen_line(version, software.round_of(name))
    assert line.state is state, line
    if state is State.PROBLEM:
        assert line.remedy == "pip install 'mlcommons-loadgen==5.1.*'"


def program(folder: Path, text: str) -> Path:
    path = folder / "ptd-linux-x86"
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("says", "name", "state"),
    [
        ("PTDaemon v1.11.1-69286632-20240907", "v6.1", State.OK),
        ("PTDaemon v1.11.1-69286632-20240907", "v3.0", State.PROBLEM),
        ("nothing of a version", "v6.1", State.WARNING),
        ("PTDaemon v1.11.1", None, State.OK),
    ],
)
def test_specs_program_is_found_and_its_version_judged(
    tmp_path: Path, says: str, name: str | None, state: State
) -> None:
    path = program(tmp_path, f"#!/bin/sh\necho '{says}'\n")
    line = software.ptdaemon_line(str(path), software.round_of(name))
    assert (line.state, str(path) in line.found) == (state, True), line


def test_a_known_build_is_told_by_its_bytes_without_running_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = program(tmp_path, f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    monkeypatch.setattr(software, "builds", lambda: {zlib.crc32(path.read_bytes()): "1.11.1-69286632-20240907"})
    monkeypatch.setenv("PATH", str(tmp_path))
    assert software.spec_program() == (path, "1.11.1-69286632-20240907")
    assert not (tmp_path / "ran").exists()


def test_the_builds_are_those_of_the_rounds() -> None:
    assert software.builds()[0x69286632] == "1.11.1-69286632-20240907"
    assert len(software.builds()) == len({build for each in all_rounds().values() for build in each.ptdaemon.builds})


def test_a_program_that_is_not_there_is_a_problem_only_where_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert software.ptdaemon_line(str(tmp_path / "none"), None).state is State.PROBLEM
    monkeypatch.setenv("PATH", str(tmp_path))
    assert software.ptdaemon_line(None, None).state is State.OK
    assert software.ptdaemon_line(None, software.round_of("v6.1")).state is State.WARNING


# The machine


def linux(root: Path, **files: str) -> Linux:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Linux(root)


UNKEPT = Line("clock", State.WARNING, "not synchronized to a time server", "start something")
KEPT = Line("clock", State.OK, "synchronized")


def test_the_clocks_keeper_is_named_with_the_command_that_asks_it(tmp_path: Path) -> None:
    (none,) = machine.clock_lines(linux(tmp_path / "a", proc__1__comm="init"), UNKEPT)
    assert none.remedy == "sudo apt install chrony"
    found = linux(tmp_path / "b", proc__7__comm="systemd-timesyn\n")
    clock, service = machine.clock_lines(found, UNKEPT)
    assert (clock.remedy, service.state) == ("timedatectl timesync-status", State.OK)


def test_two_keepers_of_one_clock_are_a_warning(tmp_path: Path) -> None:
    found = linux(tmp_path, proc__7__comm="chronyd", proc__8__comm="systemd-timesyn")
    lines = list(machine.clock_lines(found, KEPT, Tracking(True, 0.2, 3)))
    assert [line.state for line in lines] == [State.OK, State.WARNING, State.OK]
    assert "chrony" in lines[1].found


@pytest.mark.parametrize(
    ("tracking", "state"),
    [
        (Tracking(True, 399.0, 2), State.OK),
        (Tracking(True, -401.0, 2), State.PROBLEM),
        (Tracking(False, 0.0, 0), State.WARNING),
    ],
)
def test_what_chrony_says_is_judged(tmp_path: Path, tracking: Tracking, state: State) -> None:
    *_, line = machine.clock_lines(linux(tmp_path, proc__7__comm="chronyd"), KEPT, tracking)
    assert (line.name, line.state) == ("chrony", state)


@pytest.mark.parametrize(
    ("governors", "state"),
    [
        ([], State.OK),
        (["performance", "performance"], State.OK),
        (["powersave", "powersave"], State.WARNING),
        (["performance", "powersave"], State.WARNING),
    ],
)
def test_the_governor_is_told(tmp_path: Path, governors: list[str], state: State) -> None:
    for number, name in enumerate(governors):
        linux(tmp_path, **{f"sys__devices__system__cpu__cpu{number}__cpufreq__scaling_governor": name})
    line = machine.governor_line(Linux(tmp_path))
    assert line.state is state
    assert all(name in line.found for name in governors)


@pytest.mark.parametrize(("worst_s", "state"), [(0.05, State.OK), (0.5, State.WARNING), (1.5, State.PROBLEM)])
def test_a_slow_disk_is_told(worst_s: float, state: State) -> None:
    assert machine.sync_line([0.001, worst_s, 0.001]).state is state


def test_a_store_that_does_not_last_or_is_full_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = f"/dev/sda / ext4 rw 0 0\nnone {tmp_path} tmpfs rw 0 0\n"
    found = list(machine.store_lines(tmp_path / "not/yet/there", linux(tmp_path / "root", proc__mounts=mounts)))
    assert [line.name for line in found] == ["store", "file system", "disk"]
    assert "tmpfs" in found[1].found
    assert not (tmp_path / "not").exists()
    monkeypatch.setattr(machine, "LEAST_FREE_BYTES", 1 << 80)
    assert next(iter(machine.store_lines(tmp_path, Linux()))).state is State.PROBLEM


def test_a_store_that_cannot_be_written_to_is_a_problem_with_its_own_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    (no_folder,) = machine.store_lines(file / "store", Linux())
    assert (no_folder.state, no_folder.remedy) == (State.PROBLEM, "set another 'store'")
    monkeypatch.setattr(os, "access", lambda *_: False)
    (no_right,) = machine.store_lines(tmp_path / "store", Linux())
    assert no_right.remedy.startswith('sudo chown "$USER" ')


def test_a_file_system_mounted_for_reading_alone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flags = os.statvfs(tmp_path).f_flag | os.ST_RDONLY
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=flags))
    (line,) = machine.store_lines(tmp_path / "store", Linux())
    assert line.state is State.PROBLEM
    assert "mounted for reading alone" in line.found
    assert line.remedy.startswith(f"findmnt -T {tmp_path};")


# Ports and meters


@pytest.mark.parametrize(
    ("name", "allowed", "members", "mode", "remedy"),
    [
        ("ttyUSB0", True, [], 0o660, ""),
        ("ttyUSB0", False, [], 0o660, "sudo usermod -aG dialout me    then log out and in"),
        ("ttyUSB0", False, ["me"], 0o660, "newgrp dialout    or log out and in"),
        ("usbtmc0", False, [], 0o600, ports.UDEV),
    ],
)
def test_rights_to_a_port_and_what_gives_them(
    name: str, allowed: bool, members: list[str], mode: int, remedy: str
) -> None:
    line = ports.rights_line(
        Path("/dev") / name, allowed=allowed, user="me", members=members, group="dialout", mode=stat.S_IFCHR | mode
    )
    assert (line.state, line.remedy) == (State.OK if allowed else State.PROBLEM, remedy)


def test_ports_are_listed_and_none_is_no_problem(tmp_path: Path) -> None:
    (line,) = ports.port_lines(linux(tmp_path), [Candidate("/dev/null", "serial", "a port")])
    assert (line.name, line.state) == ("/dev/null", State.OK)
    (none,) = ports.port_lines(linux(tmp_path), [])
    assert none.state is State.OK


def test_a_program_that_takes_meters_for_modems_is_told_where_there_are_ports(tmp_path: Path) -> None:
    found = linux(tmp_path, proc__9__comm="ModemManager\n")
    _, line = ports.port_lines(found, [Candidate("/dev/null", "serial", "a port")])
    assert (line.name, line.state) == ("ModemManager", State.WARNING)
    assert [line.name for line in ports.port_lines(found, [])] == ["ports"]


def test_an_address_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        for listen, state in (
            (f"127.0.0.1:{taken.getsockname()[1]}", State.WARNING),
            ("192.0.2.1:4950", State.PROBLEM),
            ("127.0.0.1:0", State.OK),
        ):
            assert ports.listen_line(DirectorConfig(listen=listen, store=tmp_path)).state is state


@pytest.mark.parametrize(
    ("files", "remedies"),
    [
        ({"etc__ufw__ufw.conf": "# x\nENABLED=yes\nLOGLEVEL=low\n"}, ["sudo ufw allow 4950/tcp"]),
        ({"etc__ufw__ufw.conf": "ENABLED=no\n"}, []),
        (
            {"proc__8__comm": "firewalld\n"},
            ["sudo firewall-cmd --add-port=4950/tcp    and again with --permanent"],
        ),
        ({}, []),
    ],
)
def test_a_firewall_that_is_on_is_named_where_others_are_to_connect(
    tmp_path: Path, files: dict[str, str], remedies: list[str]
) -> None:
    assert [line.remedy for line in ports.firewall_lines(4950, linux(tmp_path, **files))] == remedies
    here = Station.model_validate(tomllib.loads(STATION.format(listen="127.0.0.1:0", more="")))
    assert [line.name for line in ports.listening_lines(here, linux(tmp_path))] == ["director's address"]


def test_a_meter_is_asked_who_it_is_and_a_port_without_one_is_a_problem(tmp_path: Path) -> None:
    link = tmp_path / "wt"
    command = [WATTRIG, "simulate", "wt310e", "--pty", str(link), "--baud", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as meter:
        assert meter.stdout is not None
        meter.stdout.readline()
        path = tmp_path / "station.toml"
        path.write_text(
            '[director]\nlisten = "127.0.0.1:0"\nstore = "store"\n'
            f'[[analyzer]]\ndevice_type = 49\ndevice_port = "{link}"\nname = "left"\n'
            f'[[analyzer]]\ndevice_type = 49\ndevice_port = "{tmp_path}/none"\n'
        )
        done = doctor("-c", str(path), "--format", "json")
        with link.open("rb+", buffering=0) as port, subprocess.Popen(["sleep", "60"], stdin=port) as holder:
            held = subprocess.run([WATTRIG, "doctor", "-c", path], capture_output=True, text=True, check=False)
            holder.terminate()
        meter.terminate()
    assert done.exit_code == 1
    assert {name: state for name, state in states(done).items() if name.startswith("analyzer")} == {
        "analyzer 1, left": "warning",
        "analyzer 2": "problem",
    }
    assert "WT310E, serial number SIMULATED" in done.stdout
    assert "problem  analyzer 1, left: " in held.stdout
    assert "is in use by process" in held.stdout


@contextlib.contextmanager
def meter_at(baud: int) -> Iterator[str]:
    """A meter on a serial line that hears nothing at another speed."""
    master, slave = os.openpty()
    ended = threading.Event()

    def answer() -> None:
        while not ended.is_set():
            came = select.select([master], [], [], 0.05)[0] and os.read(master, 1024)
            if came and b"*IDN?" in came and termios.tcgetattr(master)[5] == baud:
                os.write(master, b"YOKOGAWA,WT310E,C2PH13047V,F1.04\r\n")

    tty.setraw(slave)
    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        ended.set()
        thread.join()
        os.close(master)
        os.close(slave)


def test_a_meter_at_another_speed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialogue, "ANSWER_S", 0.3)
    monkeypatch.setattr(ports, "holders", lambda _: [])
    monkeypatch.setattr(place, "holders", lambda _: [])
    with meter_at(termios.B19200) as port:
        here = {"director": {"store": "x"}, "analyzer": [{"device_type": 49, "device_port": port}]}
        (line,) = ports.meter_lines(Station.model_validate(here))
        assert line.found == f"'{port}': the instrument answers at 19200 baud, not at 9600"
        assert line.remedy == "set baud = 19200 in its [[analyzer]], or change it in its menu"
        here["analyzer"] = [{"device_type": 49, "device_port": port, "baud": 19200}]
        (line,) = ports.meter_lines(Station.model_validate(here))
        assert line.state is State.OK


def test_a_device_type_that_the_daemon_does_not_know_is_a_problem() -> None:
    here = {"director": {"store": "x"}, "analyzer": [{"device_type": 123, "device_port": "/dev/none"}]}
    (line,) = ports.meter_lines(Station.model_validate(here))
    assert (line.state, line.remedy) == (State.PROBLEM, "wattrig analyzers list")


# The other machine


@pytest.fixture
def clock_server() -> Iterator[Callable[[float, str], int]]:
    """A director as far as its clock: answers the greeting and `time`, off by so many seconds."""
    servers: list[socket.socket] = []

    def start(offset_s: float, greeting: str = MAGIC_SERVER) -> int:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)
        threading.Thread(target=serve, args=(server, offset_s, greeting), daemon=True).start()
        return int(server.getsockname()[1])

    def serve(server: socket.socket, offset_s: float, greeting: str) -> None:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection, connection.makefile("rwb") as lines:
            for line in lines:
                reply = str(time.time() + offset_s) if line.startswith(b"time") else greeting
                lines.write(f"{reply}\r\n".encode())
                lines.flush()

    yield start
    for server in servers:
        server.close()


@pytest.mark.parametrize(("offset_s", "state"), [(0.0, "ok"), (0.6, "problem"), (-0.6, "problem")])
def test_the_offset_to_the_director_is_measured_with_its_uncertainty(
    clock_server: Callable[[float], int], offset_s: float, state: str
) -> None:
    done = doctor("--peer", f"127.0.0.1:{clock_server(offset_s)}", "--format", "json")
    assert states(done)["director"] == "ok"
    assert states(done)["clock offset"] == state
    assert done.exit_code == (state == "problem")
    assert "ms +- 0." in done.stdout


def test_a_peer_that_is_absent_busy_or_no_director_is_a_problem(clock_server: Callable[..., int]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        absent = unused.getsockname()[1]
    for port, remedy in (
        (absent, "start it there"),
        (clock_server(0.0, "Error: busy, session x is measuring"), "wait for its end"),
        (clock_server(0.0, "Error: this director serves encrypted connections alone (TLS 1.3)"), "wattrig keys init"),
        (clock_server(0.0, "SSH-2.0"), "see there what listens"),
    ):
        (line,) = peers.peer_lines(peers.peer_options(f"127.0.0.1:{port}", None, allow_plaintext=False))
        assert line.state is State.PROBLEM
        assert line.remedy.startswith(remedy)


def test_a_director_that_does_not_trust_us_is_told_how_to(tmp_path: Path) -> None:
    ours, theirs = KeyFolder(tmp_path / "ours"), KeyFolder(tmp_path / "theirs")
    for folder in (ours, theirs):
        make_identity(folder, "me", datetime.datetime.now(datetime.UTC))
    path = tmp_path / "station.toml"
    path.write_text(STATION.format(listen="127.0.0.1:0", more=f'keys = "{theirs.path}"\ntls = "required"\n'))
    command = [WATTRIG, "director", "-c", path]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as director:
        assert director.stderr is not None
        ready = next(line for line in director.stderr if "Ready to accept" in line)
        options = peers.peer_options(f"127.0.0.1:{ready.strip().rpartition(':')[2]}", None, allow_plaintext=False)
        options = replace(options, keys=ours.path, tls=True)
        (line,) = peers.peer_lines(options)
        director.terminate()
    assert "does not trust this machine's key" in line.found
    assert line.remedy.startswith("wattrig keys show > sut.pem    and there: wattrig keys trust NAME sut.pem")


@pytest.mark.parametrize(
    ("problem", "remedy"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "start it there: wattrig director -c STATION"),
        (TimeoutError(), "ping sut.lab"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "getent hosts sut.lab"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "ip route get sut.lab"),
    ],
)
def test_why_no_connection_can_be_made_has_its_own_remedy(
    monkeypatch: pytest.MonkeyPatch, problem: OSError, remedy: str
) -> None:
    async def nowhere(*_: object, **__: object) -> None:
        raise problem

    async def found(_: object) -> list[str]:
        return ["192.0.2.9"]

    monkeypatch.setattr(connection, "_resolve", found)
    monkeypatch.setattr("asyncio.open_connection", nowhere)
    (line,) = peers.peer_lines(peers.peer_options("sut.lab", None, allow_plaintext=True))
    assert "cannot connect to the director at sut.lab:4950" in line.found
    assert line.remedy.startswith(remedy)


def test_a_director_of_ours_serves_a_doctor_and_then_a_client(tmp_path: Path) -> None:
    command = [WATTRIG, "director", "-c", station(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as director:
        assert director.stderr is not None
        ready = next(line for line in director.stderr if "Ready to accept" in line)
        port = int(ready.strip().rpartition(":")[2])
        for _ in range(2):
            lines = list(peers.peer_lines(peers.peer_options(f"127.0.0.1:{port}", None, allow_plaintext=False)))
            assert [line.state for line in lines] == [State.OK, State.OK], lines
        director.terminate()
        assert "Traceback" not in director.stderr.read()


def test_an_offset_counts_with_its_uncertainty() -> None:
    near = Burst("x", (Exchange(0, 395_000_000, 2_000_000),))
    far = Burst("x", (Exchange(0, 395_000_000, 20_000_000),))
    assert (peers.offset_line(near).state, peers.offset_line(far).state) == (State.OK, State.OK)
    assert peers.offset_line(Burst("x", (Exchange(0, 405_000_000, 20_000_000),))).state is State.PROBLEM


def test_keys_are_judged(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path / "keys")
    (none,) = peers.key_lines(folder, None, "")
    assert "wattrig keys init" in none.found
    make_identity(folder, "me", datetime.datetime.now(datetime.UTC))
    own, trust = peers.key_lines(folder, None, "")
    assert (own.state, trust.state) == (State.OK, State.WARNING)
    folder.key.chmod(0o644)
    (open_to_others,) = peers.key_lines(folder, None, "")
    assert open_to_others.state is State.PROBLEM
    assert open_to_others.remedy.startswith("chmod")


def test_a_director_open_to_others_without_keys_is_a_problem(tmp_path: Path) -> None:
    keys = f'keys = "{tmp_path}/none"\n'
    done = doctor("-c", station(tmp_path, "0.0.0.0:0", keys), "--format", "json")
    assert states(done)["protection"] == "problem"
    assert "wattrig keys init" in done.stdout
    done = doctor("-c", station(tmp_path, "0.0.0.0:0", f"{keys}allow_plaintext = true\n"), "--format", "json")
    assert "protection" not in states(done)


def test_a_peer_must_be_an_address() -> None:
    with pytest.raises(ConfigError, match="got --peer 'host:99999'"):
        peers.peer_options("host:99999", None, allow_plaintext=False)
