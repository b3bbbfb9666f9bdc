"""What each fault of an analyzer does to a session, while nothing is measured, in ranging and in testing.

Real directors, real daemons, real ports; the simulated analyzers run in threads here, so that a fault begins at the
very moment that a test wants. All sessions run side by side, once, and the tests look at what came of them.
`pytest -s tests/director/test_fault_matrix.py` prints the table of `docs/reference/faults.md`.
"""

import asyncio
import itertools
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from analyzers.simulated.faults import Fault
from director.server import Director
from director.station import load_station
from evidence.ptd_protocol import parse_sample, unmarked_line
from evidence.state import read_state
from metrology.reading import Sample, Validity
from tests.breakable_meter import WATTS, Switch, simulated

# All sessions run once, side by side, and how long each waits is judged.
pytestmark = [pytest.mark.slow, pytest.mark.alone]
LIMIT_S = 10.0
AT_ONCE = 19
PAUSE_S = 3.0
"""How long faults that pass take, and how long each phase goes on after it began."""
SETTLED_S = 1.5
"""How long the instrument takes to find its automatic ranges once it is switched on."""
PASSING = ("nan", "inf", "9.91e37")
LASTING = ("mute", "unplug")
FAULTS = ("nan", "inf", "9.91e37", "unit", "garbage", "half", "slow", "mute", "reset", "unplug", "replug")
PHASES = ("idle", "ranging", "testing")
MODELS = {"pty": ("wt310e", 49, ""), "tcp": ("gpm8310", 9011, "-n"), "vxi11": ("wt310e", 49, "")}
HEADS = (
    "fault",
    "while",
    "line",
    "session",
    "longest wait",
    "samples kept: good, bad, missed",
    "what the operator reads",
)
CASES = [
    *((fault, phase, "pty") for fault in FAULTS for phase in PHASES),
    *((fault, "testing", transport) for transport in ("tcp", "vxi11") for fault in FAULTS),
]


@dataclass
class Outcome:
    """What came of one session: what it ended with ("" for a whole one), what is kept, the longest wait."""

    reason: str = ""
    told: str = ""
    longest_s: float = 0.0
    journal: list[str] = field(default_factory=list)
    log: str = ""
    lasted_s: float = 0.0

    def samples(self) -> list[Sample]:
        """Every sample that was kept."""
        return [parse_sample(unmarked_line(line)[0]) for line in self.journal]


def breaks(switch: Switch, fault: str) -> None:
    kind = "unplug" if fault == "replug" else fault
    length_s = {"replug": 1.5, **dict.fromkeys(LASTING, 1e9)}.get(fault, PAUSE_S - 0.5)
    switch.begin(Fault(kind, 0.0, length_s))


async def measure(fault: str, phase: str, transport: str, folder: Path, raw_client: Any) -> Outcome:
    _, device_type, flag = MODELS[transport]
    with simulated(transport, folder / "wt", MODELS[transport][0]) as (port, switch):
        path = folder / "station.toml"
        path.write_text(
            f'[director]\nlisten = "127.0.0.1:0"\nstore = "store"\n[[analyzer]]\ndevice_type = {device_type}\n'
            f'device_port = "{port}"\ninterface_flag = "{flag}"\nnetwork_port = 0\n'
        )
        outcome, session = Outcome(), ""
        await asyncio.sleep(SETTLED_S)
        async with Director(load_station(path)) as director:
            client = await raw_client.connect(director.address)
            session = await client.begin(hello=True)
            await _phases(client, fault, phase, switch, outcome)
            await client.close()
    store = folder / "store" / session
    state = read_state(store)
    assert state is not None
    outcome.reason = state.reason
    outcome.journal = (store / "wattrig/journal_1.txt").read_text().splitlines()
    outcome.log = (store / "power/ptd_logs.txt").read_text()
    return outcome


async def _phases(client: Any, fault: str, phase: str, switch: Switch, outcome: Outcome) -> None:
    """Measure both phases with the fault in one of them; a session that is broken off ends it."""
    begun_s = time.monotonic()
    for name in ("ranging", "testing"):
        if not await _ask(client, f"session,*,start,{name}", outcome):
            return
        await asyncio.sleep(2.6 if name == "ranging" else 1.6)  # automatic ranges take a while to be found
        if name == phase:
            breaks(switch, fault)
            if not await _goes_on(client, PAUSE_S if fault not in LASTING else LIMIT_S, outcome):
                return
        if not await _ask(client, f"session,*,stop,{name}", outcome):
            return
        if name == "ranging" and phase == "idle":
            breaks(switch, fault)
            await asyncio.sleep(0.3)
    outcome.lasted_s = time.monotonic() - begun_s
    await _ask(client, "session,*,done", outcome)


