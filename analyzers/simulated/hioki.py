"""Simulated Hioki PW3335, PW3336 and PW3337, as `analyzers.drivers.hioki` knows them.

All that the drivers take for granted without having seen it is taken for granted here too.
"""

import math
import re
from collections.abc import Callable

from analyzers.simulated.arguments import boolean, integer, quantity, word
from analyzers.simulated.channels import Channels
from analyzers.simulated.device import Device, Setting
from analyzers.simulated.language import Call, Command, Interpreted, Interpreter
from analyzers.simulated.meter import Channel, Meter, Update
from analyzers.simulated.status import CommandError, Status

VOLTAGE_RANGES_V = (15.0, 30.0, 60.0, 150.0, 300.0, 600.0, 1000.0)
CURRENT_RANGES_A = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
PW3335_VOLTAGE_RANGES_V = (6.0, *VOLTAGE_RANGES_V)
PW3335_CURRENT_RANGES_A = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
"""Full scales; from memory of the data sheets."""
CYCLE_MS = 200
AVERAGES = (1, 2, 5, 10, 25, 50, 100)
PEAK_FACTOR = 6.0
"""The largest peak over the range's full scale; from memory of the data sheets."""
DATA_SET = 1 << 7
NO_DATA, SCALING_ERROR, OVER_RANGE = "+777.77E+9", "+888.88E+9", "+999.99E+9"
SPOILED = {"NAN": NO_DATA, "INF": OVER_RANGE, "9.91E+37": SCALING_ERROR}
"""How it says that there is no data, that scaling failed, that a value is over range (PW3335A985-01 p. 68)."""
_ITEM = re.compile(r"(U|I|P|S|PF|UPK|IPK)(\d?)")


class Hioki(Interpreted):
    """The instrument.

    Attributes:
        title, spoiled, range_unit: see `Device`.
        model: "PW3335", "PW3336" or "PW3337".
        channels, status: what it measures and what it reports about itself.
        events: event register 0.
        integration: START, STOP or RESET; nothing is integrated.
        held: whether the display is on hold.
    """

    def __init__(self, model: str, channels: Channels, clock: Callable[[], float]) -> None:
        self.title = f"Hioki {model}"
        self.spoiled: str | None = None
        self.range_unit = 1.0
        self.model, self.channels, self.clock = model, channels, clock
        self.status = Status()
        self.status.verbose = True
        self.events = 0
        self.integration, self.held = "RESET", False
        self._interpreter = Interpreter(self, self.status, commands(numbered=len(channels.meters) > 1))

    @property
    def next_update_s(self) -> float:
        """See `Device`."""
        return self.channels.next_update_s

    def update(self) -> Update:
        """See `Device`."""
        if not self.held:
            self.events |= DATA_SET
        return self.channels.update()

    def meter(self, number: int) -> Meter:
        """Get a channel by the number in a header or an item, 0 where there is none."""
        if not 0 <= max(0, number - 1) < len(self.channels.meters):
            raise CommandError(114)
        return self.channels.meters[max(0, number - 1)]

    def value(self, item: str) -> str:
        """Get a measured value as it is written."""
        match = _ITEM.fullmatch(item)
        if match is None or (len(self.channels.meters) > 1) != bool(match[2]):
            raise CommandError(224)
        shown, full_scale = _shown(self.meter(int(match[2] or 0)), match[1])
        return SPOILED[self.spoiled] if self.spoiled else number_text(shown, full_scale)


def _shown(meter: Meter, item: str) -> tuple[float, float]:
    """Get a value, NaN for no data and infinity for over range, and the full scale that its digits follow."""
    values, range_va = meter.values, meter.range_v * meter.range_a
    known = {
        "U": (values.voltage_v, meter.range_v),
        "I": (values.current_a, meter.range_a),
        "P": (values.power_w, range_va),
        "S": (values.voltage_v * values.current_a, range_va),
        "PF": (values.power_factor, 1.0),
        "UPK": (_peak(values.voltage_v * math.sqrt(2), meter.range_v), meter.range_v * PEAK_FACTOR),
        "IPK": (_peak(values.current_a * meter.mains.crest, meter.range_a), meter.range_a * PEAK_FACTOR),
    }
    return known[item]


def _peak(peak: float, full_scale: float) -> float:
    return math.inf if peak > PEAK_FACTOR * full_scale else peak


def number_text(value: float, full_scale: float) -> str:
    """Write a value as the meter does: sign, five digits and a point, an exponent in steps of three."""
    if not math.isfinite(value):
        return NO_DATA if math.isnan(value) else OVER_RANGE
    exponent = math.floor(math.log10(full_scale) / 3 + 1e-9) * 3
    whole = len(str(int(full_scale / 10**exponent * (1 + 1e-9))))
    return f"{value / 10**exponent:+07.{5 - whole}f}E{exponent:+d}"


