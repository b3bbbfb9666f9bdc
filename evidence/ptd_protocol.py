"""Lines of the PTDaemon protocol: replies and sample lines, written and read back.

Formats are those of 3,748 public sessions (PTDaemon 1.9.2 to 1.11.1). Lines here carry no line end.
"""

import re
from dataclasses import dataclass

from evidence.stamps import format_stamp, parse_stamp
from metrology.errors import EvidenceError
from metrology.ranges import Range
from metrology.reading import Reading, Sample, decode
from metrology.uncertainty import UncertaintyTally

HELLO_REPLY = "Hello, PTDaemon here!"
RESPONSE = "Response to client sent: "
"""What the daemon's own log puts before each reply."""
WRONG_COUNT_REPLY = "Invalid number of parameters"
"""What PTDaemon answers to `RL,*,*` on a single-channel analyzer; the client then asks `RL`."""
MAXIMUM_SAMPLES = 500_000
"""Largest number of samples PTDaemon keeps in one run; source: its reply to `Go`."""
_MARKED = re.compile(r"(Time,[^\n]{1,200}?),Mark,([^,\n]{0,200})((?:,Ch\d{1,3},Watts,[^\n]*)?)")
_CHANNEL = re.compile(r",Ch\d{1,3}(?=,Watts,)")
_LAST = re.compile(r"Last (\d{1,7}) samples?(?: from sum channel and channels 1 - (\d{1,3}))?")


def go_reply(interval_ms: int, rampup: int) -> str:
    """Write the reply to `Go`."""
    return (
        f"Starting untimed measurement, maximum {MAXIMUM_SAMPLES} samples at {interval_ms}ms "
        f"with {rampup} rampup samples"
    )


def timed_reply(samples: int, interval_ms: int, rampup: int) -> str:
    """Write the reply to `Timed`; no public log shows PTDaemon's own, so this follows its reply to `Go`."""
    return f"Starting timed measurement, {samples} samples at {interval_ms}ms with {rampup} rampup samples"


def quantity_reply(name: str, span: tuple[float, float, float], samples: int, valid: int) -> str:
    """Write the reply to `Watts`, `Volts`, `Amps` or `PF`.

    Args:
        name: the quantity as PTDaemon names it.
        span: mean, minimum and maximum of the valid samples.
        samples, valid: how many samples there are, missed ones included, and how many of them are valid.
    """
    mean, minimum, maximum = span
    return f"{name},{mean:.6f},{minimum:.6f},{maximum:.6f},{samples},{samples - valid},{valid}"


def _quantities(reading: Reading) -> str:
    power, voltage, current, factor = reading.fields()
    return f"Watts,{power:.6f},Volts,{voltage:.6f},Amps,{current:.6f},PF,{factor:.6f}"


def sample_line(sample: Sample) -> str:
    """Write a sample as `RL` lists it: without mark, the channels following the sum."""
    parts = [f"Time,{format_stamp(sample.t_utc_ns)}", _quantities(sample.total)]
    parts += [_quantities(channel) for channel in sample.channels]
    return ",".join(parts)


def marked_line(listed: str, mark: str) -> str:
    """Turn a line of an `RL` listing into a line of spl.txt or of the daemon's `-l` log.

    The mark goes after the first group of quantities and `ChN` before each further one, as the reference
    director and PTDaemon itself do.
    """
    head, *groups = listed.split(",Watts,")
    if not groups:
        raise EvidenceError(f"got sample line {listed[:80]!r}, expected 'Time,...,Watts,...'")
    marked = f"{head},Watts,{groups[0]},Mark,{mark}"
    return marked + "".join(f",Ch{number},Watts,{group}" for number, group in enumerate(groups[1:], 1))


def unmarked_line(marked: str) -> tuple[str, str]:
    """Turn a line of spl.txt or of the daemon's `-l` log back into (line of an `RL` listing, mark).

    Raises:
        EvidenceError: the line carries no mark.
    """
    match = _MARKED.fullmatch(marked)
    if match is None:
        raise EvidenceError(f"got sample line {marked[:80]!r}, expected 'Time,...,PF,f,Mark,<mark>'")
    return match[1] + _CHANNEL.sub("", match[3]), match[2]


def parse_sample(listed: str) -> Sample:
    """Read a line of an `RL` listing (no mark, no `ChN`).

    Raises:
        EvidenceError: the line is not `Time,<stamp>` followed by groups of Watts, Volts, Amps, PF.
    """
    words = listed.strip().split(",")
    try:
        if words[0] != "Time" or len(words) < 10 or (len(words) - 2) % 8:
            raise ValueError(f"{len(words)} fields")
        readings = []
        for start in range(2, len(words), 8):
            group = words[start : start + 8]
            if group[::2] != ["Watts", "Volts", "Amps", "PF"]:
                raise ValueError(f"fields named {group[::2]}")
            readings.append(decode(*(float(value) for value in group[1::2])))
        return Sample(parse_stamp(words[1]), readings[0], tuple(readings[1:]))
    except ValueError as problem:
        raise EvidenceError(
            f"got sample line {listed[:80]!r} ({problem}), "
            "expected 'Time,MM-DD-YYYY hh:mm:ss.mmm,Watts,w,Volts,v,Amps,a,PF,f' and the same four per channel"
        ) from problem


def list_header(count: int, channels: int) -> str:
    """Write the first line of the reply to `RL` (one channel: 0) or `RL,*,*`."""
    plural = "sample" if count == 1 else "samples"
    return f"Last {count} {plural}" + (f" from sum channel and channels 1 - {channels}" if channels else "")


