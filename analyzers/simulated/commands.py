"""The commands of a simulated Yokogawa WT310E.

Names and answers follow IM WT310E-17EN as known from PTDaemon's logs and public drivers.
"""

import math
from collections.abc import Callable

from analyzers.simulated.arguments import boolean, integer, quantity, word
from analyzers.simulated.language import Call, Command, short_form
from analyzers.simulated.meter import FIRST_RATE_MS, RATES_MS, Channel
from analyzers.simulated.numbers import display, float_block, range_text
from analyzers.simulated.status import CommandError
from analyzers.simulated.wt310e import FUNCTIONS, IDENTITY, KEPT_WORDS, PRESETS, Wt310e

MOST_ITEMS = 255
"""Most items that one answer holds; source: IM WT310E-17EN."""


def _spoken(device: Wt310e, word: str) -> str:
    return word.upper() if device.status.verbose else short_form(word)


def _idle(device: Wt310e) -> None:
    if device.meter.integration.state != "RESet":
        raise CommandError(813)


def _kept(pattern: str) -> Command[Wt310e]:
    options = KEPT_WORDS[pattern]

    def write(device: Wt310e, call: Call) -> None:
        _idle(device)
        device.words[pattern] = str(int(boolean(call))) if options == ("0", "1") else word(call.only(), options)

    return Command(pattern, write, lambda device, _: _spoken(device, device.words[pattern]))


def _set_range(device: Wt310e, channel: Channel, text: str, unit: str) -> None:
    _idle(device)
    full_scale = quantity(text, unit) / device.meter.scale
    for index, known in enumerate(channel.ranges):
        if math.isclose(full_scale, known, rel_tol=1e-6):
            channel.index = index
            return device.meter.range_changed()
    raise CommandError(222)


def _set_auto(device: Wt310e, channel: Channel, on: bool) -> None:
    _idle(device)
    channel.auto = on


def _set_crest_factor(device: Wt310e, call: Call) -> None:
    _idle(device)
    device.meter.crest_factor = word(call.only(), ("3", "6", "6A"))
    device.meter.range_changed()


def _set_rate(device: Wt310e, call: Call) -> None:
    _idle(device)
    rate_ms = round(quantity(call.only(), "S") * 1000, 6)
    if rate_ms not in RATES_MS:
        raise CommandError(222)
    device.meter.set_rate(int(rate_ms), device.clock())


def _rate_text(device: Wt310e, _: Call) -> str:
    rate_ms = device.meter.rate_ms
    return f"{rate_ms}MS" if rate_ms < 1000 else f"{rate_ms // 1000}S"


def _reset(device: Wt310e) -> None:
    _idle(device)
    device.preset()
    device.meter.voltage.auto = device.meter.current.auto = True
    device.meter.crest_factor = "3"
    device.meter.range_changed()
    device.meter.set_rate(FIRST_RATE_MS, device.clock())


def _set_item(device: Wt310e, call: Call) -> None:
    if not 1 <= call.suffix <= MOST_ITEMS:
        raise CommandError(114)
    name = word(call.arguments[0] if call.arguments else "", ("LAMBda", *FUNCTIONS))
    if call.arguments[1:] not in ((), ("1",)):
        raise CommandError(222)
    device.items += ["NONE"] * (call.suffix - len(device.items))
    device.items[call.suffix - 1] = short_form(name)


def _item_text(device: Wt310e, call: Call) -> str:
    name = device.items[call.suffix - 1] if 1 <= call.suffix <= len(device.items) else "NONE"
    return name if name == "NONE" else f"{name},1"


def _set_items(device: Wt310e, count: int) -> None:
    device.items = (device.items + ["NONE"] * count)[:count]


def _all_items(device: Wt310e, _: Call) -> str:
    names = (_item_text(device, Call((), number + 1)) for number in range(len(device.items)))
    return ";".join((str(len(device.items)), *names))


def _clear_items(device: Wt310e, call: Call) -> None:
    word(call.only(), ("ALL",))
    device.items = ["NONE"] * len(device.items)


def _set_preset(device: Wt310e, call: Call) -> None:
    device.items = list(PRESETS[integer(call.only(), 1, 4)])


def _values(device: Wt310e, call: Call) -> str:
    items = device.items
    if call.arguments:
        number = integer(call.only(), 1, len(items))
        items = items[number - 1 : number]
    measured = [device.value(item) for item in items]
    if device.binary:
        return float_block([value for value, _ in measured])
    return ",".join(display(value, full_scale) for value, full_scale in measured)


def _set_binary(device: Wt310e, call: Call) -> None:
    device.binary = word(call.only(), ("ASCii", "FLOat")) == "FLOat"


