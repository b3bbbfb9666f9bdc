"""`wattrig simulate`: simulated power analyzers, each on a port of its own."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import click

from analyzers.recording import read_recording
from analyzers.simulated.device import Maker, Setting
from analyzers.simulated.faults import Faults, parse_fault
from analyzers.simulated.fronts import Front, PtyFront, TcpFront
from analyzers.simulated.load import ConstantLoad, Load, ProcessorLoad, SquareLoad, read_replay
from analyzers.simulated.meter import Mains
from analyzers.simulated.models import MODELS, maker_of
from analyzers.simulated.process import Simulator, Truth, seconds_clock, serve
from analyzers.simulated.recorded import maker_of_recording
from analyzers.simulated.vxi11 import Vxi11Front
from metrology.errors import ConfigError

WATTS = click.FloatRange(0, 1e6)
TCP_PORT = click.IntRange(0, 65535)
POSITIVE = click.FloatRange(0, 1e6, min_open=True)
MOST = 250
"""Most in one process: `select` knows 1024 files, of which each takes up to three."""


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("model", type=click.Choice(sorted(MODELS)), required=False)
@click.option("--profile", type=click.Path(path_type=Path),
              help="Replay a meter that 'wattrig analyzers record' has recorded, instead of MODEL.")  # fmt: skip
@click.option("--pty", "link", type=click.Path(path_type=Path), help="A serial port: where it shall appear.")
@click.option("--tcp", type=TCP_PORT, help="A raw TCP socket on this port of this machine; 0 for a free one.")
@click.option("--vxi11", type=TCP_PORT, help="VXI-11 on this TCP port of this machine; 0 for a free one.")
@click.option("--load", "kind", default="cpu", show_default=True, metavar="KIND",
              help="What is drawn: cpu (idle power plus a share for how busy this machine is), constant, square, "
              "or replay:FILE (lines 'seconds,watts'; each power holds until the next).")  # fmt: skip
@click.option("--truth", type=click.Path(path_type=Path), help="Write the true energy at each update to this file.")
@click.option("--idle-w", type=WATTS, default=40.0, show_default=True, help="cpu: power of the idle machine.")
@click.option("--slope-w", type=WATTS, default=60.0, show_default=True, help="cpu: power added when fully busy.")
@click.option("--watts", type=WATTS, default=100.0, show_default=True, help="constant: the power.")
@click.option("--low", type=WATTS, default=50.0, show_default=True, help="square: power of the first half period.")
@click.option("--high", type=WATTS, default=100.0, show_default=True, help="square: power of the second half.")
@click.option("--period", type=POSITIVE, default=3.0, show_default=True, help="square: period in seconds.")
@click.option("--voltage", type=POSITIVE, default=230.0, show_default=True, help="Mains voltage, rms.")
@click.option("--pf", type=click.FloatRange(0.01, 1), default=0.95, show_default=True, help="Power factor.")
@click.option("--crest", type=click.FloatRange(1, 20), default=1.6, show_default=True,
              help="Peak of the current over its rms value.")  # fmt: skip
@click.option("--baud", type=click.IntRange(0, 4_000_000), default=9600, show_default=True,
              help="Speed of the serial line, which every byte waits for; 0 for none.")  # fmt: skip
@click.option("--fault", "faults", multiple=True, metavar="KIND@SECONDS[+DURATION]",
              help="Something that goes wrong so many seconds after a program first spoke to it, for good or for a "
              "time. May be given again. Values are read as: nan, inf, 9.91e37. Ranges are told in the wrong unit: "
              "unit (500 for 0.5 A). Answers: garbage (random bytes), half (no rest, no line end), slow (3 s late), "
              "mute (none). The instrument: reset (to how it is switched on), unplug (its port is gone; with a "
              "duration it is plugged in again).")  # fmt: skip
@click.option("--count", type=click.IntRange(1, MOST), default=1, show_default=True,
              help="So many alike in this process, each on its own port with its own truth: links and files of more "
              "than one are numbered, wt-1, wt-2, and TCP ports count up.")  # fmt: skip
def simulate(
    model: str | None,
    profile: Path | None,
    link: Path | None,
    tcp: int | None,
    vxi11: int | None,
    kind: str,
    truth: Path | None,
    baud: int,
    faults: tuple[str, ...],
    count: int,
    **numbers: float,
) -> None:
    """Start a simulated power analyzer on a port of its own; programs open it as they open a real one.

    What it measures is simulated: no submission can be made of it, and its identity says so in every session.
    It ends on SIGTERM or Ctrl-C.

    \b
    wattrig simulate wt310e --pty /tmp/wt --load constant --watts 120
    wattrig simulate wt500 --vxi11 0 --fault nan@30+2 --fault unplug@60+5
    wattrig simulate wt310e --pty /tmp/wt --count 16      # /tmp/wt-1 to /tmp/wt-16
    wattrig simulate --profile recorded/wt310e.json --pty /tmp/wt
    """
    maker = _maker(model, profile, truth)
    baud = 0 if link is None or profile else baud  # recorded times have those of the line in them
    clock = seconds_clock()
    wrong = Faults([parse_fault(text) for text in faults])
    mains = Mains(numbers["voltage"], numbers["pf"], numbers["crest"])
    with contextlib.ExitStack() as stack:
        stop_fd, simulators = stack.enter_context(_stop_signal()), []
        for number in range(1, count + 1):
            suffix = f"-{number}" if count > 1 else ""
            load, drawn = _load(kind, clock, numbers)  # of its own: time in it never goes back
            drawn = f"as '{profile}' says" if profile else drawn
            switch_on = partial(maker, Setting(load, mains, clock))
            file, front = Truth(_numbered(truth, suffix), clock), _front(link, tcp, vxi11, number, suffix)
            simulator = Simulator(switch_on, front, clock, baud, file, wrong)
            simulators.append(stack.enter_context(contextlib.closing(simulator)))
            click.echo(f"{front.name}: a SIMULATED {simulator.title}, load: {drawn}")
        serve(simulators, clock, stop_fd)


def _maker(model: str | None, profile: Path | None, truth: Path | None) -> Maker:
    """Get what makes the instrument: one of the models, or of a recording."""
    if (model is None) == (profile is None):
        raise ConfigError("a simulated analyzer is one of the models or a recording", "give MODEL or --profile FILE")
    if profile is None:
        return maker_of(model or "")
    if truth is not None:
        raise ConfigError("what a recorded meter draws is not known", "leave --truth out with --profile")
    return maker_of_recording(read_recording(profile))


def _numbered(path: Path | None, suffix: str) -> Path | None:
    return path if path is None else path.with_name(f"{path.stem}{suffix}{path.suffix}")


def _front(link: Path | None, tcp: int | None, vxi11: int | None, number: int, suffix: str) -> Front:
    if [link, tcp, vxi11].count(None) != 2:
        raise ConfigError(
            "a simulated analyzer needs one port", "give one of --pty LINK, --tcp PORT and --vxi11 PORT"
        )
    if link is not None:
        return PtyFront(link.with_name(f"{link.name}{suffix}"))
    port = tcp or vxi11 or 0
    port += number - 1 if port else 0
    return Vxi11Front(port) if tcp is None else TcpFront(port)


def _load(kind: str, clock: Callable[[], float], numbers: dict[str, float]) -> tuple[Load, str]:
    if kind == "cpu":
        idle_w, slope_w = numbers["idle_w"], numbers["slope_w"]
        text = f"{idle_w:g} W + {slope_w:g} W x this machine's processor load"
        return ProcessorLoad(idle_w, slope_w, clock), text
    if kind == "constant":
        return ConstantLoad(numbers["watts"]), f"{numbers['watts']:g} W"
    if kind == "square":
        low_w, high_w, period_s = numbers["low"], numbers["high"], numbers["period"]
        return SquareLoad(low_w, high_w, period_s), f"{low_w:g} W and {high_w:g} W in turn, every {period_s:g} s"
    if kind.startswith("replay:"):
        return read_replay(Path(kind.removeprefix("replay:"))), f"as '{kind.removeprefix('replay:')}' says"
    raise ConfigError(f"got --load {kind!r}", "take cpu, constant, square or replay:FILE")


@contextlib.contextmanager
def _stop_signal() -> Iterator[int]:
    """Get a descriptor that becomes readable when the process is told to end."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    try:
        yield reading
    finally:
        signal.set_wakeup_fd(-1)
        os.close(reading)
        os.close(writing)
