import pytest

from scoring.inference import Metric, Run, joules_per_stream, metric, samples_per_joule, scenario_of

STREAM = Run("SingleStream", 34.17648312611008, 600.006, 132176, 220.292, 4_535_096)


@pytest.mark.parametrize(
    ("scenario", "value", "unit", "inferred"),
    [
        # Published figures of one v5.1 run, which was submitted for three scenarios.
        ("SingleStream", 155.142348, "millijoules", False),
        ("MultiStream", 1241.138781, "millijoules", True),
        ("Offline", 34.176483, "Watts", True),
    ],
)
def test_a_stream_counts_for_three_scenarios(scenario: str, value: float, unit: str, inferred: bool) -> None:
    found = metric(STREAM, scenario)
    assert found is not None
    assert (found.unit, found.scenario, found.inferred) == (unit, scenario, inferred)
    assert found.value == pytest.approx(value, abs=5e-7)


@pytest.mark.parametrize("scenario", ["Offline", "Server"])
def test_loads_count_in_watts(scenario: str) -> None:
    assert metric(Run(scenario, 5628.787707, 723.333), scenario) == Metric(5628.787707, "Watts", scenario, False)


def test_interactive_is_a_server_run() -> None:
    assert metric(Run("Server", 100.0, 600.0), "Interactive") == Metric(100.0, "Watts", "Interactive", False)


def test_multistream_by_its_own_run() -> None:
    found = metric(Run("MultiStream", 303.172333, 600.0, 2_966_620), "MultiStream")
    assert found is not None
    assert found.value == pytest.approx(61.316697, rel=1e-4)
    assert not found.inferred


@pytest.mark.parametrize(
    ("run", "scenario"),
    [("Offline", "Server"), ("Server", "Offline"), ("Offline", "SingleStream"), ("MultiStream", "SingleStream")],
)
def test_what_cannot_be_inferred_is_none(run: str, scenario: str) -> None:
    assert metric(Run(run, 100.0, 600.0, 10), scenario) is None


def test_streams_until_v1_1() -> None:
    found = metric(STREAM, "SingleStream", "joules per sample")
    assert found == Metric(34.17648312611008 / 220.292, "joules per sample", "SingleStream", False)
    assert metric(STREAM, "MultiStream", "joules per sample") is None
    assert metric(Run("SingleStream", 1.0, 1.0), "SingleStream", "joules per sample") is None
    assert metric(Run("SingleStream", 1.0, 1.0), "SingleStream") is None


def test_efficiency_per_joule() -> None:
    """The figures are those of published runs: 6.44569 per joule for streams, 8.26725 for an Offline run."""
    for scenario in ("SingleStream", "MultiStream"):
        found = metric(STREAM, scenario)
        assert found is not None
        assert samples_per_joule(found, None) == pytest.approx(6.44569, abs=5e-6)
    watts = Metric(5628.787707, "Watts", "Offline", False)
    assert samples_per_joule(watts, 46534.6) == pytest.approx(8.26725, abs=5e-5)
    assert samples_per_joule(watts, None) is None
    assert samples_per_joule(Metric(0.0, "Watts", "Offline", False), 1.0) is None


def test_the_auditors_figure() -> None:
    assert joules_per_stream(STREAM) == pytest.approx(0.004535096 * 34.17648312611008)
    assert joules_per_stream(Run("Offline", 1.0, 1.0, mean_latency_ns=5)) is None


def test_scenarios_of_folders() -> None:
    assert [scenario_of(name) for name in ("singlestream", "Offline", "INTERACTIVE", "results", "")] == [
        "SingleStream", "Offline", "Interactive", None, None,
    ]  # fmt: skip
