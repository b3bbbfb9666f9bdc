"""The client signs what it measured, with or without a director that does; what goes wrong costs no measurement."""

import asyncio
import base64
import datetime
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from evidence.envelope import is_signed_by, seal, sign, unseal
from evidence.state import read_state
from evidence.statement import STATEMENT, compare, parse_statement
from evidence.traffic_log import TrafficLog
from metrology.errors import ConfigError, PeerError, PeerRefusedError
from sut_client.client import run
from sut_client.connection import require_protection
from sut_client.events import LogLine
from sut_client.signing import _require_right, ask_director, parse_signature
from wire.comeback import Pass
from wire.identity import make_identity
from wire.keys import KeyFolder, Party

THEIR_KEY = "AAAA-BBBB-CCCC-DDDD-EEEE-FFFF"


@pytest.fixture
def keys(tmp_path: Path) -> KeyFolder:
    folder = KeyFolder(tmp_path / "keys")
    make_identity(folder, "sut", datetime.datetime.now(datetime.UTC))
    return folder


def measure(bench: Any, keys: KeyFolder) -> str:
    """Measure a session; get the line that tells about the signature."""

    async def go() -> None:
        async with bench.director.running():
            await run(bench.options(keys=keys.path), bench.events.append)

    asyncio.run(go())
    state = read_state(bench.session)
    assert state is not None
    assert state.state == "complete"
    (told,) = [event.text for event in bench.events if isinstance(event, LogLine) and "signed" in event.text]
    return str(told)


def test_with_the_reference_director_only_our_side_signs(bench: Any, keys: KeyFolder) -> None:
    own = keys.own()
    assert f"is signed by client {own.fingerprint}; check it with: wattrig verify" in measure(bench, keys)
    assert not any(command.startswith("wattrig,sign") for command in bench.director.commands)
    envelope = unseal((bench.session / STATEMENT).read_bytes())
    assert is_signed_by(envelope, own.fingerprint, own.der)
    statement = parse_statement(envelope.payload)
    assert statement.signers == {"client": own.fingerprint}
    assert compare(statement, bench.session).agrees
    connection = json.loads((bench.session / "wattrig/connection.json").read_text())
    assert (connection["encrypted"], connection["note"]) == (False, "both ends are on one machine")


def test_without_a_key_the_session_is_whole_and_says_so(bench: Any, tmp_path: Path) -> None:
    assert "not signed: there is no key" in measure(bench, KeyFolder(tmp_path / "none"))
    assert not (bench.session / STATEMENT).exists()


class Answering:
    """A link whose director answers so."""

    def __init__(self, reply: str, party: Party | None = None) -> None:
        self.reply = reply
        self.given = Pass("a secret", 60.0)
        self.lines = SimpleNamespace(party=party)

    async def ask(self, command: str) -> str:
        assert command == "wattrig,sign,2026-11-22_12-00-00,a secret"
        return self.reply


def asked(link: Any) -> str:
    log = TrafficLog("client", lambda _line: None, must_write=False)
    return asyncio.run(ask_director(link, "2026-11-22_12-00-00", log))


@pytest.mark.parametrize(
    ("reply", "key"), [(f"OK,{THEIR_KEY}", THEIR_KEY), ("Error: the director has no key", ""), ("Error", "")]
)
def test_a_director_of_ours_is_asked(reply: str, key: str) -> None:
    assert asked(Answering(reply)) == key


def test_a_director_signs_with_the_key_that_tls_proved(keys: KeyFolder) -> None:
    own = keys.own()
    assert asked(Answering(f"OK,{own.fingerprint}", own)) == own.fingerprint
    with pytest.raises(PeerError, match=f"wants to sign with the key {THEIR_KEY}, and TLS proved {own.fingerprint}"):
        asked(Answering(f"OK,{THEIR_KEY}", own))


@pytest.mark.parametrize("reply", ["OK,", "OK,evil", "OK," + "A" * 5000])
def test_what_is_no_fingerprint_is_named(reply: str) -> None:
    with pytest.raises(PeerError, match="as the fingerprint of its key"):
        asked(Answering(reply))


def test_without_the_packages_for_signing_the_session_is_whole(
    bench: Any, keys: KeyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.ed25519", None)
    told = measure(bench, keys)
    assert "not signed: 'cryptography." in told
    assert "is missing (pip install 'wattrig[security]')" in told


def test_a_key_that_others_can_read_signs_nothing(bench: Any, keys: KeyFolder) -> None:
    keys.key.chmod(0o644)
    assert "not signed: others on this machine can reach" in measure(bench, keys)


@pytest.mark.parametrize("reply", ["OK,", "OK,abc", "OK,????", "OK," + base64.b64encode(b"x" * 63).decode()])
def test_what_is_no_signature_is_named(reply: str) -> None:
    with pytest.raises(PeerError, match="expected a signature of 64 bytes"):
        parse_signature(reply)


def test_a_directors_signature_that_is_wrong_is_not_sealed(keys: KeyFolder) -> None:
    own = keys.own().fingerprint
    _require_right(seal(b"{}", {own: sign(b"{}", own, keys.key)}), own, keys)
    _require_right(seal(b"{}", {"unknown": bytes(64)}), "unknown", keys)
    with pytest.raises(PeerError, match="is not made by the key"):
        _require_right(seal(b"{}", {own: bytes(64)}), own, keys)


def test_the_directors_refusal_is_passed_on() -> None:
    assert parse_signature("OK," + base64.b64encode(b"x" * 64).decode()) == b"x" * 64
    with pytest.raises(PeerRefusedError, match=r"the director does not sign: .*does not agree"):
        parse_signature("Error: the statement does not agree with the director's copy of 'run_1/spl.txt'")


@pytest.mark.parametrize(
    ("where", "options", "encrypts"),
    [
        ("127.0.0.1", {}, False),
        ("::1", {}, False),
        ("127.0.0.1", {"tls": True}, True),
        ("192.0.2.1", {}, True),
        ("fe80::1%eth0", {}, True),
        ("192.0.2.1", {"allow_plaintext": True}, False),
    ],
)
def test_when_a_client_encrypts(
    bench: Any, keys: KeyFolder, where: str, options: dict[str, bool], encrypts: bool
) -> None:
    assert require_protection(bench.options(keys=keys.path, **options), [where]) is encrypts


def test_options_that_contradict_each_other(bench: Any) -> None:
    with pytest.raises(ConfigError, match="both --tls and --allow-plaintext"):
        require_protection(bench.options(tls=True, allow_plaintext=True), ["127.0.0.1"])
