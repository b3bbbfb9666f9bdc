"""Simulated ZES ZIMMER LMG610 and LMG670, as `analyzers.drivers.lmg` knows them: the short dialect alone.

All that the driver takes for granted without having seen it is taken for granted here too.
"""

import math
from collections.abc import Callable, Generator

from analyzers.simulated.arguments import integer, quantity, word
from analyzers.simulated.channels import Channels
from analyzers.simulated.device import Device, Setting
from analyzers.simulated.language import Call, Command, Interpreted, Interpreter
from analyzers.simulated.meter import Channel, Meter, Update
from analyzers.simulated.status import CommandError, Status

VOLTAGE_RANGES_V = (3.0, 6.0, 12.5, 25.0, 60.0, 130.0, 250.0, 400.0, 600.0, 1000.0)
CURRENT_RANGES_A = (0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.2, 2.5, 5.0, 10.0, 20.0, 32.0)
"""Full scales of channel type A1; from memory of the data sheet."""
FIRST_CYCLE_MS = 500
SHORTEST_CYCLE_S, LONGEST_CYCLE_S = 0.03, 60.0
"""From memory of the data sheet."""
NO_DATA, OVER_RANGE = "9.91E+37", "9.9E+37"
"""As in SCPI; how the meter writes them is not known."""


class Lmg(Interpreted):
    """The instrument.

    Attributes:
        title, spoiled, range_unit: see `Device`.
        model: "LMG610" or "LMG670".
        channels, status: what it measures and what it reports about itself.
        dialect: SCPI, of which only common commands are understood, or SHORT.
        actions: what it answers at the end of each cycle while `continuous`.
    """

    def __init__(self, model: str, channels: Channels, clock: Callable[[], float]) -> None:
        self.title = f"ZES ZIMMER {model}"
        self.spoiled: str | None = None
        self.range_unit = 1.0
        self.model, self.channels, self.clock = model, channels, clock
        self.status = Status()
        self.status.headed = False
        self.dialect, self.actions, self.continuous = "SCPI", "", False
        self._interpreter = Interpreter(self, self.status, COMMANDS)

    @property
    def next_update_s(self) -> float:
        """See `Device`."""
        return self.channels.next_update_s

    def update(self) -> Update:
        """See `Device`."""
        return self.channels.update()

    def run(self, message: str) -> Generator[None, None, str]:
        """See `Device`."""
        first, _, rest = message.partition(";")
        if self.dialect == "SHORT" and first.strip().upper() == "ACTN":
            self.actions = rest
            return ""
        return (yield from self._interpreter.run(message))

    def tell(self) -> str:
        """See `Device`: the answer to the actions, while continuous."""
        if not self.continuous:
            return ""
        try:
            next(self._interpreter.run(self.actions))
        except StopIteration as finished:
            return str(finished.value)
        return ""

    def meter(self, number: int) -> Meter:
        """Get a channel by its number."""
        if not 1 <= number <= len(self.channels.meters):
            raise CommandError(114)
        return self.channels.meters[number - 1]

    def text(self, value: float) -> str:
        """Write a measured value."""
        if self.spoiled is not None:
            return self.spoiled
        if not math.isfinite(value):
            return NO_DATA if math.isnan(value) else OVER_RANGE
        return f"{value:.6g}"


def _short(device: Lmg) -> None:
    if device.dialect != "SHORT":
        raise CommandError(113)


def _measured(name: str, value: Callable[[Meter], float]) -> Command[Lmg]:
    def query(device: Lmg, call: Call) -> str:
        _short(device)
        return device.text(value(device.meter(call.suffix)))

    return Command(f"{name}<x>", None, query)


def _duration(device: Lmg, call: Call) -> str:
    _short(device)
    return f"{device.meter(call.suffix).rate_ms / 1000:.6g}"


