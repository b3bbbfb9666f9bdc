"""The Hioki drivers' exact dialogue: what is sent, in order, and what they make of the answers."""

import math

import pytest

from analyzers.driver import Wanted
from analyzers.drivers import driver_for
from analyzers.drivers.hioki import PW3335, PW3335DC
from metrology.errors import InstrumentAbsentError, InstrumentError, WrongInstrumentError
from metrology.ranges import Range
from metrology.reading import Validity

NO_ERROR = ("*ESR?", "0")
OLD, NEW = (":ESR0?", "0"), (":ESR0?", "128")
SAMPLE = ":MEAS? U,I,P,PF,UPK,IPK;:CURR:RANG?;:VOLT:RANG?"
VALUES = "+230.00E+0;+0.4577E+0;+100.00E+0;+0.9500E+0;+325.27E+0;+0.7323E+0;1;300"


class Clock:
    """A clock that moves only while the driver sleeps."""

    now_s = 0.0

    def sleep(self, pause_s):
        self.now_s += pause_s


def opening(idn="HIOKI,PW3335-03,0,V1.00", integration=((":INTEG:STAT?", "RESET"),)):
    greeting = ":RS232c:ANSWer OFF", ":HEADer OFF", ("*IDN?", idn), "*CLS"
    return [*greeting, *integration, ":HOLD OFF;:AVER 1", NO_ERROR]


@pytest.fixture
def opened(scripted):
    """Open a driver on a script that goes on with more turns; get it and the clock that it sleeps on."""

    def make(*dialogue, device_type=57, channels=(1,), **options):
        clock = Clock()
        driver = type(driver_for(device_type))(clock=lambda: clock.now_s, sleep=clock.sleep)
        instrument = driver.open(scripted(*opening(**options), *dialogue), Wanted(channels))
        return driver, clock, instrument

    return make


def test_it_tells_what_it_is(opened):
    instrument = opened()[2]
    assert (instrument.name, instrument.channels) == ("HiokiPW3335", 0)
    assert instrument.voltage_ranges_v[0] == 6.0
    assert instrument.current_ranges_a[-1] == 20.0


def test_it_ends_an_integration_that_runs(opened):
    running = (":INTEG:STAT?", "START"), ":INTEG:STAT STOP", NO_ERROR, ":INTEG:STAT RESET", NO_ERROR
    assert opened(integration=running)


def test_it_refuses_another_instrument(scripted):
    with pytest.raises(WrongInstrumentError, match="expected a Hioki PW3335, device type 57"):
        PW3335().open(scripted(*opening("HIOKI,PW3336-01,0,V1.00")[:3]), Wanted())


def test_it_says_that_nobody_answers(scripted):
    with pytest.raises(InstrumentAbsentError, match="no answer"):
        PW3335().open(scripted(*opening()[:2], ("*IDN?", scripted.SILENCE)), Wanted())


def test_it_refuses_a_setting_that_the_meter_refuses(scripted):
    with pytest.raises(InstrumentError, match="refused the set-up, ':HOLD OFF;:AVER 1': event register 16"):
        PW3335().open(scripted(*opening()[:-1], ("*ESR?", "16")), Wanted())


def test_ranges_are_read_and_set(opened):
    question = ":CURR:RANG?;:CURR:AUTO?;:VOLT:RANG?;:VOLT:AUTO?"
    driver, _, _ = opened(
        (question, "0.5;OFF;300;ON"),
        ":CURR:AUTO OFF;:CURR:RANG 0.5",
        NO_ERROR,
        ":VOLT:AUTO ON",
        NO_ERROR,
        (question, "nonsense"),
    )
    assert driver.ranges() == (Range(False, 0.5), Range(True, 300.0))
    driver.set_range("A", 0.5)
    driver.set_range("V", None)
    with pytest.raises(InstrumentError, match="'nonsense'"):
        driver.ranges()