def _idle(device: Hioki) -> None:
    if device.integration != "RESET":
        raise CommandError(813)


def _set_average(device: Hioki, call: Call) -> None:
    _idle(device)
    count = integer(call.only(), 1, max(AVERAGES))
    if count not in AVERAGES:
        raise CommandError(222)
    device.channels.set_period(count * CYCLE_MS, device.clock())


def _set_integration(device: Hioki, call: Call) -> None:
    state = word(call.only(), ("START", "STOP", "RESET"))
    if (state == "STOP") != (device.integration == "START"):
        raise CommandError(844 if state == "STOP" else 842)
    device.integration = state


def _take_events(device: Hioki, call: Call) -> str:
    if call.suffix != 0:
        raise CommandError(114)
    events, device.events = device.events, 0
    return str(events)


def _hold(device: Hioki, call: Call) -> None:
    device.held = boolean(call)


def _head(device: Hioki, call: Call) -> None:
    device.status.headed = boolean(call)


def _measured(device: Hioki, call: Call) -> str:
    if not call.arguments:
        raise CommandError(109)
    values = ((item, device.value(item)) for item in call.arguments)
    return ";".join(f"{item} {value}" if device.status.headed else value for item, value in values)


def _switch(on: bool) -> str:
    return "ON" if on else "OFF"


def _range_commands(name: str, unit: str, number: str) -> list[Command[Hioki]]:
    def channel(device: Hioki, call: Call) -> Channel:
        meter = device.meter(call.suffix)
        return meter.voltage if unit == "V" else meter.current

    def set_range(device: Hioki, call: Call) -> None:
        _idle(device)
        asked, chosen = quantity(call.only(), unit), channel(device, call)
        fitting = [at for at, known in enumerate(chosen.ranges) if math.isclose(asked, known, rel_tol=1e-6)]
        if not fitting:
            raise CommandError(222)
        chosen.index, chosen.auto = fitting[0], False
        device.meter(call.suffix).range_changed()

    def set_auto(device: Hioki, call: Call) -> None:
        _idle(device)
        channel(device, call).auto = boolean(call)

    def full_scale(device: Hioki, call: Call) -> str:
        chosen = channel(device, call)
        return f"{chosen.ranges[chosen.index] * device.range_unit:g}"

    header = f":{name}{number}"
    return [
        Command(f"{header}:RANGe", set_range, full_scale),
        Command(f"{header}:AUTO", set_auto, lambda d, call: _switch(channel(d, call).auto)),
    ]


def commands(*, numbered: bool) -> tuple[Command[Hioki], ...]:
    """Get everything that it understands; with several channels the headers of ranges are numbered."""
    number = "<x>" if numbered else ""
    return (
        Command("*IDN", None, lambda d, _: f"HIOKI,{d.model},SIMULATED,V1.00", headed=False),
        Command("*ESR", None, lambda d, _: str(d.status.take_standard()), headed=False),
        Command("*CLS", lambda d, _: d.status.clear()),
        Command("*OPC", lambda d, _: d.status.complete(), lambda *_: "1", headed=False),
        Command(":HEADer", _head, lambda d, _: _switch(d.status.headed)),
        Command(":HOLD", _hold, lambda d, _: _switch(d.held)),
        Command(":ESR<x>", None, _take_events, headed=False),
        Command(":AVERaging", _set_average, lambda d, _: str(d.channels.period_ms // CYCLE_MS)),
        Command(":INTEGrate:STATe", _set_integration, lambda d, _: d.integration),
        Command(":MEASure[:POWer]", None, _measured, headed=False),
        *_range_commands("VOLTage", "V", number),
        *_range_commands("CURRent", "A", number),
    )


def _make(model: str, count: int, setting: Setting) -> Device:
    small = model == "PW3335"
    volts = PW3335_VOLTAGE_RANGES_V if small else VOLTAGE_RANGES_V
    amperes = PW3335_CURRENT_RANGES_A if small else CURRENT_RANGES_A
    channels = Channels(setting.load, setting.mains, count, volts, amperes, CYCLE_MS, setting.clock())
    return Hioki(model, channels, setting.clock)


def pw3335(setting: Setting) -> Device:
    """Make a PW3335, which has one channel."""
    return _make("PW3335", 1, setting)


def pw3336(setting: Setting) -> Device:
    """Make a PW3336, which has two channels."""
    return _make("PW3336", 2, setting)


def pw3337(setting: Setting) -> Device:
    """Make a PW3337, which has three channels."""
    return _make("PW3337", 3, setting)
