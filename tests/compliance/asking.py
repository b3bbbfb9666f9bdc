"""What the tests of rules ask of a package: its findings by one rule."""

from pathlib import Path
from typing import Any

from compliance.findings import Finding, Outcome
from compliance.judge import check_session


def found(package: Any, folder: Path, code: str) -> list[Finding]:
    """Check a package and get what a rule says that is no pass."""
    result = check_session(package.write(folder), "v5.1")
    assert result is not None
    return [one for one in result.findings if one.code == code and one.outcome is not Outcome.PASS]


def failure(package: Any, folder: Path, code: str) -> Finding:
    """Get the only failure of a rule."""
    (one,) = found(package, folder, code)
    assert one.outcome is Outcome.FAIL
    return one
