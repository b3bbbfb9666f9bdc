"""The simulated meters of Hioki and ZES ZIMMER, spoken to by their drivers, without processes and without waiting."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.driver import Wanted
from analyzers.drivers import driver_for
from analyzers.simulated.device import Setting
from analyzers.simulated.hioki import number_text
from analyzers.simulated.load import ConstantLoad, SquareLoad
from analyzers.simulated.meter import Mains
from analyzers.simulated.models import maker_of
from metrology.errors import InstrumentError
from metrology.reading import Validity

SINGLE = [("pw3335", 57), ("lmg610", 9000)]
SEVERAL = [("pw3336", 59, 2), ("pw3337", 61, 3), ("lmg670", 9001, 3)]


class InProcess:
    """A transport to a simulated device whose clock moves while somebody waits.

    Attributes:
        told: energy in joules that the load had drawn at each update.
    """

    byte_s = 0.0

    def __init__(self, model, load, mains=None):
        self.now_s = 0.0
        self.device = maker_of(model)(Setting(load, mains or Mains(), lambda: self.now_s))
        self.answers = []
        self.told = {}

    def pass_until(self, t_s):
        while self.device.next_update_s <= t_s:
            self.now_s = self.device.next_update_s
            update = self.device.update()
            self.told[round(update.t_s, 6)] = update.energy_j
            self._keep(self.device.tell())
        self.now_s = max(self.now_s, t_s)

    def _keep(self, text):
        self.answers += [(text, round(self.now_s * 1e9))] if text else []

    def sleep(self, pause_s):
        self.pass_until(self.now_s + pause_s)

    def write(self, message):
        running = self.device.run(message)
        try:
            next(running)
        except StopIteration as finished:
            self._keep(finished.value)

    def read(self, timeout_s):
        deadline_s = self.now_s + timeout_s
        while not self.answers and self.device.next_update_s <= deadline_s:
            self.pass_until(self.device.next_update_s)
        if not self.answers:
            self.now_s = deadline_s
            raise InstrumentError(f"no answer within {timeout_s:g} s")
        text, t_ns = self.answers.pop(0)
        return text, t_ns, t_ns

    def clear(self):
        self.answers.clear()

    def close(self):
        pass


def connected(model, device_type, load, count=1, mains=None):
    line = InProcess(model, load, mains)
    kind = type(driver_for(device_type))
    clock = {"clock": lambda: line.now_s}
    driver = kind(**clock, sleep=line.sleep) if model.startswith("pw") else kind(**clock)
    instrument = driver.open(line, Wanted(tuple(range(1, count + 1))))
    return driver, line, instrument


def settled(driver):
    """Read until two readings in a row are good, as the daemon does after a range was set."""
    good = 0
    for _ in range(20):
        good = good + 1 if driver.read(2.0).total.usable else 0
        if good == 2:
            return
    pytest.fail("no good readings")


def fixed(driver, channels):
    for channel in range(1, channels + 1) if channels > 1 else [0]:
        driver.set_range("V", 300.0 if "PW" in driver.family.title else 250.0, channel)
        driver.set_range("A", 1.0 if "PW" in driver.family.title else 1.2, channel)
    settled(driver)


@pytest.mark.parametrize("interval_ms", [200, 1000, 2000])
@pytest.mark.parametrize(("model", "device_type", "count"), [(*pair, 1) for pair in SINGLE] + SEVERAL)
def test_energy_is_that_of_the_load(model, device_type, count, interval_ms):
    """A square load whose period is no multiple of the interval: nothing is lost and nothing counted twice."""
    driver, line, _ = connected(model, device_type, SquareLoad(50.0, 150.0, 1.7), count)
    fixed(driver, count)
    driver.begin(interval_ms)
    before = driver.read(10.0)
    samples = [driver.read(10.0) for _ in range(20)]
    start_s, end_s = (sample.t_mono_ns / 1e9 for sample in (before, samples[-1]))
    edges = sorted(line.told)
    true_j = line.told[max(t for t in edges if t <= end_s)] - line.told[max(t for t in edges if t <= start_s)]
    measured_j = sum(sample.total.power_w for sample in samples) * interval_ms / 1000
    assert measured_j == pytest.approx(true_j, rel=0.002)
    assert end_s - start_s == pytest.approx(20 * interval_ms / 1000, abs=0.025)


@pytest.mark.parametrize(("model", "device_type", "count"), SEVERAL)
def test_channels_are_told_apart(model, device_type, count):
    driver, _, instrument = connected(model, device_type, ConstantLoad(100.0), count)
    fixed(driver, count)
    measured = driver.read(2.0)
    parts = {2: (60.0, 40.0), 3: (50.0, 30.0, 20.0)}[count]
    assert instrument.channels == count
    assert [channel.power_w for channel in measured.channels] == pytest.approx(parts, rel=1e-3)
    assert measured.total.power_w == pytest.approx(100.0, rel=1e-3)
    driver.set_range("A", 2.0 if "pw" in model else 2.5, 2)
    assert [driver.ranges(channel)[0].full_scale for channel in (1, 2)] == (
        [1.0, 2.0] if "pw" in model else [1.2, 2.5]
    )


@pytest.mark.parametrize(("model", "device_type"), SINGLE)
def test_automatic_ranges_find_the_load(model, device_type):
    driver, _, _ = connected(model, device_type, ConstantLoad(100.0))
    for quantity in "VA":
        driver.set_range(quantity, None)
    settled(driver)
    current, voltage = driver.ranges()
    assert (current.auto, voltage.auto) == (True, True)
    assert 0.3 < 0.4577 / current.full_scale < 1.31


@pytest.mark.parametrize(("model", "device_type"), SINGLE)
def test_a_current_over_its_range_is_bad(model, device_type):
    driver, _, _ = connected(model, device_type, ConstantLoad(1000.0))
    driver.set_range("V", 300.0 if "pw" in model else 250.0)
    driver.set_range("A", 1.0 if "pw" in model else 1.2)
    assert [driver.read(2.0).total.validity for _ in range(3)][-1] is Validity.BAD


@pytest.mark.parametrize(("model", "device_type"), SINGLE)
def test_a_peak_over_its_range_is_told(model, device_type):
    driver, _, _ = connected(model, device_type, ConstantLoad(200.0), mains=Mains(crest=7.0))
    driver.set_range("V", 300.0 if "pw" in model else 250.0)
    driver.set_range("A", 1.0 if "pw" in model else 1.2)
    assert [driver.read(2.0).total.validity for _ in range(3)][-1] is Validity.PEAK_OVER


@pytest.mark.parametrize("spoiled", ["NAN", "INF", "9.91E+37"])
@pytest.mark.parametrize(("model", "device_type"), SINGLE)
def test_spoiled_values_are_bad(model, device_type, spoiled):
    driver, line, _ = connected(model, device_type, ConstantLoad(100.0))
    fixed(driver, 1)
    line.device.spoiled = spoiled
    assert driver.read(2.0).total.validity is Validity.BAD


@pytest.mark.parametrize(("model", "device_type"), SINGLE)
def test_a_range_that_it_has_not_is_refused(model, device_type):
    driver, _, _ = connected(model, device_type, ConstantLoad(100.0))
    with pytest.raises(InstrumentError, match="setting the A range"):
        driver.set_range("A", 7.0)


@pytest.mark.parametrize(("model", "device_type"), SINGLE)
def test_a_driver_takes_over_from_one_that_died_while_measuring(model, device_type):
    driver, line, _ = connected(model, device_type, ConstantLoad(100.0))
    fixed(driver, 1)
    driver.begin(1000)
    driver.read(5.0)
    line.pass_until(line.now_s + 3.3)
    successor = type(driver)(clock=lambda: line.now_s)
    successor.open(line, Wanted())
    assert successor.ranges()[0].full_scale == (1.0 if "pw" in model else 1.2)


def test_an_integration_is_ended_and_locks_ranges():
    line = InProcess("pw3335", ConstantLoad(100.0))
    for message in (":HEADER OFF", ":INTEG:STAT START", ":CURR:RANG 1", "*ESR?", ":integrate:state?"):
        line.write(message)
    assert [text for text, _ in line.answers] == ["16", "START"]
    line.clear()
    driver_for(57).open(line, Wanted())
    line.write(":INTEG:STAT?")
    assert line.read(1.0)[0] == "RESET"


def test_headers_and_hold():
    line = InProcess("pw3336", ConstantLoad(100.0))
    line.pass_until(2.0)
    for message in (":MEAS? P2,PF1", ":VOLT2:RANG?", ":HOLD ON;HOLD?", ":ESR0?;:ESR1?", "*ESR?"):
        line.write(message)
    line.pass_until(3.0)
    line.write(":ESR0?")
    assert [text for text, _ in line.answers] == [
        *("P2 +040.00E+0;PF1 +0.9500E+0", ":VOLTAGE2:RANGE 600", ":HOLD ON", "128", "32", "0")
    ]


def test_the_short_dialect_must_be_chosen():
    line = InProcess("lmg670", ConstantLoad(100.0))
    for message in ("urng1?", "*zlang short", "urng1?;urng4?", "errall?", "cycl?"):
        line.write(message)
    assert [text for text, _ in line.answers] == ["1000", '113,"Undefined header"', "0.5"]


@given(st.floats(0, 300), st.sampled_from([0.005, 1.0, 300.0, 6000.0]))
def test_numbers_have_ten_characters_and_five_digits(value, full_scale):
    text = number_text(min(value, full_scale), full_scale)
    digits, _, exponent = text.partition("E")
    assert (len(digits), exponent) == (7, {0.005: "-3", 1.0: "+0", 300.0: "+0", 6000.0: "+3"}[full_scale])
    assert float(text) == pytest.approx(min(value, full_scale), abs=full_scale * 1e-4)
