import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.simulated.load import (
    ConstantLoad,
    ProcessorLoad,
    ReplayLoad,
    SquareLoad,
    read_processor_ticks,
    read_replay,
)
from metrology.errors import ConfigError


def test_constant():
    assert ConstantLoad(120.0).energy_j(2.5) == 300.0


@pytest.mark.parametrize(("t_s", "energy_j"), [(0, 0), (1, 10), (2, 20), (3, 120), (4, 220), (5, 230), (8, 440)])
def test_square_is_low_then_high(t_s, energy_j):
    assert SquareLoad(10.0, 100.0, 4.0).energy_j(t_s) == energy_j


@pytest.mark.parametrize(("t_s", "energy_j"), [(0.5, 10), (1, 20), (2, 40), (3, 60), (4, 60.5), (99, 108)])
def test_replay_holds_each_power_until_the_next(t_s, energy_j):
    assert ReplayLoad([(1.0, 20.0), (3.0, 0.5)]).energy_j(t_s) == energy_j


points = st.lists(st.tuples(st.floats(0.01, 10), st.floats(0, 1e4)), min_size=1, max_size=20)


@given(points, st.lists(st.floats(0, 100), min_size=2, max_size=10))
def test_energy_never_falls(steps, times_s):
    elapsed, listed = 0.0, []
    for span_s, power_w in steps:
        elapsed += span_s
        listed.append((elapsed, power_w))
    for load in (ReplayLoad(listed), SquareLoad(5.0, 50.0, 0.7)):
        energies = [load.energy_j(t_s) for t_s in sorted(times_s)]
        assert energies == pytest.approx(sorted(energies), rel=1e-12)


def test_replay_file_with_and_without_heading(tmp_path):
    path = tmp_path / "load.csv"
    for heading in ("", "seconds,watts\n"):
        path.write_text(heading + "0,10\n\n2.5,20\n")
        assert read_replay(path).energy_j(3.5) == 45.0


@pytest.mark.parametrize(
    "text",
    ["", "seconds,watts\n", "0,1\n0,2\n", "-1,5\n", "0\n", "0,1,2\n", "0,x\n", "0,nan\n", "0,1\n5,inf\n", "\xff"],
)
def test_a_replay_file_that_is_none(tmp_path, text):
    path = tmp_path / "load.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"load\.csv"):
        read_replay(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_replay(tmp_path / "none.csv")


def test_processor_load_is_idle_power_plus_share():
    now, ticks = [0.0], [(100, 1000)]
    load = ProcessorLoad(40.0, 60.0, lambda: now[0], lambda: ticks[0])
    now[0], ticks[0] = 1.001, (150, 1200)
    assert load.energy_j(1.0) == pytest.approx(40 + 60 * 0.25)
    now[0] = 2.0
    assert load.energy_j(2.0) == pytest.approx(55 * 2.0), "no tick since then: the power is the last one"
    now[0], ticks[0] = 3.0, (400, 1400)
    assert load.energy_j(3.0) == pytest.approx(110 + 100), "over-counting by the kernel is cut to fully busy"


def test_processor_ticks(tmp_path):
    stat = tmp_path / "stat"
    stat.write_text("cpu  10 20 30 400 50 1 2 7 3 0\ncpu0 1 2 3\n")
    assert read_processor_ticks(stat) == (63, 520)
    busy, total = read_processor_ticks()
    assert 0 < busy < total


@pytest.mark.parametrize("text", ["", "cpu 1 2\n", "cpu a b c d e f g h\n"])
def test_a_system_that_does_not_tell(tmp_path, text):
    stat = tmp_path / "stat"
    stat.write_text(text)
    with pytest.raises(ConfigError, match="does not tell"):
        read_processor_ticks(stat)
