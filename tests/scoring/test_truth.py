from pathlib import Path

import numpy as np
import pytest

from metrology.errors import EvidenceError
from scoring.truth import compare, read_truth

NS = 10**9


def square(t_s: float) -> float:
    """Energy in joules of a load of 100 W and 300 W by turns of 1.5 s."""
    whole, rest = divmod(t_s, 3.0)
    return whole * 600 + 100 * min(rest, 1.5) + 300 * max(rest - 1.5, 0)


def test_exact_means_give_the_exact_energy_and_the_edges_apart(tmp_path: Path) -> None:
    t_s = np.arange(1, 21)
    means = np.array([square(t) - square(t - 1) for t in t_s])
    rows = "\n".join(f"{int(t / 4 * NS)},{square(t / 4)}" for t in range(100))
    (tmp_path / "truth.csv").write_text(f"t_utc_ns,energy_j\n{rows}\n")
    truth = read_truth(tmp_path / "truth.csv")
    found = compare(t_s * NS, means, (int(2.25 * NS), int(18.5 * NS)), truth)
    assert found.error == pytest.approx(0, abs=1e-12)
    assert found.whole_s == 15
    assert found.edges_s == pytest.approx(1.25)
    assert found.edges_true_j == pytest.approx(square(3) - square(2.25) + square(18.5) - square(18))
    assert found.edges_error == pytest.approx((found.edges_j - found.edges_true_j) / (square(18.5) - square(2.25)))


def test_samples_that_do_not_cover_the_window_are_refused() -> None:
    t_ns, truth = np.arange(1, 4) * NS, (np.array([0, 9 * NS]), np.array([0.0, 9.0]))
    with pytest.raises(EvidenceError, match="do not cover"):
        compare(t_ns, np.ones(3), (0, 9 * NS), truth)


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "t_utc_ns,energy_j\n1,x\n", "t_utc_ns,energy_j\n1\n"])
def test_a_damaged_truth_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "truth.csv").write_text(text)
    if text:
        with pytest.raises(EvidenceError, match="no record of true energy"):
            read_truth(tmp_path / "truth.csv")
    else:
        assert len(read_truth(tmp_path / "truth.csv")[0]) == 0
