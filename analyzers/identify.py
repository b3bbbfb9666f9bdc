"""Who is at the other end of a line, and which driver suits it."""

from dataclasses import dataclass

from analyzers.catalogue import ANY, best_of, suiting
from analyzers.driver import Driver, Family
from analyzers.drivers import driver_for
from analyzers.drivers.dialogue import Dialogue
from analyzers.place import Place
from analyzers.transport import Transport, ask
from metrology.errors import ConfigError, InstrumentError, WrongInstrumentError

OPTIONS_S = 1.0
"""Longest wait for the answer to `*OPT?`, which not every model knows."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who answered.

    Attributes:
        idn: the answer to `*IDN?`.
        maker, model, serial, firmware: its four fields.
        options: the answer to `*OPT?`; None where it was not asked or not answered.
        families: those whose driver reads it.
    """

    idn: str
    maker: str
    model: str
    serial: str
    firmware: str
    options: str | None
    families: tuple[Family, ...]

    @property
    def simulated(self) -> bool:
        """Tell whether it says of itself that it is simulated."""
        return "SIMULATED" in self.idn


def identify(transport: Transport, family: Family = ANY) -> Identity:
    """Ask who is there.

    Raises:
        InstrumentAbsentError: nobody answers.
        WrongInstrumentError: what comes is no identity, or not that of the family.
    """
    transport.clear()
    if transport.byte_s:
        transport.write("")  # on a serial line: ends what a program that died may have left half written
    idn = Dialogue(transport, family).identify()
    maker, model, serial, firmware = idn.split(",")
    options = _options(transport) if maker.upper() == "YOKOGAWA" else None
    return Identity(idn, maker, model, serial, firmware, options, tuple(suiting(idn)))


def _options(transport: Transport) -> str | None:
    """Ask for the options; Yokogawa's meters alone are known to have the question."""
    try:
        return ask(transport, "*OPT?", OPTIONS_S)
    except InstrumentError:
        return None


def identify_at(place: Place, family: Family = ANY) -> Identity:
    """Open a line, ask who is there, and close it; errors as in `identify` and `Place.open`."""
    transport = place.open(family)
    try:
        return identify(transport, family)
    except WrongInstrumentError as problem:
        raise WrongInstrumentError(f"at '{place.port}' {problem.message}", problem.hint) from problem
    finally:
        transport.close()


def driver_at(place: Place, device_type: int | None, *, dc: bool = False, several: bool = False) -> Driver:
    """Get the driver for a device type or, where none is named, for whatever answers.

    Raises:
        WrongInstrumentError: no driver is known for what answers.
        ConfigError: there is no such type.
        InstrumentAbsentError: nobody answers.
    """
    if device_type is not None:
        return driver_for(device_type, dc=dc)
    identity = identify_at(place)
    family = best_of(list(identity.families), dc=dc, several=several)
    if family is not None:
        return driver_for(family.device_type)
    if identity.families:
        kind = f"{'DC' if dc else 'AC'} of {'several channels' if several else 'one channel'}"
        raise ConfigError(
            f"no driver reads {kind} from {identity.idn!r}",
            f"give --type, one of {', '.join(str(each.device_type) for each in identity.families)}",
        )
    raise WrongInstrumentError(
        f"at '{place.port}' {identity.idn!r} answered, and no driver here knows it",
        "see 'wattrig analyzers list'; 'wattrig analyzers record' saves its dialogue for a driver to be written",
    )
