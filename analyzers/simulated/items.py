"""Commands of a simulated Yokogawa meter about the values that it answers."""

from analyzers.simulated.arguments import boolean, integer, word
from analyzers.simulated.inputs import element, spoken
from analyzers.simulated.language import Call, Command, short_form
from analyzers.simulated.numbers import float_block
from analyzers.simulated.profiles import PRESETS, WT210_FUNCTIONS, Profile
from analyzers.simulated.status import CommandError
from analyzers.simulated.yokogawa import Analyzer, Item

MOST_ITEMS = 255
"""Most items that one answer holds; source: IM WT310E-17EN."""
NONE: Item = ("NONE", 0)


def _set_item(device: Analyzer, call: Call) -> None:
    if not 1 <= call.suffix <= MOST_ITEMS:
        raise CommandError(114)
    name = word(call.arguments[0] if call.arguments else "", ("LAMBda", *device.profile.functions))
    if len(call.arguments) > 2:
        raise CommandError(108)
    number = integer(call.arguments[1], 1, len(device.meters)) if call.arguments[1:] else 1
    device.items += [NONE] * (call.suffix - len(device.items))
    device.items[call.suffix - 1] = NONE if name == "NONE" else (short_form(name), number)


def _item_text(device: Analyzer, call: Call) -> str:
    name, number = device.items[call.suffix - 1] if 1 <= call.suffix <= len(device.items) else NONE
    return name if name == "NONE" else f"{name},{number}"


def _set_items(device: Analyzer, call: Call) -> None:
    count = integer(call.only(), 1, MOST_ITEMS)
    device.items = (device.items + [NONE] * count)[:count]


def _all_items(device: Analyzer, _: Call) -> str:
    names = (_item_text(device, Call((), number + 1)) for number in range(len(device.items)))
    return ";".join((str(len(device.items)), *names))


def _clear_items(device: Analyzer, call: Call) -> None:
    word(call.only(), ("ALL",))
    device.items = [NONE] * len(device.items)


def _set_preset(device: Analyzer, call: Call) -> None:
    device.items = device.listed(PRESETS[integer(call.only(), 1, 4)])


def _set_binary(device: Analyzer, call: Call) -> None:
    device.binary = word(call.only(), ("ASCii", "FLOat")) == "FLOat"


def _values(device: Analyzer, call: Call) -> str:
    items = device.items
    if call.arguments:
        number = integer(call.only(), 1, len(items))
        items = items[number - 1 : number]
    if device.binary:
        return float_block(
            [device.value(item)[0] if device.spoiled is None else float(device.spoiled) for item in items]
        )
    return ",".join(map(device.text, items))


NUMERIC: tuple[Command[Analyzer], ...] = (
    Command(":NUMeric[:NORMal]", None, _all_items),
    Command(":NUMeric:FORMat", _set_binary, lambda d, _: spoken(d, "FLOat" if d.binary else "ASCii")),
    Command(":NUMeric[:NORMal]:NUMber", _set_items, lambda d, _: str(len(d.items))),
    Command(":NUMeric[:NORMal]:ITEM<x>", _set_item, _item_text),
    Command(":NUMeric[:NORMal]:PRESet", _set_preset),
    Command(":NUMeric[:NORMal]:CLEar", _clear_items),
    Command(":NUMeric[:NORMal]:VALue", None, _values, headed=False),
)


def _switch(name: str, place: str) -> Command[Analyzer]:
    """Make the command that puts a function of the WT210 into its answers or takes it out."""

    def write(device: Analyzer, call: Call) -> None:
        element(device, call)
        item = (WT210_FUNCTIONS[name], call.suffix or 1)
        wanted = {*device.items, item} if boolean(call) else {*device.items} - {item}
        device.items = [shown for shown in device.listed(tuple(WT210_FUNCTIONS.values())) if shown in wanted]

    def query(device: Analyzer, call: Call) -> str:
        return str(int((WT210_FUNCTIONS[name], call.suffix or 1) in device.items))

    return Command(f":MEASure[:NORMal]:ITEM:{name}{place}", write, query)


def _preset_items(device: Analyzer, call: Call) -> None:
    chosen = {"NORMal": ("U", "I", "P"), "CLEar": (), "INTEGrate": ("P", "WH", "AH", "TIME")}
    device.items = device.listed(chosen[word(call.only(), tuple(chosen))])


WT200_ITEMS: tuple[Command[Analyzer], ...] = (
    *(_switch(name, place) for name in WT210_FUNCTIONS for place in ("[:ALL]", ":ELEMent<x>")),
    Command(":MEASure[:NORMal]:ITEM:PRESet", _preset_items),
    Command(":MEASure[:NORMal]:VALue", None, _values, headed=False),
)
"""The WT210 answers its functions in an order of its own, whatever the order of asking."""


def item_commands(profile: Profile) -> tuple[Command[Analyzer], ...]:
    """Get the commands about the values of a model."""
    return WT200_ITEMS if profile.dialect == "WT200" else NUMERIC
