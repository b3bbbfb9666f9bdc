"""Commands of a simulated Yokogawa meter about its inputs: ranges, crest factor, update period, and settings kept."""

import math

from analyzers.simulated.arguments import boolean, quantity, word
from analyzers.simulated.language import Call, Command, short_form
from analyzers.simulated.meter import Channel, Meter
from analyzers.simulated.numbers import range_text
from analyzers.simulated.profiles import Profile
from analyzers.simulated.status import CommandError
from analyzers.simulated.yokogawa import Analyzer

SWITCH = ("0", "1")
WT300_WORDS = {
    "[:INPut]:SYNChronize": ("VOLTage", "CURRent", "OFF"),
    "[:INPut]:FILTer:LINE": SWITCH,
    "[:INPut]:FILTer:FREQuency": SWITCH,
    "[:INPut]:MODE": ("RMS", "VMEan", "DC"),
    "[:INPut]:SCALing[:STATe]": SWITCH,
    ":MEASure:AVERaging[:STATe]": SWITCH,
    ":MEASure:AVERaging:TYPE": ("LINear", "EXPonent"),
    ":MEASure:AVERaging:COUNt": ("8", "16", "32", "64"),
    ":MEASure:MHOLd": SWITCH,
    ":INTEGrate:MODE": ("NORMal", "CONTinuous"),
}
WT200_WORDS = {
    "[:CONFigure]:SYNChronize": ("VOLTage", "CURRent", "OFF"),
    "[:CONFigure]:LFILter": SWITCH,
    "[:CONFigure]:FILTer": SWITCH,
    "[:CONFigure]:MODE": ("RMS", "VMEan", "DC"),
    "[:CONFigure]:SCALing[:STATe]": SWITCH,
    "[:CONFigure]:AVERaging:STATe": SWITCH,
    "[:CONFigure]:AVERaging:TYPE": ("LINear", "EXPonent"),
    "[:CONFigure]:MHOLd": SWITCH,
    ":SAMPle:HOLD": SWITCH,
    ":INTEGrate:MODE": ("NORMal", "CONTinuous"),
}
WT500_WORDS = {
    ":MEASure:AVERaging[:STATe]": SWITCH,
    ":MEASure:AVERaging:TYPE": ("EXPonent", "LINear"),
    ":MEASure:MHOLd": SWITCH,
    ":INTEGrate:MODE": ("NORMal", "CONTinuous"),
}
WT500_ELEMENT_WORDS = {
    "[:INPut]:SYNChronize:ELEMent<x>": ("I1", "I2", "I3", "I4", "U1", "U2", "U3", "U4", "NONE"),
    "[:INPut]:FILTer:LINE:ELEMent<x>": ("OFF", "500HZ", "5.5KHZ"),
    "[:INPut]:FILTer:FREQuency:ELEMent<x>": SWITCH,
    "[:INPut]:SCALing[:STATe]:ELEMent<x>": SWITCH,
}
"""Settings that are kept and answered only, and what each can be; it starts with the first."""
WORDS = {"WT300": WT300_WORDS, "WT200": WT200_WORDS, "WT500": {**WT500_WORDS, **WT500_ELEMENT_WORDS}}


def idle(device: Analyzer) -> None:
    """Refuse a setting while energy is counted or shown."""
    if device.integrating:
        raise CommandError(813)


def spoken(device: Analyzer, word: str) -> str:
    """Get a word of an answer, in full where the instrument is told to be verbose."""
    return word.upper() if device.status.verbose else short_form(word)


def element(device: Analyzer, call: Call) -> Meter:
    """Get the element that a header names, the first one where it names none."""
    number = call.suffix or 1
    if number > len(device.meters):
        raise CommandError(114)
    return device.meters[number - 1]


