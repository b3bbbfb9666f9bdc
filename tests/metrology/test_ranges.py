import pytest

from metrology.ranges import smallest_range

CURRENT_A = (0.5, 1, 2, 5, 10, 20)


@pytest.mark.parametrize(
    ("value", "expected"), [(7.46, 10), (3.1075, 5), (0.329, 0.5), (19.99, 20), (5, 5), (20.95, None), (-1, 0.5)]
)
def test_the_smallest_range_that_is_large_enough(value: float, expected: float | None) -> None:
    assert smallest_range(value, CURRENT_A) == expected
