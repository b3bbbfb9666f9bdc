"""Whatever breaks, at whichever moment: what is left on disk, how long it took, and what was said.

Every case is a rig of processes over real sockets (`bench.fault_lab`), of which one thing breaks at one moment. After
each: no traceback, no process left over, the journal reads back, the analyzer's ranges are as they were found, a
session that is not whole has no client.json, and a fresh client is served at once.
"""

import re
import subprocess
import time
from pathlib import Path

import pytest

from bench.fault_lab import HELD_AT, RANGES, FaultLab
from bench.fault_parts import Disk, comes, slowness
from evidence.digest import file_sha1
from evidence.journal import read_journal
from evidence.layout import CLIENT_JSON, DIRECTOR_JOURNAL, DOWNLOADS, OUR_PLACE
from evidence.state import State
from tests.faults.acts import nothing
from tests.faults.cases import CASES, Case

pytestmark = pytest.mark.timeout(400)
LEAVING_S, SERVED_S = 5.0, 2.0
"""How long processes may take to end after the session, and how long the next client may have to wait, seconds."""


@pytest.fixture(scope="module")
def may_mount(tmp_path_factory: pytest.TempPathFactory) -> bool:
    folder = tmp_path_factory.mktemp("mount") / "point"
    try:
        Disk(folder, folder.with_name("disk"), 2).close()
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


@pytest.mark.parametrize("case", CASES, ids=str)
def test_fault(case: Case, tmp_path: Path, may_mount: bool) -> None:
    if case.who == "disk" and re.search("full|small|read-only|fails", case.kind) and not may_mount:
        pytest.skip("this user may not mount a file system")
    with FaultLab(tmp_path / "lab") as lab:
        lab.simulator()
        lab.ask_meter(RANGES, answers=False)
        before = lab.ranges()
        case.prepare(lab)
        if not case.starts:
            refuses_to_start(case, lab)
            return
        lab.director()
        states, took_s = run(case, lab)
        assert states == case.ends, lab.told()
        assert took_s < case.within_s * slowness()
        judge(case, lab)
        if lab.running["simulator"].poll() is None and case.kind not in ("unplugged", "mute", "replugged"):
            assert lab.ranges() == before


def refuses_to_start(case: Case, lab: FaultLab) -> None:
    begun_s = time.monotonic()
    with pytest.raises(SystemExit):
        lab.director()
    assert lab.running["director"].wait(30) == 2
    assert time.monotonic() - begun_s < case.within_s * slowness()
    assert lab.hears("director", case.told), lab.told()
    said = lab.said("director")
    assert "try:" in said
    assert "Traceback" not in said


def run(case: Case, lab: FaultLab) -> tuple[tuple[str, str], float]:
    """Run the session; get the states that client and director left, and how long that took after the fault."""
    if case.moment == "before" and case.act is nothing:
        lab.client(lab.port)
    else:
        lab.begin(case.moment)
    broken_s = time.monotonic()
    case.act(lab)
    if case.goes_on or case.moment in HELD_AT:
        lab.go_on(case.moment)
    code = lab.client_ends()
    took_s = time.monotonic() - broken_s
    assert (code == 0) == (case.ends[0] == "complete"), lab.told()
    if lab.running["simulator"].poll() is not None:
        lab.simulator()
    case.heal(lab)
    if lab.running["director"].poll() is not None:
        lab.director()
    broken_s += time.monotonic() - broken_s - took_s
    closed = lab.closed(begun=bool(case.ends[1]))
    return (word(lab.kept()), word(closed)), time.monotonic() - broken_s


def word(state: State | None) -> str:
    return state.state if state else ""


def judge(case: Case, lab: FaultLab) -> None:
    assert lab.hears("client", case.says), lab.told()
    assert lab.hears("director", case.told), lab.told()
    assert "Traceback" not in lab.said("client") + lab.said("director")
    assert comes(lambda: not lab.leftovers(), LEAVING_S * slowness()), lab.leftovers()
    for session in lab.sessions():
        assert read_journal(session / DIRECTOR_JOURNAL).is_whole or case.who == "disk"
    for session in lab.out.glob("20*"):
        if case.ends[0]:
            holds_what_it_says(session, lab, whole=case.ends[0] == "complete")
    for clock in lab.out.glob("*/wattrig/clock.json") if case.noted else ():
        assert case.noted in clock.read_text()
    assert comes(lab.is_served, SERVED_S * slowness())


def holds_what_it_says(session: Path, lab: FaultLab, *, whole: bool) -> None:
    assert (session / CLIENT_JSON).exists() == whole
    for name in DOWNLOADS if whole else ():
        assert file_sha1(session / OUR_PLACE.get(name, name)) == file_sha1(lab.store / session.name / name)
    if whole:
        assert len((session / "run_1/spl.txt").read_text().splitlines()) >= 1
