"""The commands of the simulated Yokogawa meters, and what makes the meters.

Names and answers follow IM WT310E-17EN and IM 760401-01E as known from PTDaemon's logs and public drivers.
"""

from collections.abc import Callable
from functools import partial

from analyzers.simulated import profiles
from analyzers.simulated.arguments import boolean, integer, word
from analyzers.simulated.device import Maker, Setting
from analyzers.simulated.inputs import input_commands, reset, spoken
from analyzers.simulated.items import item_commands
from analyzers.simulated.language import Call, Command, short_form
from analyzers.simulated.profiles import Profile
from analyzers.simulated.status import CommandError
from analyzers.simulated.yokogawa import Analyzer


def _integrate(action: str) -> Callable[[Analyzer, Call], None]:
    def write(device: Analyzer, _: Call) -> None:
        now_s = device.clock()
        for meter in device.meters:
            if action == "reset":
                meter.integration.reset()
            else:
                count = meter.integration.start if action == "start" else meter.integration.stop
                count(now_s, meter.load.energy_j(now_s))

    return write


def _set_filter(device: Analyzer, call: Call) -> None:
    if not 1 <= call.suffix <= 16:
        raise CommandError(114)
    edge = short_form(word(call.only(), ("RISE", "FALL", "BOTH", "NEVer")))
    device.status.filters.pop(call.suffix - 1, None)
    if edge != "NEV":
        device.status.filters[call.suffix - 1] = edge


def _wait(device: Analyzer, call: Call) -> None:
    device.status.waiting = integer(call.only(), 0, 65535)


def _answering(attribute: str) -> Callable[[Analyzer, Call], None]:
    return lambda device, call: setattr(device.status, attribute, boolean(call))


def _answered(attribute: str) -> Callable[[Analyzer, Call], str]:
    return lambda device, _: str(int(getattr(device.status, attribute)))


SHARED: tuple[Command[Analyzer], ...] = (
    Command("*IDN", None, lambda d, _: d.profile.identity, headed=False),
    Command("*OPT", None, lambda *_: "NONE", headed=False),
    Command("*OPC", lambda d, _: d.status.complete(), lambda *_: "1", headed=False),
    Command("*ESR", None, lambda d, _: str(d.status.take_standard()), headed=False),
    Command("*CLS", lambda d, _: d.status.clear()),
    Command("*RST", lambda d, _: reset(d)),
    Command(":INTEGrate:STARt", _integrate("start")),
    Command(":INTEGrate:STOP", _integrate("stop")),
    Command(":INTEGrate:RESet", _integrate("reset")),
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
"""What all models understand."""
INTEGRATION_STATE: Command[Analyzer] = Command(
    ":INTEGrate:STATe", None, lambda d, _: spoken(d, d.meters[0].integration.state)
)
"""What the WT210 does not."""


def commands(profile: Profile) -> tuple[Command[Analyzer], ...]:
    """Get everything that a model understands."""
    state = () if profile.dialect == "WT200" else (INTEGRATION_STATE,)
    return (*SHARED, *state, *input_commands(profile), *item_commands(profile))


def make(profile: Profile, setting: Setting) -> Analyzer:
    """Make a meter as it is when it is switched on."""
    return Analyzer(profile, setting, commands(profile))


wt210: Maker = partial(make, profiles.WT210)
wt310: Maker = partial(make, profiles.WT310)
wt310e: Maker = partial(make, profiles.WT310E)
wt333e: Maker = partial(make, profiles.WT333E)
wt500: Maker = partial(make, profiles.WT500)
wt1804e: Maker = partial(make, profiles.WT1804E)
wt5000: Maker = partial(make, profiles.WT5000)
"""What makes each model."""
