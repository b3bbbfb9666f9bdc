"""Rules about how the numbers of a sample fit together: the four quantities, the channels, and the ranges set."""

from collections.abc import Iterator

import numpy as np

from compliance.checks.sample_places import all_good, drawing, fold, load_of, runs, sent_on_line
from compliance.facts import SessionFacts
from compliance.findings import Ask, Findings, MissingFactError
from evidence.columns import Floats, Ints
from evidence.power_samples import GOOD, PowerLog
from metrology.ranges import smallest_range

VOLTAGE, CURRENT = 1, 2
UNITS = {VOLTAGE: "V", CURRENT: "A"}
NAMES = {VOLTAGE: "voltage", CURRENT: "current"}


def product(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that power is voltage times current times power factor, for each channel that is measured by itself."""
    most = ask.number("most")
    for run in runs(facts, ask):
        for row in _single(run.log):
            off = _relative_difference(run.log, row, ask.number("floor_w" if row == 0 else "channel_floor_w"))
            name, worst = f" of {run.log.channels[row]}" if row else "", float(off.max(initial=0.0))
            told = f"have watts{name} that are not volts x amperes x power factor (up to {worst:.2%} off)"
            yield from fold(run.ask, run.log, off > most, told, got=round(worst, 6), expected=most, unit="1")


def _single(log: PowerLog) -> Ints:
    """Get the channels that are measured by themselves; the volts and amperes of a sum are means, or absent."""
    return np.zeros(1, np.int64) if len(log.channels) == 1 else drawing(log)[1:]


def _relative_difference(log: PowerLog, row: int, floor_w: float) -> Floats:
    """Get how far watts are from volts x amperes x power factor, as a part of the watts; 0 within the floor.

    Left out are readings that are not good, and those of quantities that are not positive.
    """
    sound = (log.quality[row] == GOOD) & np.all(log.values[row] > 0, axis=0)
    power, voltage, current, factor = log.values[row][:, sound]
    found = np.zeros(len(sound))
    with np.errstate(over="ignore"):
        off = np.abs(voltage * current * factor - power)
        found[sound] = np.where(off > floor_w, off / power, 0.0)
    return found


def channel_sum(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that the power of the sum is that of its channels added up."""
    if len(facts.power_log("testing").channels) == 1:
        ask.not_applicable("the analyzer has a single channel")
    for run in runs(facts, ask):
        parts = _parts(run.log)
        if not len(parts):
            continue
        power = run.log.values[:, 0]
        sound = np.all((run.log.quality[[0, *parts]] == GOOD) & (power[[0, *parts]] >= 0), axis=0)
        with np.errstate(over="ignore", invalid="ignore"):
            off = np.where(sound, np.abs(power[parts].sum(axis=0) - power[0]), 0.0)
        wrong = off > ask.number("most_w")
        worst = round(float(off.max(initial=0.0)), 6)
        told = f"have a sum that is not that of the channels (up to {worst:g} W off)"
        yield from fold(run.ask, run.log, wrong, told, got=worst, expected=ask.number("most_w"), unit="W")


def _parts(log: PowerLog) -> Ints:
    """Get the channels that make up the sum: the analyzers of a merged log, or else the channels."""
    return np.array([row for row, name in enumerate(log.channels) if row and "/" not in name], np.int64)


def within_range(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that voltage and current of the testing run fit the ranges that were set for it."""
    log = facts.power_log("testing")
    told = dict(_ranges(facts))
    if not told:
        raise MissingFactError(f"{facts.server.file.name} sets no ranges before the testing run")
    for quantity in (VOLTAGE, CURRENT):
        if quantity in told:
            yield from _beyond(facts, ask, log, quantity, told[quantity])
    if all(full_scale is None for full_scale, _ in told.values()):
        ask.not_applicable("the ranges of the testing run are automatic, which is for another rule to judge")


def _beyond(
    facts: SessionFacts, ask: Ask, log: PowerLog, quantity: int, setting: tuple[float | None, str]
) -> Findings:
    asked, command = setting
    if asked is None:
        return
    steps = ask.params[f"{NAMES[quantity]}_steps"]
    full_scale = (smallest_range(asked, steps) if isinstance(steps, list) else None) or asked
    limit = ask.number("most") * full_scale
    values = np.where(log.quality == GOOD, log.values[:, quantity], 0.0)[drawing(log)].max(axis=0)
    worst = float(values.max(initial=0.0))
    at, unit = sent_on_line(facts, command), UNITS[quantity]
    told = f"have a {NAMES[quantity]} of up to {worst:g} {unit}, with '{command}' set (line {at} of server.log)"
    yield from fold(ask, log, values > limit, told, got=worst, expected=limit, unit=unit)


def _ranges(facts: SessionFacts) -> Iterator[tuple[int, tuple[float | None, str]]]:
    """Get the ranges in force when testing began, the largest one of several analyzers; None for automatic."""
    now: dict[int, tuple[float | None, str]] = {}
    found: dict[int, tuple[float | None, str]] = {}
    for command, _ in facts.record("server").ptd_messages:
        if command.startswith(("SR,V,", "SR,A,")):
            quantity = VOLTAGE if command[3] == "V" else CURRENT
            now[quantity] = (_full_scale(command[5:]), command[:100])
        elif command.startswith("Go,") and command.endswith("_testing"):
            for quantity, setting in now.items():
                before = found.get(quantity, setting)
                found[quantity] = max(before, setting, key=lambda one: np.inf if one[0] is None else one[0])
    yield from found.items()


def _full_scale(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) and value > 0 else None


def low_power_factor(facts: SessionFacts, ask: Ask) -> Findings:
    """Note a small load with a low power factor, whose current has peaks that a range may clip."""
    load = load_of(facts)
    power, factor = load.log.power_w, load.log.power_factor
    good = load.within & all_good(load.log) & (power > 0) & (factor > 0)
    if not good.any():
        ask.not_applicable("no sample in the power window has a power factor")
    with np.errstate(over="ignore"):
        mean_w, mean_factor = float(power[good].mean()), float(factor[good].mean())
    limit_w, limit = ask.number("below_w"), ask.number("below_power_factor")
    if mean_w < limit_w and mean_factor < limit:
        told = f"the load drew {mean_w:.2f} W with a power factor of {mean_factor:.3f}"
        yield ask.fail(told, file=load.log.file.name, got=round(mean_factor, 4), expected=limit, unit="1")
