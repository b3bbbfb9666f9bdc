"""How the WT300E family writes numbers.

A value is shown with five digits of its range and an exponent in steps of three: 1.208 A in the 20 A range is
`1.208E+00`, 233.9 W of 6 kW is `0.2339E+03` (both from published logs). NaN is no data, infinity is over range.
"""

import math
import struct

NO_DATA, OVER_RANGE = math.nan, math.inf
DISPLAYED_DIGITS = 5
"""Source: published readings, 287.49 mA in the 500 mA range and 33.98 W of 150 W."""
_FLOAT_NO_DATA, _FLOAT_ERROR = 0x7E951BEE, 0x7E94F56A
"""How a block of floats says no data (9.91E+37) and error (9.9E+37); from memory of the manual, not verified."""


def _format(value: float, exponent: int, decimals: int) -> str:
    sign = "-" if exponent < 0 else "+"
    return f"{value / 10**exponent:.{decimals}f}E{sign}{abs(exponent):02d}"


def _exponent(scale: float) -> int:
    return math.floor(math.log10(scale) / 3 + 1e-9) * 3


def display(value: float, full_scale: float) -> str:
    """Write a measured value with the digits that `full_scale`, greater than 0, has on the display."""
    if math.isnan(value):
        return "NAN"
    if math.isinf(value):
        return "INF"
    exponent = _exponent(full_scale)
    whole = len(str(int(full_scale / 10**exponent * (1 + 1e-9))))
    return _format(value, exponent, DISPLAYED_DIGITS - whole)


def range_text(full_scale: float, digits: str = "fine") -> str:
    """Write a range as the model does in published logs.

    Args:
        full_scale: in volts or amperes.
        digits: "fine" as the WT310E, `500.0E-03`, `5.000E+00`, `20.000E+00`, `150.0E+00`; "coarse" as the WT310 and
            the WT500, `200.0E-03`, `20.0E+00`; "unscaled" as the WT210, `0.500E+00`, `5.000E+00`, `300.0E+00`.
    """
    exponent = 0 if digits == "unscaled" else _exponent(full_scale)
    scaled = full_scale / 10**exponent
    if digits == "coarse":
        return _format(full_scale, exponent, 1 if scaled > 9.99 else 2)
    return _format(full_scale, exponent, 1 if scaled > 99.9 else 3)


def float_block(values: list[float]) -> str:
    """Write values as a block of big-endian single floats, each byte as the character of its number."""
    body = b"".join(_single(value) for value in values)
    return f"#4{len(body):04d}" + body.decode("latin-1")


def _single(value: float) -> bytes:
    if math.isfinite(value):
        return struct.pack(">f", value)
    return struct.pack(">I", _FLOAT_NO_DATA if math.isnan(value) else _FLOAT_ERROR)
