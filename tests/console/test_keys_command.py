"""`wattrig keys` as two people use it."""

import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from console.main import main
from console.verify import Judged, counted
from tests.wire.test_keys import second_certificate
from wire.identity import make_identity
from wire.keys import KeyFolder


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Run":
    return Run(tmp_path)


class Run:
    """Runs commands as one of two people."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def folder(self, who: str) -> KeyFolder:
        return KeyFolder(self.home / who)

    def __call__(self, who: str, *words: str, code: int = 0, text: str = "") -> Result:
        environ = {"WATTRIG_KEYS": str(self.home / who)}
        result = CliRunner().invoke(main, ["keys", *words], input=text, env=environ)
        assert result.exit_code == code, result.output
        return result


def test_two_people_exchange_keys(run: Run) -> None:
    assert "make one: wattrig keys init" in run("ann", "list").output
    said = run("ann", "init", "--title", "director of lab 2").output
    assert (ann := run.folder("ann").own().fingerprint) in said
    run("bob", "init")
    shown = run("ann", "show")
    assert shown.stdout == run.folder("ann").own().pem
    assert ann in shown.stderr
    assert "not trusted" not in run("bob", "trust", "lab2", "--fingerprint", ann.lower(), text=shown.stdout).output
    listed = run("bob", "list").output.splitlines()
    assert listed[1] == f"trusted  {ann}  lab2"
    assert f"revoked: lab2  {ann}" in run("bob", "revoke", "lab2").output
    assert run("bob", "list").output.splitlines()[1].startswith("revoked ")


def test_a_fingerprint_that_differs_is_not_trusted(run: Run) -> None:
    run("ann", "init")
    run("bob", "init")
    pem = run("ann", "show").stdout
    other = run.folder("bob").own().fingerprint
    assert f"expected {other}" in run("bob", "trust", "ann", "--fingerprint", other, text=pem, code=2).output
    assert "nobody is here to compare" in run("bob", "trust", "ann", text=pem, code=2).output
    assert run.folder("bob").peers() == ()


@pytest.mark.parametrize("answer", ["y", "n"])
def test_a_person_is_asked_to_compare(run: Run, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    run("ann", "init")
    file = run.home / "ann.pem"
    file.write_text(run("ann", "show").stdout)
    monkeypatch.setattr("console.keys.has_terminal", lambda: True)
    result = run("bob", "trust", "ann", str(file), text=f"{answer}\n", code=0 if answer == "y" else 1)
    assert run.folder("ann").own().fingerprint in result.output
    assert len(run.folder("bob").peers()) == (answer == "y")


def test_a_user_without_a_name_has_a_number(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 1234")

    monkeypatch.setattr("getpass.getuser", nobody)
    run("ann", "init")
    assert run.folder("ann").has_identity


def test_what_is_no_certificate_is_refused(run: Run) -> None:
    assert "holds no certificate" in run("bob", "trust", "ann", text="hello", code=2).output
    assert "there is no key" in run("bob", "show", code=2).output
    assert "no trusted key under the name" in run("bob", "revoke", "ann", code=2).output


def test_a_key_with_two_certificates_counts_once(tmp_path: Path) -> None:
    ours, theirs = KeyFolder(tmp_path / "ours"), KeyFolder(tmp_path / "theirs")
    make_identity(theirs, "lab", datetime.datetime.now(datetime.UTC))
    twin = second_certificate(theirs.key.read_bytes())
    parties = [ours.trust("lab", theirs.own().der), ours.trust("lab-too", twin)]
    judged = [Judged(party.fingerprint, "good", counts=True) for party in parties]
    assert len({signature.key for signature in judged}) == 2
    assert counted(judged, ours) == 1
