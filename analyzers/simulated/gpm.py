"""Simulated GW Instek GPM-8213 and GPM-8310: a Yokogawa WT310E with another identity and the mode ACDC."""

from dataclasses import replace

from analyzers.simulated import profiles
from analyzers.simulated.commands import commands
from analyzers.simulated.device import Device, Setting
from analyzers.simulated.inputs import kept
from analyzers.simulated.yokogawa import Analyzer

PROFILE = replace(
    profiles.WT310E, title="GW Instek GPM-8310", identity="GWInstek,GPM-8310,SIMULATED,V1.00", range_digits="coarse"
)
MODE = kept("[:INPut]:MODE", ("RMS", "ACDC", "DC", "VMEan"))
"""Source: GPMLink, a public program for the meter, as is the way that it writes ranges."""


def gpm8310(setting: Setting) -> Device:
    """Make a GPM-8310."""
    return Analyzer(PROFILE, setting, (*commands(PROFILE), MODE))


def gpm8213(setting: Setting) -> Device:
    """Make a GPM-8213."""
    profile = replace(PROFILE, title="GW Instek GPM-8213", identity="GWInstek,GPM-8213,SIMULATED,V1.05")
    return Analyzer(profile, setting, (*commands(profile), MODE))
