"""`wattrig analyzers` against real simulators on a terminal, a TCP port and VXI-11, and against what is none."""

import contextlib
import csv
import json
import os
import subprocess
import sys
import tomllib
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

WATTRIG = str(Path(sys.executable).with_name("wattrig"))
Start = Callable[..., str]
FAST = ("-B", "115200", "--interval", "100")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a simulated meter; get its port's name."""
    with contextlib.ExitStack() as stack:

        def make(model: str, *options: str) -> str:
            front = options or ("--pty", str(tmp_path / model), "--baud", "0")
            command = [WATTRIG, "simulate", model, *front, "--load", "constant", "--watts", "100"]
            process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            stack.callback(process.kill)
            assert process.stdout is not None
            return process.stdout.readline().partition(": ")[0]

        yield make


def run(*arguments: str, code: int = 0, typed: str = "") -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [WATTRIG, "analyzers", *arguments], capture_output=True, text=True, timeout=60, check=False, input=typed
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_list_tells_every_type_and_what_nobody_has_tried() -> None:
    text = run("list").stdout
    assert "Yokogawa WT310" in text
    assert "(usbtmc): no machine of ours" in text
    assert "not read: 36, 53, 62: three phases as one channel" in " ".join(text.split())
    entries = json.loads(run("list", "--format", "json").stdout)
    wt310 = next(entry for entry in entries if entry["device_type"] == 49)
    assert wt310["verified"] is True
    assert {"name": "gpib", "tried": False} in wt310["interfaces"]
    lmg = next(entry for entry in entries if entry["device_type"] == 9000)
    assert (lmg["verified"], lmg["socket_port"], lmg["baud"]) == (False, 5025, None)


@pytest.mark.parametrize(
    ("model", "front", "types"),
    [
        ("wt310e", (), [49, 549]),
        ("pw3336", ("--tcp", "0"), [58, 59]),
        ("wt500", ("--vxi11", "0"), [35, 48, 535]),
    ],
)
def test_identify_over_each_kind_of_line(start: Start, model: str, front: tuple[str, ...], types: list[int]) -> None:
    port = start(model, *front)
    found = json.loads(run("identify", port, "--format", "json").stdout)
    assert found["device_types"] == types
    assert found["simulated"] is True
    text = run("identify", port, str(types[0])).stdout
    (table,) = tomllib.loads(text.partition("for station.toml:")[2])["analyzer"]
    assert (table["device_type"], table["device_port"]) == (types[0], port)


def test_read_tells_samples_as_text_lines_and_numbers(start: Start) -> None:
    port = start("wt310e")
    text = run("read", port, *FAST, "--count", "20").stdout
    assert "unknown (auto)" in text.splitlines()[-1]
    out = run("read", port, "-t", "49", *FAST, "--count", "3", "--format", "jsonl").stdout
    lines = [json.loads(line) for line in out.splitlines()]
    assert len(lines) == 3
    assert lines[2]["power_w"] == pytest.approx(100, rel=1e-3)
    assert lines[2]["auto"] is True
    assert lines[2]["uncertainty"] is None


def test_read_tells_every_channel_of_several(start: Start) -> None:
    port = start("wt333e")
    out = run("read", port, "-C", "1,3", *FAST, "--count", "20", "--format", "csv").stdout
    rows = list(csv.DictReader(out.splitlines()))
    assert [row["channel"] for row in rows] == ["sum", "1", "2", "3"] * 20
    assert sum(float(row["power_w"]) for row in rows[-3:]) == pytest.approx(float(rows[-4]["power_w"]), rel=1e-3)


def lines_of(*arguments: str, code: int = 0) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run("check", *arguments, "--format", "json", code=code).stdout)
    return found


def test_check_asks_settings_and_reads_once(start: Start) -> None:
    port = start("wt310e")
    analyzer, machine = lines_of(port)
    states = {line["name"]: line["state"] for line in analyzer["lines"]}
    assert [states["identity"], states["synchronization"]] == ["warning"] * 2, "as it is switched on"
    settings = ("crest factor", "update period", "line filter", "averaging", "scaling")
    names = ("firmware", "driver", *settings, "ranges", "reading")
    assert {states[name] for name in names} == {"ok"}
    assert [line["name"] for line in machine["lines"]] == ["clock"]


def test_check_finds_what_was_set_and_leaves_an_integration_alone(start: Start, tmp_path: Path) -> None:
    port = start("wt310e")
    typed = ":INP:CFAC 6\n:FILT:LINE ON\n:SCAL ON\n:INTEG:STAR\n:INTEG:STATE?\n"
    run("record", port, "--guide", "free", "-o", str(tmp_path / "rec"), typed=typed)
    (analyzer, _) = lines_of(port)
    lines = {line["name"]: line for line in analyzer["lines"]}
    for name in ("crest factor", "line filter", "scaling", "integration"):
        assert lines[name]["state"] == "warning"
        assert lines[name]["remedy"]
    assert lines["measuring"]["found"].startswith("not tried")