async def _ask(client: Any, command: str, outcome: Outcome) -> bool:
    """Tell whether the director says OK."""
    asked_s = time.monotonic()
    reply = str(await client.ask(command, 3 * LIMIT_S))
    outcome.longest_s = max(outcome.longest_s, time.monotonic() - asked_s)
    outcome.told = outcome.told if reply == "OK" else reply
    return reply == "OK"


async def _goes_on(client: Any, length_s: float, outcome: Outcome) -> bool:
    """Tell whether nothing is heard of the director for so long; what is heard is that it broke the session off."""
    asked_s = time.monotonic()
    try:
        outcome.told = await client.line(length_s)
    except TimeoutError:
        return True
    outcome.longest_s = max(outcome.longest_s, time.monotonic() - asked_s)
    return False


async def _all(folder: Path, raw_client: Any) -> dict[tuple[str, str, str], Outcome]:
    gate = asyncio.Semaphore(AT_ONCE)
    for case in CASES:
        (folder / "-".join(case)).mkdir()

    async def one(case: tuple[str, str, str]) -> Outcome:
        async with gate:
            return await measure(*case, folder / "-".join(case), raw_client)

    return dict(zip(CASES, await asyncio.gather(*map(one, CASES)), strict=True))


def table(outcomes: dict[tuple[str, str, str], Outcome]) -> str:
    rows = [f"| {' | '.join(HEADS)} |", "|" + "---|" * len(HEADS)]
    for (fault, phase, transport), found in outcomes.items():
        ended = "broken off" if found.reason else "whole"
        counts = ", ".join(map(str, kept(found)))
        rows.append(
            f"| {fault} | {phase} | {transport} | {ended} | {found.longest_s:.1f} s | {counts} | {told(found)} |"
        )
    return "\n".join(rows)


def told(found: Outcome) -> str:
    """What the operator reads: why the session was broken off, or the daemon's different warnings."""
    kinds = ("WARNING", "ERROR", "Reading failed")
    lines = [line.partition(": ")[2] for line in found.log.splitlines() if any(kind in line for kind in kinds)]
    text = found.reason or "; ".join(dict.fromkeys(map(shortened, lines)))
    text = re.sub(
        r"'/tmp/\S+/(\w+)'", r"'\1'", "".join(char if char.isascii() and char.isprintable() else "?" for char in text)
    )
    return text.replace("|", "/")


def shortened(line: str) -> str:
    return re.sub(r"(Bad) (watts|amps|pf|volts)", r"\1 watts", line)


def kept(found: Outcome) -> tuple[int, int, int]:
    good = sum(sample.total.usable for sample in found.samples())
    missed = sum(sample.total.validity is Validity.MISSED for sample in found.samples())
    return good, len(found.journal) - good - missed, missed


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory, raw_client: Any) -> dict[tuple[str, str, str], Outcome]:
    found = asyncio.run(_all(tmp_path_factory.mktemp("faults"), raw_client))
    print(f"\n{table(found)}")
    return found


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_nobody_waits_and_nothing_is_invented(
    case: tuple[str, str, str], outcomes: dict[tuple[str, str, str], Outcome]
) -> None:
    found = outcomes[case]
    assert found.longest_s < LIMIT_S + 1
    taken = [(sample.t_utc_ns, sample.total.power_w) for sample in found.samples() if sample.total.usable]
    assert taken, "what was measured before is kept"
    assert all(abs(power_w - WATTS) < WATTS * 0.002 for _, power_w in taken)
    assert all(later[0] - earlier[0] > 0.8e9 for earlier, later in itertools.pairwise(taken)), "no sample comes twice"


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_what_ends_a_session(case: tuple[str, str, str], outcomes: dict[tuple[str, str, str], Outcome]) -> None:
    fault, phase, _ = case
    found = outcomes[case]
    _, bad, missed = kept(found)
    if fault in PASSING or (phase != "idle" and fault in ("slow", "unit")):
        assert found.reason == ""
        assert bool(bad) == (fault in PASSING and phase != "idle")
        assert bool(missed) == (fault == "slow")
    elif phase != "idle" or fault in (*LASTING, "replug", "garbage"):
        assert "The instrument is lost: " in found.reason
    elif fault == "unit":
        assert found.reason.startswith("Error setting voltage range")
    assert "range changed by itself" in found.log or case[:2] != ("unit", "testing")