def _range_commands(letter: str, unit: str) -> list[Command[Lmg]]:
    def channel(device: Lmg, call: Call) -> Channel:
        _short(device)
        meter = device.meter(call.suffix)
        return meter.voltage if unit == "V" else meter.current

    def set_range(device: Lmg, call: Call) -> None:
        asked, chosen = quantity(call.only(), unit), channel(device, call)
        fitting = [at for at, known in enumerate(chosen.ranges) if math.isclose(asked, known, rel_tol=1e-6)]
        if not fitting:
            raise CommandError(222)
        chosen.index = fitting[0]
        device.meter(call.suffix).range_changed()

    def set_auto(device: Lmg, call: Call) -> None:
        channel(device, call).auto = bool(integer(call.only(), 0, 1))

    def full_scale(device: Lmg, call: Call) -> str:
        chosen = channel(device, call)
        return f"{chosen.ranges[chosen.index] * device.range_unit:g}"

    return [
        Command(f"{letter}RNG<x>", set_range, full_scale),
        Command(f"{letter}AUTO<x>", set_auto, lambda d, call: str(int(channel(d, call).auto))),
    ]


def _set_cycle(device: Lmg, call: Call) -> None:
    _short(device)
    cycle_s = quantity(call.only(), "S")
    if not SHORTEST_CYCLE_S <= cycle_s <= LONGEST_CYCLE_S:
        raise CommandError(222)
    device.channels.set_period(round(cycle_s * 1000), device.clock())


def _set_continuous(device: Lmg, call: Call) -> None:
    _short(device)
    device.continuous = word(call.only(), ("ON", "OFF")) == "ON"


def _set_dialect(device: Lmg, call: Call) -> None:
    device.dialect = word(call.only(), ("SCPI", "SHORT"))


def _accept(*arguments: str) -> Callable[[Lmg, Call], None]:
    """Make a setting that can only be what it is."""

    def write(device: Lmg, call: Call) -> None:
        _short(device)
        if call.arguments != arguments:
            raise CommandError(224)

    return write


COMMANDS: tuple[Command[Lmg], ...] = (
    Command("*IDN", None, lambda d, _: f"ZES ZIMMER Electronic Systems GmbH,{d.model},SIMULATED,3.0"),
    Command("*OPC", lambda d, _: d.status.complete(), lambda *_: "1"),
    Command("*CLS", lambda d, _: d.status.clear()),
    Command("*ZLANG", _set_dialect),
    Command("ERRALL", None, lambda d, _: d.status.next_error()),
    Command("FRMT", _accept("ASCII")),
    Command("CYCLMOD", _accept("0")),
    Command("CYCL", _set_cycle, lambda d, _: f"{d.channels.period_ms / 1000:g}"),
    Command("CONT", _set_continuous),
    Command("GTL", _accept()),
    Command("DURNORM<x>", None, _duration),
    _measured("UTRMS", lambda meter: meter.values.voltage_v),
    _measured("ITRMS", lambda meter: meter.values.current_a),
    _measured("P", lambda meter: meter.values.power_w),
    _measured("PF", lambda meter: meter.values.power_factor),
    _measured("UCF", lambda _: math.sqrt(2)),
    _measured("ICF", lambda meter: meter.mains.crest),
    *_range_commands("U", "V"),
    *_range_commands("I", "A"),
)
"""Everything it understands, but `actn`."""


def _make(model: str, count: int, setting: Setting) -> Device:
    channels = Channels(
        setting.load, setting.mains, count, VOLTAGE_RANGES_V, CURRENT_RANGES_A, FIRST_CYCLE_MS, setting.clock()
    )
    return Lmg(model, channels, setting.clock)


def lmg610(setting: Setting) -> Device:
    """Make an LMG610, which has one channel."""
    return _make("LMG610", 1, setting)


def lmg670(setting: Setting) -> Device:
    """Make an LMG670 of whose channels three are fitted."""
    return _make("LMG670", 3, setting)