def kept(pattern: str, options: tuple[str, ...]) -> Command[Analyzer]:
    """Make the command of a setting that is kept and answered only."""

    def write(device: Analyzer, call: Call) -> None:
        idle(device)
        element(device, call)
        text = str(int(boolean(call))) if options == SWITCH else word(call.only(), options)
        device.words[f"{pattern}{call.suffix}"] = text

    def query(device: Analyzer, call: Call) -> str:
        element(device, call)
        return spoken(device, device.words.get(f"{pattern}{call.suffix}", options[0]))

    return Command(pattern, write, query)


def _range_index(meter: Meter, channel: Channel, text: str, unit: str) -> int:
    full_scale = quantity(text, unit) / meter.scale
    for index, known in enumerate(channel.ranges):
        if math.isclose(full_scale, known, rel_tol=1e-6):
            return index
    raise CommandError(222)


def range_commands(root: str, name: str, unit: str, *, each: bool) -> list[Command[Analyzer]]:
    """Make the commands of a range, common to all elements or of each."""
    header, place = f"[:{root}]:{name}", ":ELEMent<x>" if each else ""

    def channel(device: Analyzer, call: Call) -> tuple[Meter, Channel]:
        meter = element(device, call)
        return meter, meter.voltage if unit == "V" else meter.current

    def write(device: Analyzer, call: Call) -> None:
        idle(device)
        meter, one = channel(device, call)
        one.index = _range_index(meter, one, call.only(), unit)
        for changed in [meter] if each else device.meters:
            changed.range_changed()

    def write_auto(device: Analyzer, call: Call) -> None:
        idle(device)
        channel(device, call)[1].auto = boolean(call)

    def full_scale(device: Analyzer, call: Call) -> str:
        meter = element(device, call)
        shown = (meter.range_v if unit == "V" else meter.range_a) * device.range_unit
        return range_text(shown, device.profile.range_digits)

    return [
        Command(f"{header}:RANGe{place}", write, full_scale),
        Command(f"{header}:AUTO{place}", write_auto, lambda d, call: str(int(channel(d, call)[1].auto))),
    ]


def _set_crest_factor(device: Analyzer, call: Call) -> None:
    idle(device)
    text = word(call.only(), device.profile.crest_factors)
    for meter in device.meters:
        meter.crest_factor = text
    device.range_changed()


def _set_rate(device: Analyzer, call: Call) -> None:
    idle(device)
    rate_ms = round(quantity(call.only(), "S") * 1000, 6)
    if rate_ms not in device.profile.rates_ms:
        raise CommandError(222)
    device.set_rate(int(rate_ms))


def _rate_text(device: Analyzer, _: Call) -> str:
    return f"{device.rate_ms}MS" if device.rate_ms < 1000 else f"{device.rate_ms // 1000}S"


def reset(device: Analyzer) -> None:
    """Set all to how the instrument starts, but the ranges, which become automatic, and how it answers."""
    idle(device)
    device.preset()
    device.words = {}
    for meter in device.meters:
        meter.voltage.auto = meter.current.auto = True
        meter.crest_factor = device.profile.crest_factors[0]
    device.range_changed()
    device.set_rate(device.profile.first_rate_ms)


def input_commands(profile: Profile) -> list[Command[Analyzer]]:
    """Get the commands about the inputs of a model."""
    root = "CONFigure" if profile.dialect == "WT200" else "INPut"
    each = profile.dialect == "WT500"
    rates = {"WT300": (":RATE", ":SAMPle:RATE"), "WT200": (":SAMPle:RATE",), "WT500": (":RATE",)}[profile.dialect]
    ranges = [*range_commands(root, "VOLTage", "V", each=each), *range_commands(root, "CURRent", "A", each=each)]
    return [
        *(kept(pattern, options) for pattern, options in WORDS[profile.dialect].items()),
        *ranges,
        Command(f"[:{root}]:CFACtor", _set_crest_factor, lambda d, _: d.meters[0].crest_factor),
        Command(f"[:{root}]:WIRing", None, lambda d, _: d.profile.wiring),
        *(Command(header, _set_rate, _rate_text) for header in rates),
        *([Command("[:INPut]:CRANge", None, lambda d, _: str(d.peaks))] if profile.dialect == "WT300" else []),
    ]
