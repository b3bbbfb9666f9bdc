"""`wattrig simulate`: a simulated power analyzer on a serial port of its own."""

import contextlib
import math
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from analyzers.simulated.line import linked
from analyzers.simulated.load import ConstantLoad, Load, ProcessorLoad, SquareLoad, read_replay
from analyzers.simulated.meter import Mains
from analyzers.simulated.process import Simulator, Truth, seconds_clock
from metrology.errors import ConfigError

WATTS = click.FloatRange(0, 1e6)
POSITIVE = click.FloatRange(0, 1e6, min_open=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def simulate() -> None:
    """Start a simulated power analyzer on a serial port of its own.

    What it measures is simulated: no submission can be made of it, and its identity says so in every session.
    """


@simulate.command()
@click.option("--pty", "link", required=True, type=click.Path(path_type=Path), help="Where the port shall appear.")
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
              help="Speed of the line, which every byte waits for; 0 for none.")  # fmt: skip
@click.option("--mute-after", type=POSITIVE,
              help="A fault: fall silent after so many seconds, as if the cable were pulled.")  # fmt: skip
def wt310e(link: Path, kind: str, truth: Path | None, baud: int, mute_after: float | None, **numbers: float) -> None:
    """Simulate a Yokogawa WT310E on RS-232.

    Programs open the port as they open a real one. It ends on SIGTERM or Ctrl-C.
    """
    clock = seconds_clock()
    load, drawn = _load(kind, clock, numbers)
    mains = Mains(numbers["voltage"], numbers["pf"], numbers["crest"])
    simulator = Simulator(load, mains, clock, baud, Truth(truth, clock), mute_after or math.inf)
    with contextlib.closing(simulator), _stop_signal() as stop_fd, linked(link, simulator.port.name):
        click.echo(f"{link}: a SIMULATED Yokogawa WT310E ({simulator.port.name}), load: {drawn}")
        simulator.serve(stop_fd)


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
