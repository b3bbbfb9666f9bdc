import pytest

from metrology.accuracy import WT210, WT310, WT310E, WT330, WT330E, accuracy_of
from metrology.reading import Reading
from metrology.uncertainty import Accuracy, power_uncertainty


@pytest.mark.parametrize(
    ("driver", "version", "model", "expected"),
    [
        ("YokogawaWT210", "1.11.1-462c978e-20240907", "760401", WT210),
        ("YokogawaWT310", "1.9.2-e8c7a49a-20201208", "WT310", WT310),
        ("YokogawaWT310E", "wattrig_0.1.0-00000000-20260101", "WT310E", WT310E),
        ("YokogawaWT330_multichannel", "1.9.2-e8c7a49a-20201208", "WT333E", WT210),
        ("YokogawaWT330_multichannel", "1.10.0-ed9a21d2-20220817", "WT333E", WT330E),
        ("YokogawaWT330_multichannel", "1.10.0-ed9a21d2-20220817", "WT333", WT330),
        ("Dummy", "1.9.2-e8c7a49a-20201208", "", None),
    ],
)
def test_terms_by_driver(driver: str, version: str, model: str, expected: Accuracy | None) -> None:
    assert accuracy_of(driver, version, model) is expected


def test_a_published_warning() -> None:
    # v5.1 GATEOverflow mobilenet 224, the second sample of testing: PTDaemon 1.11.1 warned of 1.44 %.
    uncertainty = power_uncertainty(WT210, Reading(18.12, 244.85, 0.18689, 0.396), 300 * 0.5)
    assert uncertainty is not None
    assert f"{uncertainty:.2%}" == "1.44%"
