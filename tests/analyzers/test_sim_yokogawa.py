"""The simulated Yokogawa models, each spoken to message by message and by its driver, without a process around it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.driver import Wanted
from analyzers.drivers import driver_for
from analyzers.simulated.commands import commands, make
from analyzers.simulated.device import Setting
from analyzers.simulated.load import ConstantLoad, SquareLoad
from analyzers.simulated.meter import Mains
from analyzers.simulated.models import MODELS, maker_of
from analyzers.simulated.numbers import range_text
from analyzers.simulated.profiles import WT210, WT310, WT310E, WT333E, WT500, WT1804E, WT5000
from metrology.errors import InstrumentError
from metrology.reading import Validity

PROFILES = (WT210, WT310, WT310E, WT333E, WT500, WT1804E, WT5000)


class Bench:
    """A transport to an instrument whose time passes only while someone waits for it."""

    byte_s = 0.0

    def __init__(self, profile, load=None, mains=None):
        self.now_s = 0.0
        self.load = load or ConstantLoad(100.0)
        self.device = make(profile, Setting(self.load, mains or Mains(), lambda: self.now_s))
        self.answers = []

    def update(self, count=1):
        for _ in range(count):
            self.now_s = self.device.next_update_s
            self.device.update()

    def write(self, message):
        running = self.device.run(message)
        try:
            while True:
                next(running)
                self.update()
        except StopIteration as finished:
            self.answers += [finished.value] if finished.value else []

    def read(self, timeout_s):
        if not self.answers:
            raise InstrumentError("no answer")
        return self.answers.pop(0), round(self.now_s * 1e9), round(self.now_s * 1e9)

    def ask(self, message):
        self.write(message)
        return self.answers.pop() if self.answers else ""

    def clear(self):
        self.answers.clear()

    def close(self):
        pass


@pytest.mark.parametrize(
    ("profile", "device_type", "channels", "shares"),
    [
        (WT210, 8, (1,), (1.0,)),
        (WT210, 508, (1,), (1.0,)),
        (WT310, 49, (1,), (1.0,)),
        (WT310E, 549, (1,), (1.0,)),
        (WT333E, 52, (2,), (0.3,)),
        (WT333E, 77, (1, 2, 3), (0.5, 0.3, 0.2)),
        (WT333E, 77, (2, 3), (0.3, 0.2)),
        (WT333E, 586, (3,), (0.2,)),
        (WT500, 35, (3,), (0.2,)),
        (WT500, 48, (1, 2), (0.5, 0.3)),
        (WT500, 535, (1,), (0.5,)),
        (WT1804E, 47, (1,), (1.0,)),
        (WT5000, 66, (1,), (1.0,)),
        (WT5000, 566, (1,), (1.0,)),
    ],
)
def test_every_driver_against_its_simulator(profile, device_type, channels, shares):
    bench = Bench(profile, SquareLoad(300.0, 600.0, 1.7))
    driver = driver_for(device_type)
    instrument = driver.open(bench, Wanted(channels))
    assert "SIMULATED" in instrument.idn
    for quantity, full_scale in (("V", 300.0), ("A", 5.0)):
        driver.set_range(quantity, full_scale)
        assert driver.ranges(len(channels) - 1)[quantity == "V"].full_scale == full_scale
    bench.update(2)
    driver.begin(1000)
    start_s = bench.now_s
    samples = [driver.read(2.0) for _ in range(5)]
    true_j = bench.load.energy_j(bench.now_s) - bench.load.energy_j(start_s)
    assert bench.now_s - start_s == pytest.approx(5.0)
    assert {sample.total.validity for sample in samples} == {Validity.GOOD}
    assert sum(sample.total.power_w for sample in samples) == pytest.approx(sum(shares) * true_j, rel=2e-3)
    for at, share in enumerate(shares if samples[0].channels else ()):
        energy_j = sum(sample.channels[at].power_w for sample in samples)
        assert energy_j == pytest.approx(share * true_j, rel=2e-3)
    assert len(samples[0].channels) == instrument.channels
    assert samples[0].total.power_factor == pytest.approx(0.95, abs=2e-4)
    driver.end()
    driver.close()


@pytest.mark.parametrize(
    ("profile", "lines"),
    [
        (WT310, {"*IDN?": "YOKOGAWA,WT310,SIMULATED,F1.03", ":CURR:RANG 0.2;:CURR:RANG?": "200.0E-03",
                 ":CURR:RANG 20;:CURR:RANG?": "20.0E+00", ":RATE 10S;:STAT:ERR?": '222,"Data out of range"'}),
        (WT333E, {":WIRING?": "V3A3", ":CURR:RANG 0.2;:STAT:ERR?": '222,"Data out of range"',
                  ":NUM:NORM:NUM 6;ITEM6 URMS,2;ITEM5 FU,3;:NUMERIC:NORMAL?": "6;U,1;I,1;P,1;S,1;FU,3;URMS,2"}),
        (WT500, {":SYNC:ELEM1?": "I1", ":FILT:FREQ:ELEM2?;:FILT:LINE:ELEM2?": "0;OFF", ":MEAS:AVER:TYPE?": "EXP",
                 ":VOLT:RANG:ELEM3 100;:VOLT:RANG:ELEM3?;:VOLT:RANG:ELEM2?": "100.0E+00;1.00E+03",
                 ":VOLT:RANG:ELEM4?;:STAT:ERR?": "", ":STAT:ERR?": '114,"Header suffix out of range"'}),
        (WT210, {":CURR:RANG 0.5;:CURRENT:RANGE?": "0.500E+00", ":CONF:VOLT:RANG 150V;:VOLT:RANG?": "150.0E+00",
                 ":SAMP:RATE 0.25;:SAMP:RATE?": "250MS", ":CONF:CFAC?": "3", "*OPT?": "NONE",
                 ":INTEG:STATE?": "", ":STAT:ERR?": '113,"Undefined header"'}),
    ],
)  # fmt: skip
def test_each_model_says_it_its_own_way(profile, lines):
    bench = Bench(profile)
    bench.ask(":COMM:HEAD OFF")
    for message, answer in lines.items():
        assert bench.ask(message) == answer


def test_a_wt210_answers_in_an_order_of_its_own_and_with_its_own_sentinel():
    bench = Bench(WT210, ConstantLoad(230 * 0.95 * 0.8))
    bench.ask(":COMM:HEAD OFF;:MEAS:NORM:ITEM:PRES CLE")
    assert bench.ask(":MEAS:VAL?") == ""
    bench.ask(":MEAS:ITEM:VHZ ON;PF ON;W ON;A ON;VPK ON;V ON;VPK OFF")
    assert bench.ask(":MEAS:ITEM:W?;:MEAS:ITEM:VPK?") == "1;0"
    assert bench.ask(":MEAS:VAL?") == ",".join(["9.91E+37"] * 5)
    bench.ask(":VOLT:AUTO OFF;:VOLT:RANG 300;:CURR:AUTO OFF;:CURR:RANG 1")
    bench.update(2)
    assert bench.ask(":MEAS:VAL?") == "230.00E+00,0.8000E+00,174.80E+00,0.9500E+00,50.000E+00"
    bench.ask(":CURR:RANG 0.5")
    bench.update(2)
    assert bench.ask(":MEAS:VAL?") == "230.00E+00,9.91E+37,9.91E+37,9.91E+37,50.000E+00"
    assert int(bench.ask(":STAT:COND?")) & 1 << 6


def test_all_elements_of_a_wt333e_share_their_ranges():
    bench = Bench(WT333E, ConstantLoad(230 * 0.95 * 2.0), Mains(crest=1.42))
    bench.ask(":COMM:HEAD OFF")
    bench.update(4)
    assert [meter.range_a for meter in bench.device.meters] == [2.0] * 3, (
        "1 A, 0.6 A and 0.4 A: as wide as the first needs"
    )
    bench.ask(":CURR:AUTO OFF;:CURR:RANG 0.5;:NUM:NORM:NUM 3;ITEM1 I,1;ITEM2 I,2;ITEM3 I,3")
    assert bench.ask(":NUM:NORM:VAL?") == "NAN,NAN,NAN"
    bench.update(2)
    assert bench.ask(":NUM:NORM:VAL?;:STAT:COND?") == f"INF,600.00E-03,400.00E-03;{1 << 6}"


@pytest.mark.parametrize(
    ("profile", "condition", "peaks"), [(WT333E, 1 << 8 | 1 << 6, 2), (WT500, 1 << 8 | 1 << 15, 2)]
)
def test_peaks_are_told_of_the_element_that_has_them(profile, condition, peaks):
    bench = Bench(profile, ConstantLoad(230 * 0.95 * 1.5), Mains(crest=2.4))
    bench.ask(":COMM:HEAD OFF")
    place = ":ELEM1" if profile is WT500 else ""
    bench.ask(f":CURR:AUTO{place} OFF;:CURR:RANG{place} 0.5")
    bench.update(2)
    assert int(bench.ask(":STAT:COND?")) & ~(0b111 << 9) == condition
    assert bench.device.peaks & 3 == peaks


def test_elements_of_a_wt500_have_ranges_of_their_own():
    bench = Bench(WT500, ConstantLoad(230 * 0.95 * 2.0))
    bench.ask(":COMM:HEAD OFF;:CURR:AUTO:ELEM2 OFF;:CURR:RANG:ELEM2 5A")
    bench.update(6)
    assert [meter.range_a for meter in bench.device.meters] == [2.0, 5.0, 1.0]
    assert bench.ask(":CURR:AUTO:ELEM1?;:CURR:AUTO:ELEM2?") == "1;0"
    bench.ask(":SYNC:ELEM2 NONE;:FILT:LINE:ELEM3 5.5KHZ")
    assert bench.ask(":SYNC:ELEM1?;:SYNC:ELEM2?;:FILT:LINE:ELEM3?") == "I1;NONE;5.5KHZ"


@pytest.mark.parametrize("profile", [WT500, WT1804E, WT5000])
def test_energy_is_counted_for_each_element(profile):
    bench = Bench(profile, ConstantLoad(3600.0))
    bench.ask(":NUM:NORM:NUM 2;ITEM1 WP,1;ITEM2 WP,2;:INTEG:STAR")
    bench.update(1000 // profile.first_rate_ms)
    expected = [share * 1.0 for share in profile.shares[:2]]
    assert [float(text) for text in bench.ask(":NUM:NORM:VAL?").split(",")] == pytest.approx(expected, abs=1e-4)
    bench.ask(":CURR:RANG:ELEM1 5A")
    assert bench.ask(":STAT:ERR?").startswith("813")


@pytest.mark.parametrize(
    ("full_scale", "digits", "text"),
    [(0.2, "coarse", "200.0E-03"), (20.0, "coarse", "20.0E+00"), (5.0, "coarse", "5.00E+00"),
     (0.2, "unscaled", "0.200E+00"), (300.0, "unscaled", "300.0E+00"), (20.0, "unscaled", "20.000E+00")],
)  # fmt: skip
def test_ranges_have_the_digits_of_the_model(full_scale, digits, text):
    assert range_text(full_scale, digits) == text


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.title)
def test_every_command_of_a_model_has_its_forms_to_itself(profile):
    forms = [form for command in commands(profile) for form in command.forms()]
    assert len(forms) == len(set(forms))


pieces = st.sampled_from(
    [":", ";", "?", " ", ",", "MEAS", "ITEM", "V", "W", "ELEM", "1", "4", "0", "VAL", "ON", "CURR", "VOLT", "RANG",
     "AUTO", "RATE", "INTEG", "STAR", "RES", "5", "A", "INP", "POV", "SYNC", "FILT", "LINE", "PRES", "CLE", "CFAC",
     "A6", "NUM", "NORM", "FORM", "FLO", "*RST", "TIME", "MATH", "1E9"]
)  # fmt: skip


@given(
    st.sampled_from(PROFILES), st.lists(st.text(max_size=20) | st.lists(pieces, max_size=12).map("".join), max_size=5)
)
def test_nothing_makes_a_model_fall(profile, messages):
    bench = Bench(profile)
    for message in messages:
        running = bench.device.run(message)
        if next(running, "done") is None:
            bench.device.status.waiting = 0
        bench.update()
    assert bench.ask("*IDN?") == profile.identity


def test_all_models_have_a_maker():
    makers = {name for name in MODELS if name.startswith("wt")}
    assert makers == {"wt210", "wt310", "wt310e", "wt333e", "wt500", "wt1804e", "wt5000"}
    setting = Setting(ConstantLoad(1.0), Mains(), lambda: 0.0)
    assert all(maker_of(name)(setting).title.casefold().endswith(name) for name in makers)
