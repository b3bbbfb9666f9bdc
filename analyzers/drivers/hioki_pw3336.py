"""Hioki PW3336 and PW3337, whose channels are numbered; all else is in `hioki`."""

from dataclasses import replace
from typing import ClassVar

from analyzers.driver import Family
from analyzers.drivers.hioki import PW3335
from analyzers.drivers.hioki_values import CURRENT_RANGES_A, VOLTAGE_RANGES_V


class PW3336(PW3335):
    """Driver of PTDaemon's device type 58: one channel of a PW3336."""

    family: Family = replace(
        PW3335.family,
        device_type=58,
        title="Hioki PW3336",
        idn=r"HIOKI,PW3336(-\d\d)?,.*",
        source="PW3336A987-01, PW3335A985-01, manual of the 3332",
        channels=2,
    )
    name: ClassVar[str] = "HiokiPW3336"
    voltage_ranges_v: ClassVar[tuple[float, ...]] = VOLTAGE_RANGES_V
    current_ranges_a: ClassVar[tuple[float, ...]] = CURRENT_RANGES_A

    def _numbers(self, channels: tuple[int, ...]) -> tuple[str, ...]:
        return tuple(map(str, channels))


class PW3336Multichannel(PW3336):
    """Driver of PTDaemon's device type 59: both channels of a PW3336."""

    family: Family = replace(PW3336.family, device_type=59, title="Hioki multichannel PW3336", multichannel=True)
    name: ClassVar[str] = "HiokiPW3336_multichannel"


class PW3337(PW3336):
    """Driver of PTDaemon's device type 60: one channel of a PW3337."""

    family: Family = replace(
        PW3336.family, device_type=60, title="Hioki PW3337", idn=r"HIOKI,PW3337(-\d\d)?,.*", channels=3
    )
    name: ClassVar[str] = "HiokiPW3337"


class PW3337Multichannel(PW3337):
    """Driver of PTDaemon's device type 61: the channels of a PW3337, each on its own."""

    family: Family = replace(PW3337.family, device_type=61, title="Hioki multichannel PW3337", multichannel=True)
    name: ClassVar[str] = "HiokiPW3337_multichannel"
