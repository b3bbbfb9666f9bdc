import datetime
import json
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence import statement as statements
from evidence.digest import file_sha256
from evidence.envelope import is_signed_by, is_valid_at, read_envelope, seal, sign, unseal
from evidence.statement import STATEMENT, compare, make_statement, parse_statement, take_digests
from metrology.errors import ConfigError, EvidenceError
from wire.identity import make_identity
from wire.keys import KeyFolder

NOW_NS = 1_795_362_000_000_000_000
FILES = {
    "power/client.json": json.dumps({"messages": [{"cmd": "wattrig,hello,1", "reply": "OK,0.1.0"}], "uuid": {}}),
    "power/server.json": json.dumps(
        {
            "uuid": {"client": "c", "server": "s"},
            "ptd_messages": [{"cmd": "Identify", "reply": "YokogawaWT310E,..."}] * 2,
            "ptd_config": [{"device_type": 49}],
        }
    ),
    "run_1/spl.txt": "Time,...\n",
    "wattrig/clock.json": json.dumps({"schema": 1, "offset_ms": 0.1, "bursts": [1, 2, 3]}),
    "wattrig/loadgen.json": json.dumps({"phases": {"testing": {"round_of_seeds": "v5.1"}}}),
}


@pytest.fixture
def session(tmp_path: Path) -> Path:
    root = tmp_path / "2026-11-22_12-00-00"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyFolder:
    folder = KeyFolder(tmp_path_factory.mktemp("config") / "keys")
    make_identity(folder, "me", datetime.datetime.now(datetime.UTC))
    return folder


def stated(session: Path) -> statements.Statement:
    return parse_statement(make_statement(session, session.name, {"client": "KEY"}, NOW_NS))


def test_it_is_an_in_toto_statement_that_tells_what_measured(session: Path) -> None:
    content = json.loads(make_statement(session, session.name, {"client": "KEY"}, NOW_NS))
    assert content["_type"] == "https://in-toto.io/Statement/v1"
    assert [entry["name"] for entry in content["subject"]] == sorted(FILES)
    predicate = content["predicate"]
    assert predicate["analyzers"] == {"identity": ["YokogawaWT310E,..."], "config": [{"device_type": 49}]}
    assert predicate["clocks"] == {"schema": 1, "offset_ms": 0.1}
    assert predicate["tools"]["director"] == "OK,0.1.0"
    assert predicate["loadgen"]["testing"]["round_of_seeds"] == "v5.1"
    assert (predicate["t_utc_ns"], predicate["signers"]) == (NOW_NS, {"client": "KEY"})


def test_an_untouched_session_agrees_wherever_it_lies(session: Path, tmp_path: Path) -> None:
    found = stated(session)
    moved = session.rename(tmp_path / "elsewhere")
    (moved / STATEMENT).write_text("{}")
    assert compare(found, moved).agrees