def parse_list_header(reply: str) -> tuple[int, int] | None:
    """Get (number of lines that follow, number of channels: 0 for one) from the reply to `RL`; None if refused."""
    match = _LAST.fullmatch(reply.strip())
    return (int(match[1]), int(match[2] or 0)) if match else None


def ranges_reply(*groups: tuple[Range, Range]) -> str:
    """Write the reply to `RR` from current and voltage ranges; -1 for a full scale that is unknown.

    `RR,*` asks for one group of four values for the sum channel and for each channel.
    """

    def pair(item: Range) -> str:
        full_scale = -1.0 if item.full_scale is None else item.full_scale
        return f"{int(item.auto)},{full_scale:.6f}"

    return ",".join(["Ranges", *(f"{pair(current)},{pair(voltage)}" for current, voltage in groups)])


@dataclass(frozen=True, slots=True)
class RangesReply:
    """The reply to `RR`, with the text of each full scale as PTDaemon wrote it, to be restored verbatim."""

    current: str
    voltage: str


def parse_ranges(reply: str) -> RangesReply:
    """Get what `SR` must be given to restore the ranges that `RR` told: `Auto`, or the text of the full scale.

    Raises:
        EvidenceError: the reply is not `Ranges,<auto>,<amperes>,<auto>,<volts>`.
    """
    words = reply.strip().split(",")

    def setting(auto: str, full_scale: str) -> str:
        return full_scale if auto == "0" and float(full_scale) > 0 else "Auto"

    try:
        if words[0] != "Ranges" or len(words) < 5:
            raise ValueError
        return RangesReply(current=setting(words[1], words[2]), voltage=setting(words[3], words[4]))
    except ValueError as problem:
        raise EvidenceError(
            f"got reply {reply[:80]!r} to RR, expected 'Ranges,<auto>,<amperes>,<auto>,<volts>'"
        ) from problem


def uncertainty_reply(*tallies: UncertaintyTally) -> str:
    """Write the reply to `Uncertainty`: mean, minimum, maximum as fractions, then counts.

    `Uncertainty,*` asks for one such group of seven for the sum channel and for each channel.
    """

    def group(tally: UncertaintyTally) -> str:
        mean = "-1.0" if tally.mean is None else f"{tally.mean:.6f}"
        counts = f"{tally.total},{tally.above},{tally.within},{tally.unknown}"
        return f"{mean},{tally.minimum:.6f},{tally.maximum:.6f},{counts}"

    return ",".join(["Uncertainty", *map(group, tallies)])


@dataclass(frozen=True, slots=True)
class Identity:
    """What `Identify` tells of analyzer and daemon.

    Attributes:
        driver: PTDaemon's name of the driver, `YokogawaWT310E`.
        version: text after `version=`, `1.11.1-69286632-20240907`, or `wattrig_...` for our daemon.
        idn: the instrument's `*IDN?`, commas as semicolons.
    """

    driver: str
    version: str
    channels: int
    idn: str

    @property
    def is_wattrig(self) -> bool:
        """Tell whether our own daemon answered."""
        return self.version.startswith("wattrig_")

    @property
    def model(self) -> str:
        """The analyzer's own name of its model, the second part of `*IDN?`: `WT310E`, or `760401` for a WT210."""
        return model_of(self.idn)

    @property
    def is_simulated(self) -> bool:
        """Tell whether the instrument says that it is a simulation."""
        return "SIMULATED" in self.idn.upper()


def model_of(idn: str) -> str:
    """Get the model in an answer to `*IDN?`, its second part by commas or semicolons; empty for none."""
    return [*re.split("[,;]", idn), "", ""][1]


def identify_reply(name: str, version: str, system: str, idn: str, *, frequency: bool, channels: int) -> str:
    """Write the reply to `Identify`; commas within the texts become semicolons (idn) or go (system).

    The order of the fields is that of SPEC's own open client: name, averaging interval in ms, whether watts, volts,
    amperes, power factor, energy and frequency can be had, accepted by SPEC, version, system, mode, uncertainty,
    range setting, channels, two flags for several phases and DC, calibration date, `*IDN?`. "Accepted by SPEC" is 0:
    SPEC accepts what its own PTDaemon measures.

    Args:
        name: PTDaemon's name of the driver.
        version: what follows `version=`.
        system: what follows `OS=`.
        idn: the instrument's `*IDN?`.
        frequency: whether the instrument measures frequency.
        channels: 0 for a single channel, else the number of channels.
    """
    plain = system.replace(",", "")
    return (
        f"{name},1000,1,1,1,1,0,{int(frequency)},0,version={version},OS={plain},mode=power,"
        f"1,1,{max(1, channels)},0,0,no_cal_date,{idn.replace(',', ';')}"
    )


def parse_identity(reply: str) -> Identity:
    """Read the reply to `Identify`; fields that are absent are empty or 0, as in old versions."""
    words = reply.strip().split(",")
    version = next((word.removeprefix("version=") for word in words if word.startswith("version=")), "")
    mode = next((index for index, word in enumerate(words) if word.startswith("mode=")), None)
    tail = words[mode + 1 :] if mode is not None else []
    channels = int(tail[2]) if len(tail) > 2 and tail[2].isdecimal() else 0
    return Identity(driver=words[0], version=version, channels=channels, idn=words[-1] if len(words) > 1 else "")
