"""`wattrig suggest` and `wattrig init`: a station file for what is plugged in, which a director takes."""

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from analyzers.drivers import driver_for
from analyzers.place import Place
from console.main import main
from console.station_text import Draft, Meter, lasting, station_text
from director.station import load_station

WATTRIG = str(Path(sys.executable).with_name("wattrig"))


@pytest.fixture(scope="module")
def meter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The port of a simulated three-channel meter."""
    link = tmp_path_factory.mktemp("meter") / "wt"
    command = [WATTRIG, "simulate", "wt333e", "--pty", str(link), "--baud", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield str(link)
        process.terminate()


def wattrig(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(main, arguments, input=typed, prog_name="wattrig")


def test_what_is_suggested_is_a_station_and_says_what_each_line_is_for(meter: str, tmp_path: Path) -> None:
    done = wattrig("suggest", "--port", meter)
    assert done.exit_code == 0, done.output
    path = tmp_path / "station.toml"
    path.write_text(done.stdout)
    station = load_station(path)
    assert (station.analyzer[0].device_type, station.analyzer[0].device_port) == (52, meter)
    assert station.analyzer[0].network_port == 0, "the daemon's usual port may be taken"
    assert station.director.is_loopback
    assert "# YOKOGAWA,WT333E,SIMULATED,F1.04" in done.stdout
    assert "77 (several channels, with channel)" in done.stdout


def test_where_no_meter_answers_nothing_is_suggested(tmp_path: Path) -> None:
    done = wattrig("suggest", "--port", str(tmp_path / "none"))
    assert (done.exit_code, done.stdout) == (1, "")
    assert "cannot be opened" in done.stderr
    quiet = wattrig("suggest", "-q", "--port", str(tmp_path / "none"))
    assert quiet.stderr == "no meter answers; is it on, and the cable the right one? see wattrig doctor\n"


def test_init_without_questions_takes_what_is_there_and_never_overwrites(meter: str, tmp_path: Path) -> None:
    path = tmp_path / "lab.toml"
    done = wattrig("init", str(path), "--yes", "--port", meter)
    assert done.exit_code == 0, done.output
    assert f"next: wattrig doctor -c {path}" in done.output
    before = path.read_text()
    assert load_station(path).analyzer[0].device_port == meter
    again = subprocess.run(
        [WATTRIG, "init", path, "--yes", "--port", meter], capture_output=True, text=True, check=False
    )
    assert again.returncode == 2
    assert "is there already" in again.stderr
    assert path.read_text() == before


def test_init_asks_and_writes_what_was_answered(meter: str, tmp_path: Path) -> None:
    path = tmp_path / "station.toml"
    answers = "y\nleft rack\nkept here\ny\n0.0.0.0:4951\n/opt/ptd\n"
    done = wattrig("init", str(path), "--port", meter, typed=answers)
    assert done.exit_code == 0, done.output
    station = load_station(path)
    assert (station.analyzer[0].name, station.analyzer[0].ptd) == ("left rack", "/opt/ptd")
    assert station.director.store == tmp_path / "kept here"
    assert station.director.listen == "0.0.0.0:4951"


def test_init_lets_a_meter_be_described_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "station.toml"
    answers = "192.168.1.20:3300\n57\n\nn\n\n"
    done = wattrig("init", str(path), "--port", str(tmp_path / "none"), typed=answers)
    assert done.exit_code == 0, done.output
    station = load_station(path)
    assert (station.analyzer[0].device_type, station.analyzer[0].interface_flag) == (57, "-n")


@pytest.mark.parametrize(
    ("options", "typed", "why"),
    [
        (["--yes", "--port", "/nowhere"], "", "no meter answers"),
        (["--type", "49"], "", "but not where"),
        (["--type", "12345", "--port", "/dev/x", "--yes"], "", "12345"),
        (["--type", "49", "--port", "/dev/x"], "y\n\n\ny\nnonsense\n\n", "no director would take that"),
    ],
)
def test_what_cannot_be_written_is_refused_and_leaves_no_file(
    tmp_path: Path, options: list[str], typed: str, why: str
) -> None:
    path = tmp_path / "station.toml"
    done = subprocess.run(
        [WATTRIG, "init", path, *options], input=typed, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, path.exists()) == (2, False), done.stdout + done.stderr
    assert why in done.stderr
    assert "Traceback" not in done.stderr


def test_the_name_of_a_port_that_lasts_is_taken(tmp_path: Path) -> None:
    port, by_id = tmp_path / "ttyUSB3", tmp_path / "by-id"
    port.write_text("")
    by_id.mkdir()
    (by_id / "usb-FTDI_A1-if00").symlink_to(port)
    assert lasting(str(port), by_id) == str(by_id / "usb-FTDI_A1-if00")
    assert lasting("/dev/ttyS0", by_id) == "/dev/ttyS0"
    assert lasting(str(port), tmp_path / "none") == str(port)


def test_an_identity_cannot_leave_its_comment(tmp_path: Path) -> None:
    family = driver_for(49).family
    hostile = Meter(Place('/dev/a"b'), family, 'X,Y\n[director]\nstore = "/"\r\x1b[2J', name='a"\\b')
    text = station_text(Draft([hostile], store='s"t'))
    found = tomllib.loads(text)
    assert found["director"]["store"] == 's"t'
    assert (found["analyzer"][0]["device_port"], found["analyzer"][0]["name"]) == ('/dev/a"b', 'a"\\b')
    assert "\x1b" not in text