def test_after_nonsense_answers_are_believed_only_after_the_identity(opened):
    question = ":CURR:RANG?;:CURR:AUTO?;:VOLT:RANG?;:VOLT:AUTO?"
    driver, _, _ = opened(
        (question, "1;OFF"), ("*IDN?", "300;OFF", "HIOKI,PW3335-03,0,V1.00"), (question, "1;OFF;300;OFF")
    )
    with pytest.raises(InstrumentError):
        driver.ranges()
    assert driver.ranges()[1] == Range(False, 300.0)


def test_a_second_is_the_mean_of_five_cycles(opened):
    driver, clock, _ = opened(":AVER 5", NO_ERROR, OLD, *[OLD] * 50, NEW, (SAMPLE, VALUES), ":AVER 1", NO_ERROR)
    driver.begin(1000)
    measured = driver.read(5.0)
    driver.end()
    assert clock.now_s == pytest.approx(1.0), "it waited for the display to be renewed"
    assert measured.total.fields() == (100.0, 230.0, 0.4577, 0.95)
    assert (measured.current_range_a, measured.voltage_range_v, measured.channels) == (1.0, 300.0, ())
    assert measured.t_mono_ns == 5, "the moment at which the display was found renewed"


@pytest.mark.parametrize(
    ("interval_ms", "count", "updates"), [(200, 1, 1), (400, 2, 1), (3000, 5, 3), (20_000, 100, 1), (600, 1, 3)]
)
def test_the_longest_average_that_divides_the_interval_is_taken(opened, interval_ms, count, updates):
    samples = [turn for _ in range(updates) for turn in (NEW, (SAMPLE, VALUES))]
    driver, _, _ = opened(f":AVER {count}", NO_ERROR, OLD, *samples)
    driver.begin(interval_ms)
    assert driver.read(25.0).total.power_w == pytest.approx(100.0)


def test_an_interval_that_is_no_multiple_of_its_cycle_is_refused(opened):
    driver, _, _ = opened()
    with pytest.raises(InstrumentError, match="cannot give means over 500 ms"):
        driver.begin(500)


def test_an_average_that_comes_too_soon_is_refused(opened):
    driver, _, _ = opened(
        ":AVER 5", NO_ERROR, OLD, OLD, NEW, (SAMPLE, VALUES), *[OLD] * 10, NEW
    )  # a moving average would be renewed at every cycle
    driver.begin(1000)
    driver.read(5.0)
    with pytest.raises(InstrumentError, match="after 200 ms, expected an average over 1000 ms"):
        driver.read(5.0)


def test_a_late_reader_gets_the_update_on_display(opened):
    samples = [OLD, NEW, (SAMPLE, VALUES), NEW, (SAMPLE, VALUES), OLD, NEW, (SAMPLE, VALUES)]
    driver, _, _ = opened(":AVER 5", NO_ERROR, OLD, *samples)
    driver.begin(1000)
    assert all(driver.read(5.0).total.usable for _ in range(3))


def test_without_an_update_it_gives_up(opened):
    driver, clock, _ = opened(OLD, *[OLD] * 26)
    with pytest.raises(InstrumentError, match="has not renewed its display in time"):
        driver.read(0.5)
    assert clock.now_s == pytest.approx(0.5)


@pytest.mark.parametrize("error", ["+777.77E+9", "-777.77E+9", "+888.88E+9", "+999.99E+9"])
@pytest.mark.parametrize("place", range(4))
def test_error_data_make_a_bad_reading(opened, error, place):
    values = VALUES.split(";")
    values[place] = error
    driver, _, _ = opened(OLD, NEW, (SAMPLE, ";".join(values)))
    total = driver.read(1.0).total
    assert total.validity is Validity.BAD
    assert math.isnan(total.power_w)


def test_a_peak_over_range_is_told(opened):
    driver, _, _ = opened(OLD, NEW, (SAMPLE, VALUES.replace("+0.7323E+0", "+999.99E+9")))
    total = driver.read(1.0).total
    assert (total.validity, total.power_w) == (Validity.PEAK_OVER, 100.0)