def test_check_all_of_a_station_tells_a_problem_with_its_exit_code(start: Start, tmp_path: Path) -> None:
    port = start("wt310e")
    station = tmp_path / "station.toml"
    station.write_text(
        f'[director]\nstore = "s"\n[[analyzer]]\nname = "left"\ndevice_type = 49\ndevice_port = "{port}"\n'
        f'[[analyzer]]\ndevice_type = 57\ndevice_port = "{port}"\n'
        f'[[analyzer]]\ndevice_type = 57\ndevice_port = "{tmp_path}/none"\n'
        f'[[analyzer]]\ndevice_type = 49\ndevice_port = "{port}"\nchannel = [3]\n'
        '[[analyzer]]\ndevice_type = 0\ndevice_port = "none"\n'
    )
    left, wrong, missing, channel, dummy, _ = lines_of("-c", str(station), code=1)
    assert left["analyzer"].startswith("1: left")
    assert "problem" not in {line["state"] for line in left["lines"]}
    assert "expected a Hioki PW3335" in wrong["lines"][0]["found"]
    assert "cannot be opened" in missing["lines"][0]["found"]
    assert "got -c 3" in channel["lines"][0]["found"]
    assert "no instrument to check" in dummy["lines"][0]["found"]


def test_an_analyzer_that_a_daemon_uses_is_left_alone_and_the_daemon_named(start: Start) -> None:
    port = start("wt310e")
    command = [str(Path(WATTRIG).with_name("wattrig-ptd")), "-p", "0", "49", port]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stdout is not None
        try:
            while "Waiting for a connection" not in (line := daemon.stdout.readline()):
                assert line, "the daemon ended"
            for tool in ("identify", "read", "record"):
                told = run(tool, port, code=2).stderr
                assert f"in use by process {daemon.pid}" in told
                assert "wattrig-ptd -p 0 49" in told
            (line,) = lines_of(port, code=1)[0]["lines"]
            assert "in use by" in line["found"]
        finally:
            daemon.terminate()


@pytest.mark.parametrize("fault", ["mute", "garbage", "half"])
def test_what_does_not_answer_well_is_one_message(start: Start, tmp_path: Path, fault: str) -> None:
    port = start("wt310e", "--pty", str(tmp_path / "wt"), "--baud", "0", "--fault", f"{fault}@0")
    assert port in run("identify", port, code=2).stderr
    (line,) = lines_of(port, "-t", "49", code=1)[0]["lines"]
    assert (line["name"], line["state"]) == ("connection", "problem")
    assert line["remedy"]


def test_a_line_without_an_instrument_and_a_port_that_is_not_there() -> None:
    master, slave = os.openpty()
    try:
        tty.setraw(slave)
        assert "did not answer within 2 s" in run("identify", os.ttyname(slave), code=2).stderr
    finally:
        os.close(master)
        os.close(slave)
    assert "no connection to an instrument" in run("identify", "127.0.0.1:1", code=2).stderr
    assert "cannot be opened" in run("read", "/dev/no-such-port", "-t", "49", code=2).stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("identify", "/dev/null", "7"), "no driver for device type 7"),
        (("check",), "give PORT, or -c STATION"),
        (("read", "x", "-t", "49", "-C", "2"), "expected the channel"),
        (("scan", "--net", "10.0.0.0/8", "--only-net"), "256 at most"),
        (("record", "127.0.0.1:1", "--guide", "free"), "no connection"),
    ],
)
def test_wrong_options_are_one_message(arguments: tuple[str, ...], message: str) -> None:
    assert message in run(*arguments, code=2).stderr


def test_scan_finds_meters_at_addresses_that_are_named_and_writes_their_tables(start: Start) -> None:
    tcp, vxi11 = start("pw3335", "--tcp", "0"), start("wt310e", "--vxi11", "0")
    core = vxi11.partition(",")[2].partition(":")[0]
    nets = ("--net", tcp, "--net", f"127.0.0.1:{core}", "--only-net")
    quiet = json.loads(run("scan", *nets, "--format", "json").stdout)
    assert [each["port"] for each in quiet] == [tcp, vxi11]
    assert [each["idn"] for each in quiet] == [None, None], "who is there is not asked unasked"
    asked = json.loads(run("scan", *nets, "--identify", "--format", "json").stdout)
    assert [each["device_types"] for each in asked] == [[57, 557], [49, 549]]
    assert tomllib.loads(asked[1]["table"])["analyzer"][0]["device_port"] == vxi11
    assert "[[analyzer]]" in run("scan", *nets, "--identify").stdout


def test_scan_of_nothing_says_so() -> None:
    assert "no port was found" in run("scan", "--only-net", code=1).stdout