def _integrate(action: str) -> Callable[[Wt310e, Call], None]:
    def write(device: Wt310e, _: Call) -> None:
        now_s, integration = device.clock(), device.meter.integration
        if action == "reset":
            return integration.reset()
        count = integration.start if action == "start" else integration.stop
        return count(now_s, device.meter.load.energy_j(now_s))

    return write


def _set_filter(device: Wt310e, call: Call) -> None:
    if not 1 <= call.suffix <= 16:
        raise CommandError(114)
    edge = short_form(word(call.only(), ("RISE", "FALL", "BOTH", "NEVer")))
    device.status.filters.pop(call.suffix - 1, None)
    if edge != "NEV":
        device.status.filters[call.suffix - 1] = edge


def _wait(device: Wt310e, call: Call) -> None:
    device.status.waiting = integer(call.only(), 0, 65535)


def _answering(attribute: str) -> Callable[[Wt310e, Call], None]:
    return lambda device, call: setattr(device.status, attribute, boolean(call))


def _answered(attribute: str) -> Callable[[Wt310e, Call], str]:
    return lambda device, _: str(int(getattr(device.status, attribute)))


def _range_commands(name: str, unit: str) -> list[Command[Wt310e]]:
    def channel(device: Wt310e) -> Channel:
        return device.meter.voltage if unit == "V" else device.meter.current

    def full_scale(device: Wt310e, _: Call) -> str:
        return range_text(device.meter.range_v if unit == "V" else device.meter.range_a)

    return [
        Command(f"[:INPut]:{name}:RANGe", lambda d, call: _set_range(d, channel(d), call.only(), unit), full_scale),
        Command(
            f"[:INPut]:{name}:AUTO",
            lambda d, call: _set_auto(d, channel(d), boolean(call)),
            lambda d, _: str(int(channel(d).auto)),
        ),
    ]


def _common(name: str, answer: str) -> Command[Wt310e]:
    return Command(name, None, lambda *_: answer, headed=False)


COMMANDS: tuple[Command[Wt310e], ...] = (
    _common("*IDN", IDENTITY),
    _common("*OPT", "NONE"),
    Command("*OPC", lambda d, _: d.status.complete(), lambda *_: "1", headed=False),
    Command("*ESR", None, lambda d, _: str(d.status.take_standard()), headed=False),
    Command("*CLS", lambda d, _: d.status.clear()),
    Command("*RST", lambda d, _: _reset(d)),
    *(_kept(pattern) for pattern in KEPT_WORDS),
    *_range_commands("VOLTage", "V"),
    *_range_commands("CURRent", "A"),
    Command("[:INPut]:CFACtor", _set_crest_factor, lambda d, _: d.meter.crest_factor),
    Command("[:INPut]:WIRing", None, lambda *_: "P1W2"),
    Command("[:INPut]:CRANge", None, lambda d, _: str(d.status.condition >> 7 & 3)),
    Command(":RATE", _set_rate, _rate_text),
    Command(":SAMPle:RATE", _set_rate, _rate_text),
    Command(":NUMeric[:NORMal]", None, _all_items),
    Command(":NUMeric:FORMat", _set_binary, lambda d, _: _spoken(d, "FLOat" if d.binary else "ASCii")),
    Command(
        ":NUMeric[:NORMal]:NUMber",
        lambda d, call: _set_items(d, integer(call.only(), 1, MOST_ITEMS)),
        lambda d, _: str(len(d.items)),
    ),
    Command(":NUMeric[:NORMal]:ITEM<x>", _set_item, _item_text),
    Command(":NUMeric[:NORMal]:PRESet", _set_preset),
    Command(":NUMeric[:NORMal]:CLEar", _clear_items),
    Command(":NUMeric[:NORMal]:VALue", None, _values, headed=False),
    Command(":INTEGrate:STARt", _integrate("start")),
    Command(":INTEGrate:STOP", _integrate("stop")),
    Command(":INTEGrate:RESet", _integrate("reset")),
    Command(":INTEGrate:STATe", None, lambda d, _: _spoken(d, d.meter.integration.state)),
    Command(":STATus:ERRor", None, lambda d, _: d.status.next_error(), headed=False),
    Command(":STATus:CONDition", None, lambda d, _: str(d.status.condition), headed=False),
    Command(":STATus:EESR", None, lambda d, _: str(d.status.take_extended()), headed=False),
    Command(":STATus:FILTer<x>", _set_filter, lambda d, call: d.status.filters.get(call.suffix - 1, "NEV")),
    Command(":STATus:QMESsage", _answering("messages"), _answered("messages")),
    Command(":COMMunicate:REMote", _answering("remote"), _answered("remote")),
    Command(":COMMunicate:HEADer", _answering("headed"), _answered("headed")),
    Command(":COMMunicate:VERBose", _answering("verbose"), _answered("verbose")),
    Command(":COMMunicate:WAIT", _wait),
)
"""Everything it understands."""