def test_no_load_has_no_power_factor(opened):
    idle = "+230.00E+0;+0.0000E+0;+000.00E+0;+777.77E+9;+325.27E+0;+0.0000E+0;1;300"
    driver, _, _ = opened(OLD, NEW, (SAMPLE, idle))
    assert driver.read(1.0).total.fields() == (0.0, 230.0, 0.0, 0.0)


@pytest.mark.parametrize("answer", ["", "1;2", VALUES + ";1", VALUES.replace("1;300", "A;V")])
def test_an_answer_that_is_no_sample_is_refused(opened, answer):
    driver, _, _ = opened(OLD, NEW, (SAMPLE, answer))
    with pytest.raises(InstrumentError, match="PW3335 answered ':MEAS"):
        driver.read(1.0)


def test_three_channels_are_read_and_summed(opened):
    items = ",".join(f"{item}{number}" for number in (1, 2, 3) for item in ("U", "I", "P", "PF", "UPK", "IPK"))
    question = f":MEAS? {items}" + "".join(f";:CURR{number}:RANG?;:VOLT{number}:RANG?" for number in (1, 2, 3))
    answer = ";".join([VALUES.rpartition(";1;")[0]] * 3 + ["1;300", "2;300", "5;600"])
    driver, _, instrument = opened(
        *(OLD, NEW, (question, answer)),
        (":CURR2:RANG?;:CURR2:AUTO?;:VOLT2:RANG?;:VOLT2:AUTO?", "2;OFF;300;OFF"),
        *(":VOLT1:AUTO OFF;:VOLT1:RANG 300", NO_ERROR, ":VOLT2:AUTO OFF;:VOLT2:RANG 300", NO_ERROR),
        *(":VOLT3:AUTO OFF;:VOLT3:RANG 300", NO_ERROR, ":CURR3:AUTO ON", NO_ERROR),
        device_type=61,
        channels=(1, 2, 3),
        idn="HIOKI,PW3337-03,0,V1.00",
    )
    measured = driver.read(1.0)
    assert (instrument.name, instrument.channels) == ("HiokiPW3337_multichannel", 3)
    assert [channel.power_w for channel in measured.channels] == [100.0] * 3
    assert (measured.total.power_w, measured.total.voltage_v) == (300.0, 230.0)
    assert measured.channel_ranges == ((1.0, 300.0), (2.0, 300.0), (5.0, 600.0))
    assert driver.ranges(2)[0] == Range(False, 2.0)
    driver.set_range("V", 300.0)
    driver.set_range("A", None, channel=3)


def test_one_channel_of_two_is_read_alone(opened):
    question = ":MEAS? U2,I2,P2,PF2,UPK2,IPK2;:CURR2:RANG?;:VOLT2:RANG?"
    idn = "HIOKI,PW3336,0,V1.00"
    driver, _, instrument = opened(OLD, NEW, (question, VALUES), device_type=58, channels=(2,), idn=idn)
    assert driver.read(1.0).channels == ()
    assert (instrument.name, instrument.channels) == ("HiokiPW3336", 0)


def test_direct_current_has_its_own_number_and_accuracy(opened):
    instrument = opened(device_type=557)[2]
    assert (PW3335DC.family.dc, instrument.accuracy.range, instrument.accuracy.upper_reading) == (True, 0.001, 0.002)


def test_closing_frees_the_port(scripted):
    driver, line = PW3335(), scripted(*opening())
    driver.open(line, Wanted())
    driver.close()
    assert line.closed


def test_a_line_that_is_too_slow_is_refused(scripted):
    driver, line = PW3335(), scripted(*opening())
    driver.open(line, Wanted())
    line.byte_s = 10 / 1200
    with pytest.raises(InstrumentError, match="too slow for updates of 200 ms"):
        driver.begin(200)
