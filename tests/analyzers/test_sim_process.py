"""The simulated instrument as a process on a real pty, and the driver against it, in real time."""

import contextlib
import csv
import itertools
import math
import random
import signal
import subprocess
import sys
import time

import psutil
import pytest

from analyzers.driver import Wanted
from analyzers.drivers.wt310 import WT310
from analyzers.transport import SerialTransport
from metrology.errors import InstrumentError
from metrology.reading import Validity

COMMAND = [sys.executable, "-c", "from console.main import main; main()", "simulate", "wt310e"]


@pytest.fixture
def start(tmp_path):
    """Start a simulator and get its process; its port is `wt`, its truth `truth.csv`."""
    running = []

    def make(*options):
        arguments = ["--pty", tmp_path / "wt", "--truth", tmp_path / "truth.csv", *options]
        process = subprocess.Popen([*COMMAND, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
        running.append(process)
        line = process.stdout.readline()
        assert "SIMULATED" in line, "it says so when it is ready"
        return process

    yield make
    for process in running:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def connect(tmp_path):
    """Open the driver on the port."""
    with contextlib.ExitStack() as stack:

        def make():
            driver, transport = WT310(), SerialTransport(str(tmp_path / "wt"))
            stack.callback(transport.close)
            driver.open(transport, Wanted())
            return driver

        yield make


def truth(tmp_path):
    rows = list(csv.DictReader((tmp_path / "truth.csv").read_text().splitlines()))
    return [(int(row["t_utc_ns"]), float(row["energy_j"]), float(row["power_w"])) for row in rows]


def energy_before(rows, t_utc_ns):
    """What had been drawn at the end of the last update before a moment."""
    return [energy_j for end_ns, energy_j, _ in rows if end_ns <= t_utc_ns][-1]


@pytest.mark.alone
def test_measured_energy_is_true_energy_at_9600_baud(start, connect, tmp_path):
    start("--load", "square", "--low", 50, "--high", 100, "--period", 1.7)
    driver = connect()
    driver.set_range("A", 0.5)
    driver.set_range("V", 300)
    driver.begin(500)
    samples = [driver.read(3.0) for _ in range(12)][2:]
    driver.end()
    driver.read(3.0)
    assert {sample.total.validity for sample in samples} == {Validity.GOOD}
    assert not any(sample.missed for sample in samples)
    # Each sample is the mean of its update period: how late it is stamped on a busy machine is no part of the energy.
    measured_j = sum(sample.total.power_w for sample in samples[1:]) * 0.5
    rows = truth(tmp_path)
    first, last = (energy_before(rows, samples[at].t_utc_ns) for at in (0, -1))
    assert measured_j == pytest.approx(last - first, rel=0.0005)
    late_ms = [min(abs(sample.t_utc_ns - row[0]) for row in rows) / 1e6 for sample in samples]
    assert sorted(late_ms)[len(late_ms) // 2] < 10, "an answer begins right at the edge of its update"
    powers = {round(sample.total.power_w, 1) for sample in samples}
    assert len(powers) > 3, "the load did change"


@pytest.mark.alone
def test_truth_is_exact_at_its_stamps(start, tmp_path):
    start("--load", "constant", "--watts", 80, "--baud", 0)
    deadline = time.monotonic() + 5
    while len((tmp_path / "truth.csv").read_text().splitlines()) < 6 and time.monotonic() < deadline:
        time.sleep(0.05)
    rows = truth(tmp_path)
    assert len(rows) >= 5
    for (t0, e0, _), (t1, e1, power_w) in itertools.pairwise(rows):
        assert power_w == pytest.approx(80, rel=1e-7)
        assert e1 - e0 == pytest.approx(20, rel=1e-7)
        assert t1 - t0 == pytest.approx(250e6, abs=5e6)


@pytest.mark.alone
def test_open_takes_the_time_of_its_bytes_and_no_more(start, connect):
    start("--load", "constant")
    before_s = time.monotonic()
    driver = connect()
    elapsed_s = time.monotonic() - before_s
    assert 0.3 < elapsed_s < 2.0, "some 300 bytes at 1 ms each"
    current, voltage = driver.ranges()
    assert (current.auto, voltage.auto) == (True, True)
    driver.close()


def test_a_new_range_shows_nothing_and_then_the_truth(start, connect):
    start("--load", "constant", "--watts", 100, "--baud", 0, "--crest", 2.8)
    driver = connect()
    driver.set_range("V", 300)
    driver.set_range("A", 0.5)
    readings = [driver.read(2.0) for _ in range(3)]
    assert [reading.total.validity for reading in readings] == [Validity.BAD, Validity.GOOD, Validity.GOOD]
    assert readings[2].total.fields() == pytest.approx((100, 230, 0.45767, 0.95), rel=1e-4)
    driver.set_range("A", 0.2)
    readings = [driver.read(2.0) for _ in range(2)]
    assert [reading.total.validity for reading in readings] == [Validity.BAD, Validity.BAD]
    assert "INF" in readings[1].raw
    driver.set_range("A", None)
    readings = [driver.read(2.0) for _ in range(6)]
    assert readings[-1].total.power_w == pytest.approx(100, rel=1e-4)
    assert readings[-1].current_range_a == 0.5
    with pytest.raises(InstrumentError, match="error 222"):
        driver.set_range("A", 0.3)


def test_a_peak_over_the_range_is_told_with_its_values(start, connect):
    start("--load", "constant", "--watts", 100, "--baud", 0, "--crest", 4)
    driver = connect()
    driver.set_range("A", 0.5)
    readings = [driver.read(2.0).total for _ in range(2)]
    assert readings[-1].validity is Validity.PEAK_OVER
    assert readings[-1].power_w == pytest.approx(100, rel=1e-3)


def test_a_program_that_dies_leaves_a_line_that_the_next_can_use(start, connect):
    start("--load", "constant")
    first = connect()
    first.begin(500)
    for bytes_left in (f"{first.sample_question}\r\n", ":COMM:WAIT 1;:NUM:NORM:VAL?\r\n", ":CURR:RA"):
        first._line.line._serial.write(bytes_left.encode())
    first._line.line.close()
    second = connect()
    second.set_range("A", 0.5)
    assert [second.read(2.0).total.usable for _ in range(2)] == [False, True]


def test_no_bytes_make_it_fall(start, tmp_path):
    process = start("--load", "constant", "--baud", 0)
    line = SerialTransport(str(tmp_path / "wt"))
    noise = random.Random(7)
    try:
        for length in (1, 10, 100, 3000, 9000):
            line._serial.write(noise.randbytes(length))
            line._serial.write(b"\n")
            time.sleep(0.1)
            line.clear()
            line.write("*IDN?")
            assert line.read(2.0)[0] == "YOKOGAWA,WT310E,SIMULATED,F1.04"
    finally:
        line.close()
    assert process.poll() is None


@pytest.mark.alone
def test_a_late_reader_has_missed_what_no_longer_stood_on_display(start, connect):
    """Late by 0.7 periods nothing is lost, though two readings lie 1.7 periods apart; by 2.2, two updates are."""
    start("--load", "constant", "--baud", 0)
    driver = connect()
    driver.set_range("A", 0.5)
    driver.begin(500)
    assert [driver.read(2.0).missed for _ in range(2)] == [0, 0]
    time.sleep(0.85)
    late, next_one = driver.read(2.0), driver.read(2.0)
    assert (late.missed, next_one.missed) == (0, 0)
    assert (next_one.t_mono_ns - late.t_mono_ns) / 1e9 == pytest.approx(0.15, abs=0.05)
    time.sleep(1.6)
    assert [driver.read(2.0).missed for _ in range(3)] == [2, 0, 0]
    driver._line.line._serial.write(b":NUM:NORM:NUM 4\r\n")  # an answer that makes no sense, and its update is gone
    with pytest.raises(InstrumentError, match="answered"):
        driver.read(2.0)
    driver._line.line._serial.write(b":NUM:NORM:NUM 5;ITEM5 FU,1\r\n")
    assert [driver.read(2.0).missed for _ in range(2)] == [1, 0]


def test_it_falls_silent_when_told(start, connect):
    start("--load", "constant", "--baud", 0, "--fault", "mute@3")
    driver = connect()
    answers = []
    with pytest.raises(InstrumentError, match="did not answer"):
        answers.extend(driver.read(1.0) for _ in range(100))
    assert len(answers) > 3, "it did answer before"


@pytest.mark.alone
def test_it_costs_less_than_two_percent_of_a_processor(start, connect):
    process = start("--load", "cpu")
    driver = connect()
    used = psutil.Process(process.pid)
    driver.set_range("A", 0.5)
    before, begin_s = sum(used.cpu_times()[:2]), time.monotonic()
    readings = [driver.read(2.0).total for _ in range(36)]
    share = (sum(used.cpu_times()[:2]) - before) / (time.monotonic() - begin_s)
    assert share < 0.02
    assert all(39.9 < reading.power_w < 100.1 for reading in readings[2:])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_cleanly(start, tmp_path, number):
    process = start("--load", "constant")
    assert (tmp_path / "wt").is_symlink()
    process.send_signal(number)
    assert process.wait(20) == 0
    assert not (tmp_path / "wt").is_symlink()


def test_a_killed_one_leaves_its_link_and_the_next_takes_it_over(start, connect, tmp_path):
    process = start("--load", "constant")
    process.kill()
    process.wait()
    assert (tmp_path / "wt").is_symlink()
    start("--load", "constant", "--baud", 0)
    assert math.isfinite(connect().ranges()[0].full_scale)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--load", "nuclear"], "got --load 'nuclear'"),
        (["--load", "replay:none.csv"], "cannot be read"),
        (["--pty", "precious"], "no symbolic link"),
        (["--truth", "none/truth.csv"], "cannot be written"),
        (["--watts", "-1"], "--watts"),
    ],
)
def test_wrong_options_are_one_message(tmp_path, options, message):
    (tmp_path / "precious").write_text("data")
    result = subprocess.run(
        [*COMMAND, "--pty", "wt", *options], cwd=tmp_path, capture_output=True, text=True, timeout=20, check=False
    )
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert (tmp_path / "precious").read_text() == "data"