@given(st.sampled_from(sorted(FILES)), st.data())
def test_any_changed_byte_of_any_file_is_found_and_named(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    root = tmp_path_factory.mktemp("session")
    for each, text in FILES.items():
        (root / each).parent.mkdir(exist_ok=True)
        (root / each).write_text(text)
    found = stated(root)
    content = bytearray((root / name).read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    (root / name).write_bytes(content)
    assert compare(found, root).changed == (name,)
    shutil.rmtree(root)


def test_missing_extra_and_later_files_are_told_apart(session: Path) -> None:
    found = stated(session)
    (session / "run_1/spl.txt").unlink()
    (session / "ranging").mkdir()
    (session / "ranging/spl.txt").write_text("more")
    (session / "wattrig/report.html").write_text("later")
    result = compare(found, session)
    assert (result.missing, result.extra) == (("run_1/spl.txt",), ("ranging/spl.txt",))
    assert result.uncovered == ("wattrig/report.html",)
    assert not result.agrees


def test_what_wattrig_does_not_write_later_is_no_later_file(session: Path) -> None:
    found = stated(session)
    (session / "wattrig/report.html").symlink_to(session / "power/client.json")
    (session / "wattrig/attempt_1").mkdir()
    (session / "wattrig/attempt_1/attempt.json").write_text("{}")
    result = compare(found, session)
    assert (result.extra, result.uncovered) == (("wattrig/attempt_1/attempt.json", "wattrig/report.html"), ())
    assert not result.agrees


def test_links_are_neither_signed_nor_accepted(session: Path, tmp_path: Path) -> None:
    found = stated(session)
    original = (session / "run_1/spl.txt").rename(tmp_path / "spl.txt")
    (session / "run_1/spl.txt").symlink_to(original)
    assert compare(found, session).changed == ("run_1/spl.txt",)
    with pytest.raises(EvidenceError, match=r"'run_1/spl\.txt' is a link"):
        take_digests(session)
    (session / "run_1/spl.txt").unlink()
    (session / "power/more").symlink_to(tmp_path)
    assert "power/more" in compare(found, session).extra


def test_a_session_without_our_files_is_described_as_far_as_it_goes(tmp_path: Path) -> None:
    (tmp_path / "power").mkdir()
    (tmp_path / "power/server.json").write_text('{"ptd_messages": 5, "uuid": [')
    told = statements.describe(tmp_path)
    assert (told["uuid"], told["loadgen"], told["connection"]) == (None, None, None)


def test_too_many_files_are_no_session(session: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "MOST_FILES", 3)
    with pytest.raises(EvidenceError, match="over 3 files"):
        stated(session)


def test_a_signature_holds_for_these_bytes_and_this_key(session: Path, keys: KeyFolder, tmp_path: Path) -> None:
    payload = make_statement(session, session.name, {}, NOW_NS)
    own = keys.own()
    content = seal(payload, {own.fingerprint: sign(payload, own.fingerprint, keys.key)})
    envelope = unseal(content)
    assert envelope.payload == payload
    assert is_signed_by(envelope, own.fingerprint, own.der)
    assert is_valid_at(own.der, NOW_NS)
    assert not is_valid_at(own.der, 0)
    other = KeyFolder(tmp_path / "other")
    make_identity(other, "other", datetime.datetime.now(datetime.UTC))
    assert not is_signed_by(envelope, own.fingerprint, other.own().der)
    forged = unseal(
        seal(payload + b" ", {own.fingerprint: bytes.fromhex(envelope.signatures[own.fingerprint].signature)})
    )
    assert not is_signed_by(forged, own.fingerprint, own.der)


@given(st.data())
def test_any_changed_byte_of_the_envelope_is_found(keys: KeyFolder, data: st.DataObject) -> None:
    payload, own = b'{"a":1}', keys.own()
    content = bytearray(seal(payload, {own.fingerprint: sign(payload, own.fingerprint, keys.key)}))
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        envelope = unseal(bytes(content))
    except EvidenceError:
        return
    good = own.fingerprint in envelope.signatures and is_signed_by(envelope, own.fingerprint, own.der)
    assert not good


@given(st.binary() | st.recursive(st.none() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(
    st.sampled_from(["payload", "payloadType", "signatures", "keyid", "sig", "subject", "_type"]), inner
)).map(lambda found: json.dumps(found).encode()))  # fmt: skip
def test_no_file_breaks_the_readers(content: bytes) -> None:
    for read in (unseal, parse_statement):
        with pytest.raises(EvidenceError):
            read(content)


@pytest.mark.parametrize("t_utc_ns", ["1e999", "1" + "0" * 400, "-1", "1.5", '"1"', "null", "true"])
def test_a_time_that_is_none_is_no_statement(session: Path, t_utc_ns: str) -> None:
    text = make_statement(session, session.name, {}, NOW_NS).decode()
    with pytest.raises(EvidenceError, match=r"expected nanoseconds|damaged"):
        parse_statement(text.replace(f'"t_utc_ns":{NOW_NS}', f'"t_utc_ns":{t_utc_ns}').encode())


def test_a_file_named_twice_is_no_statement(session: Path) -> None:
    content = json.loads(make_statement(session, session.name, {}, NOW_NS))
    content["subject"].append(content["subject"][0])
    with pytest.raises(EvidenceError, match="named twice"):
        parse_statement(json.dumps(content).encode())


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(os.path.relpath(path))


@pytest.mark.parametrize(("make", "kind"), [(os.mkfifo, "a FIFO"), (a_socket, "a socket"), (os.mkdir, "a folder")])
def test_what_would_hang_a_reader_is_named(
    session: Path, make: Callable[[Path], object], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(session)  # a socket's path has at most 107 bytes
    found = stated(session)
    (session / "run_1/spl.txt").unlink()
    make(session / "run_1/spl.txt")
    with pytest.raises(EvidenceError, match=f"spl.txt' is {kind}, expected a plain file"):
        file_sha256(session / "run_1/spl.txt")
    assert not compare(found, session).agrees
    if kind != "a folder":
        assert compare(found, session).changed == ("run_1/spl.txt",)
        with pytest.raises(EvidenceError, match=kind):
            take_digests(session)


def test_a_device_is_no_file() -> None:
    with pytest.raises(EvidenceError, match="'/dev/zero' is a device, expected a plain file"):
        file_sha256(Path("/dev/zero"))


def test_a_giant_is_not_hashed(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate((16 << 30) + 1)
    with pytest.raises(EvidenceError, match="has 17179869185 bytes, expected at most 17179869184"):
        file_sha256(tmp_path / "sparse")


def test_a_file_that_becomes_a_fifo_does_not_hang(session: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = session / "run_1/spl.txt"
    before = path.stat()
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr(Path, "stat", lambda _self: before)
    with pytest.raises(EvidenceError, match="is a FIFO"):
        file_sha256(path)


def test_a_folder_that_cannot_be_read_is_not_left_out(session: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, real = stated(session), os.scandir

    def scandir(path: Any) -> Any:
        if str(path).endswith("run_1"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    for look in (lambda: take_digests(session), lambda: compare(found, session)):
        with pytest.raises(EvidenceError, match="run_1' cannot be read: Permission denied"):
            look()


SPOILED: dict[str, Callable[[dict[str, Any]], object]] = {
    "a second digest": lambda found: found["subject"][0]["digest"].update(sha1="0"),
    "a digest of no length": lambda found: found["subject"][0]["digest"].update(sha256="ab"),
    "a digest in other letters": lambda found: found["subject"][0]["digest"].update(sha256="A" * 64),
    "a number for a digest": lambda found: found["subject"][0]["digest"].update(sha256=5),
    "a number for a name": lambda found: found["subject"][0].update(name=5),
    "a name above": lambda found: found["subject"][0].update(name="../power/client.json"),
    "a name from the root": lambda found: found["subject"][0].update(name="/etc/passwd"),
    "a name in two ways": lambda found: found["subject"][0].update(name="power//client.json"),
    "no name": lambda found: found["subject"][0].update(name=""),
    "more of a file": lambda found: found["subject"][0].update(uri="https://example.org"),
    "more beside it": lambda found: found.update(note="valid"),
    "more in it": lambda found: found["predicate"].update(verdict="valid"),
    "another signer": lambda found: found["predicate"]["signers"].update(auditor="KEY"),
    "a list of signers": lambda found: found["predicate"].update(signers=["client"]),
    "no name of a session": lambda found: found["predicate"].update(session=None),
    "another type": lambda found: found.update(predicateType="https://slsa.dev/provenance/v1"),
}


@pytest.mark.parametrize("how", SPOILED)
def test_a_statement_says_what_we_state_and_nothing_else(session: Path, how: str) -> None:
    content = json.loads(make_statement(session, session.name, {"client": "KEY"}, NOW_NS))
    SPOILED[how](content)
    with pytest.raises(EvidenceError, match="no statement of a session"):
        parse_statement(json.dumps(content).encode())


def test_a_key_in_the_statement_counts_once(session: Path) -> None:
    text = make_statement(session, session.name, {"client": "KEY"}, NOW_NS).decode()
    with pytest.raises(EvidenceError, match="occurs twice"):
        parse_statement(text.replace('"signers":', '"signers":{},"signers":', 1).encode())


def test_nothing_beside_the_signed_bytes_is_let_into_the_envelope(keys: KeyFolder) -> None:
    own = keys.own().fingerprint
    whole = json.loads(seal(b"{}", {own: sign(b"{}", own, keys.key)}))
    for change in (
        lambda found: found["signatures"][0].update(note="checked by the auditor"),
        lambda found: found["signatures"][0].update(keyid=5),
        lambda found: found["signatures"].append(found["signatures"][0]),
        lambda found: found.update(payloadType="application/json"),
        lambda found: found.update(note="valid"),
    ):
        found = json.loads(json.dumps(whole))
        change(found)
        with pytest.raises(EvidenceError, match=r"damaged|was changed"):
            unseal((json.dumps(found, indent=1) + "\n").encode())


def test_an_envelope_is_a_file_of_its_own(tmp_path: Path) -> None:
    sealed, link, fifo = tmp_path / "sealed", tmp_path / "link", tmp_path / "fifo"
    sealed.write_bytes(seal(b"{}", {}))
    assert read_envelope(sealed).payload == b"{}"
    link.symlink_to(sealed)
    os.mkfifo(fifo)
    for path, told in ((link, "is a link"), (fifo, "is a FIFO")):
        with pytest.raises(EvidenceError, match=told):
            read_envelope(path)
    sealed.write_bytes(b" " * (9 << 20))
    with pytest.raises(EvidenceError, match="over 8388608 bytes"):
        read_envelope(sealed)


def test_a_certificate_that_is_none_judges_nothing(keys: KeyFolder) -> None:
    own = keys.own().fingerprint
    envelope = unseal(seal(b"{}", {own: sign(b"{}", own, keys.key)}))
    with pytest.raises(EvidenceError, match="the certificate is damaged"):
        is_signed_by(envelope, own, b"junk")
    with pytest.raises(EvidenceError, match="the certificate is damaged"):
        is_valid_at(b"junk", NOW_NS)


def test_a_key_that_cannot_sign_is_named(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    def written(key: Any, protection: Any) -> Path:
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
        (tmp_path / "key.pem").write_bytes(key.private_bytes(*form, protection))
        return tmp_path / "key.pem"

    locked = serialization.BestAvailableEncryption(b"secret")
    for key, protection, told in (
        (ed25519.Ed25519PrivateKey.generate(), locked, "is protected by a passphrase"),
        (ec.generate_private_key(ec.SECP256R1()), serialization.NoEncryption(), "is no Ed25519 key"),
    ):
        with pytest.raises(ConfigError, match=told):
            sign(b"{}", "", written(key, protection))
    (tmp_path / "key.pem").write_text("junk")
    with pytest.raises(ConfigError, match="is damaged"):
        sign(b"{}", "", tmp_path / "key.pem")
