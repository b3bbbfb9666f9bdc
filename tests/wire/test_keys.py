import asyncio
import datetime
import os
import socket
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrology.errors import ConfigError, PeerError
from wire import keys
from wire.identity import check_certificate, make_identity
from wire.keys import FINGERPRINT, KeyFolder, Party, decode_certificate, default_folder, fingerprint
from wire.limits import BURST_LINES, LINES_PER_S, MOST_TOTAL, PER_LINE, Allowance
from wire.secured import secure
from wire.security import alert, claim_of, claimed, client_context, director_context

NOW = datetime.datetime.now(datetime.UTC)


@pytest.fixture
def ours(tmp_path: Path) -> KeyFolder:
    folder = KeyFolder(tmp_path / "config" / "keys")
    make_identity(folder, "me@here", NOW)
    return folder


@pytest.fixture
def theirs(tmp_path: Path) -> KeyFolder:
    folder = KeyFolder(tmp_path / "theirs")
    make_identity(folder, "x" * 200, NOW)
    return folder


def modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}


def test_keys_are_private_from_the_first_moment(ours: KeyFolder, theirs: KeyFolder) -> None:
    ours.trust("other", theirs.own().der)
    assert modes(ours.path) == {0o700, 0o600}
    assert "PRIVATE KEY" in ours.key.read_text()
    assert "PRIVATE" not in ours.own().pem
    assert not list(ours.path.rglob(".*"))


def test_a_key_that_others_can_read_is_not_used(ours: KeyFolder) -> None:
    ours.key.chmod(0o640)
    with pytest.raises(ConfigError, match=r"others on this machine can reach .*identity\.pem"):
        ours.own()
    ours.key.chmod(0o600)
    ours.path.chmod(0o755)
    with pytest.raises(ConfigError, match=r"keys', which should be private"):
        ours.own()


def test_a_second_key_is_not_made_over_the_first(ours: KeyFolder) -> None:
    before = ours.own()
    with pytest.raises(ConfigError, match=before.fingerprint):
        make_identity(ours, "again", NOW)
    assert ours.own() == before


def test_trust_and_revocation(ours: KeyFolder, theirs: KeyFolder, tmp_path: Path) -> None:
    der = theirs.own().der
    assert ours.trust("sut7", der) == ours.trust("sut7", der)
    assert [party.name for party in ours.trusted()] == ["this machine", "sut7"]
    third = KeyFolder(tmp_path / "third")
    make_identity(third, "third", NOW)
    with pytest.raises(ConfigError, match="another key under the name 'sut7'"):
        ours.trust("sut7", third.own().der)
    ours.trust("second-name", der)
    assert ours.revoke("sut7").der == der
    assert [party.name for party in ours.trusted()] == ["this machine"], "revoked is revoked under every name"
    with pytest.raises(ConfigError, match="was revoked here"):
        ours.trust("sut8", der)
    ours.trust("sut7", third.own().der)
    ours.revoke("sut7")
    assert [party.name for party in ours.revoked()] == ["sut7", "sut7-2"]
    with pytest.raises(ConfigError, match="no trusted key under the name 'sut7'; there are: second-name"):
        ours.revoke("sut7")


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a" * 65, "é", "a\n", "-x"])
def test_names_that_could_leave_the_folder(ours: KeyFolder, name: str) -> None:
    with pytest.raises(ConfigError, match="got the name"):
        ours.trust(name, ours.own().der)
    with pytest.raises(ConfigError, match="got the name"):
        ours.revoke(name)


def test_where_keys_are(tmp_path: Path) -> None:
    assert default_folder({"WATTRIG_KEYS": "/k"}) == Path("/k")
    assert default_folder({"XDG_CONFIG_HOME": "/c"}) == Path("/c/wattrig/keys")
    assert default_folder({}) == Path.home() / ".config/wattrig/keys"


def test_without_a_home_a_folder_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    assert default_folder({"WATTRIG_KEYS": "/k"}) == Path("/k")
    with pytest.raises(ConfigError, match="no home folder"):
        default_folder({})


def test_a_fingerprint_is_read_aloud_in_six_groups(ours: KeyFolder) -> None:
    assert FINGERPRINT.fullmatch(ours.own().fingerprint)
    assert fingerprint(b"") == "4OYM-IQUY-7QOB-JGX3-6TEJ-S35Z", "SHA-256 of nothing, from the standard"


@given(st.binary())
def test_every_certificate_has_one(der: bytes) -> None:
    assert FINGERPRINT.fullmatch(fingerprint(der))


@given(st.text())
def test_a_claim_is_a_fingerprint_or_nothing(text: str) -> None:
    assert claimed(text) == "" or FINGERPRINT.fullmatch(claimed(text))


def test_what_is_claimed_is_understood(ours: KeyFolder) -> None:
    assert claimed(claim_of(ours.own())) == ours.own().fingerprint
    assert claimed(None) == claimed("example.org") == ""
    assert alert(48) == b"\x15\x03\x03\x00\x02\x02\x30"  # type: ignore[arg-type]


def test_a_certificate_is_found_in_a_mail(ours: KeyFolder) -> None:
    text = f"Hello,\r\nhere it is:\n{ours.own().pem.replace(chr(10), chr(13) + chr(10))}\nbye"
    assert decode_certificate(text) == ours.own().der
    with pytest.raises(ValueError, match="got 2 blocks"):
        decode_certificate(ours.own().pem * 2)


@given(st.text())
def test_other_text_holds_none(text: str) -> None:
    with pytest.raises(ValueError, match="block"):
        decode_certificate(text)


@given(st.data())
def test_a_spoiled_certificate_is_no_other_one(data: st.DataObject) -> None:
    der = bytearray(SAMPLE)
    at = data.draw(st.integers(0, len(der) - 1))
    der[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ConfigError, match=r"no certificate of wattrig|is valid from"):
        check_certificate(bytes(der), NOW)


def test_a_key_with_two_certificates_is_one_key(ours: KeyFolder, theirs: KeyFolder) -> None:
    twin = second_certificate(theirs.key.read_bytes())
    assert twin != theirs.own().der
    assert Party("a", twin).public_key == theirs.own().public_key != ours.own().public_key
    ours.trust("first", theirs.own().der)
    ours.trust("second", twin)
    ours.revoke("first")
    assert {party.name for party in ours.trusted()} == {"this machine"}
    with pytest.raises(ConfigError, match="was revoked here"):
        ours.trust("third", second_certificate(theirs.key.read_bytes()))


def second_certificate(key: bytes, title: bytes = b"twin") -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    secret = serialization.load_pem_private_key(key, None)
    assert isinstance(secret, Ed25519PrivateKey)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "twin")])
    builder = x509.CertificateBuilder(name, name, secret.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(NOW - datetime.timedelta(days=1)).not_valid_after(NOW.replace(year=9000))
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    more = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), title)
    builder = builder.add_extension(more, critical=False)
    return builder.sign(secret, None).public_bytes(serialization.Encoding.DER)


def sample() -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        folder = KeyFolder(Path(place) / "keys")
        return make_identity(folder, "sample", NOW).der


SAMPLE = sample()


def test_a_certificate_is_judged(theirs: KeyFolder) -> None:
    check_certificate(theirs.own().der, NOW)
    with pytest.raises(ConfigError, match="check this machine's clock"):
        check_certificate(theirs.own().der, NOW - datetime.timedelta(days=3))


def test_unreadable_files_are_named(ours: KeyFolder) -> None:
    (ours.path / "peers").mkdir()
    (ours.path / "peers" / "bad.pem").write_text("nothing")
    with pytest.raises(ConfigError, match=r"bad\.pem' holds no certificate: got 0 blocks"):
        ours.trusted()


def test_the_allowance_fills_at_a_steady_rate() -> None:
    now_s = 0.0
    allowance = Allowance(lambda: now_s)
    assert [allowance.spend("time") for _ in range(BURST_LINES)] == [0.0] * BURST_LINES
    assert allowance.spend("time") == pytest.approx(1 / LINES_PER_S)
    now_s = 10.0
    assert allowance.spend("time") == 0.0


def test_the_allowance_has_an_end() -> None:
    allowance = Allowance(lambda: 0.0)
    for _ in range(MOST_TOTAL // PER_LINE):
        allowance.spend("")
    with pytest.raises(PeerError, match="characters of commands"):
        allowance.spend("")


def test_the_folder_is_read_within_bounds(ours: KeyFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "LARGEST_CERTIFICATE", 100)
    with pytest.raises(ConfigError, match="holds no certificate"):
        ours.own()


def revoked(ours: KeyFolder, theirs: KeyFolder) -> Path:
    """Trust somebody, and revoke the key."""
    ours.trust("sut7", theirs.own().der)
    ours.revoke("sut7")
    return ours.path / "revoked" / "sut7.pem"


@pytest.mark.parametrize("name", ["sut 7.pem", "sut7.crt", "sut7.pem~", "sut7", ".sut7.pem", "x" * 65 + ".pem"])
def test_no_revocation_is_lost_for_its_name(ours: KeyFolder, theirs: KeyFolder, name: str) -> None:
    path = revoked(ours, theirs)
    path.rename(path.with_name(name))
    for ask in (ours.revoked, ours.trusted, lambda: ours.trust("again", theirs.own().der)):
        with pytest.raises(ConfigError, match=f"{name}' in .*revoked' is no certificate under a name"):
            ask()


def test_what_an_editor_or_a_power_cut_leaves_is_no_certificate(ours: KeyFolder, theirs: KeyFolder) -> None:
    path = revoked(ours, theirs)
    for name in (".DS_Store", ".gitkeep", ".sut8.pem.tmp"):
        path.with_name(name).write_text("")
    assert [party.name for party in ours.revoked()] == ["sut7"]


def test_no_revocation_is_lost_among_many(
    ours: KeyFolder, theirs: KeyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = revoked(ours, theirs)
    monkeypatch.setattr(keys, "MOST_CERTIFICATES", 2)
    for number in range(2):
        path.with_name(f"a{number}.pem").write_text(path.read_text())
    with pytest.raises(ConfigError, match="holds 3 files, expected at most 2 certificates"):
        ours.trusted()


def test_revocations_that_cannot_be_read_are_not_none(
    ours: KeyFolder, theirs: KeyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    revoked(ours, theirs)

    def listdir(path: Any) -> list[str]:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "listdir", listdir)
    with pytest.raises(ConfigError, match="revoked' cannot be read: Permission denied"):
        ours.trusted()


def test_whom_others_could_have_us_trust_is_not_trusted(tmp_path: Path, theirs: KeyFolder) -> None:
    reviewer = KeyFolder(tmp_path / "reviewer")
    reviewer.trust("lab", theirs.own().der)
    (reviewer.path / "peers").chmod(0o775)
    with pytest.raises(ConfigError, match=r"others on this machine can write to .*peers', and so decide whom"):
        reviewer.trusted()
    (reviewer.path / "peers").chmod(0o755)
    assert [party.name for party in reviewer.trusted()] == ["lab"]


def test_no_key_is_left_in_a_folder_that_others_can_read(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path)
    tmp_path.chmod(0o755)
    with pytest.raises(ConfigError, match=r"can reach .*, which should be private\n  try: chmod go= "):
        make_identity(folder, "me", NOW)
    assert list(tmp_path.iterdir()) == []
    tmp_path.chmod(0o700)
    assert make_identity(folder, "me", NOW) == folder.own()


def test_a_key_hidden_behind_another_is_not_trusted(theirs: KeyFolder) -> None:
    revoked_before = theirs.own().public_key
    disguised = second_certificate(theirs.key.read_bytes(), keys.ED25519_KEY + bytes(20))
    assert Party("x", disguised).public_key != revoked_before
    with pytest.raises(ConfigError, match="hidden behind another"):
        check_certificate(disguised, NOW)


def protect(folder: KeyFolder) -> None:
    """Protect our key by a passphrase, as an operator may do with openssl."""
    from cryptography.hazmat.primitives import serialization

    secret = serialization.load_pem_private_key(folder.key.read_bytes(), None)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    folder.key.write_bytes(secret.private_bytes(*form, serialization.BestAvailableEncryption(b"secret")))


def mix_up(folder: KeyFolder) -> None:
    """Put a certificate there that is another key's."""
    folder.certificate.write_text(Party("", SAMPLE).pem)


OWN_FAULTS = {
    "a passphrase": (protect, "is protected by a passphrase"),
    "no pair": (mix_up, "cannot be used .KEY_VALUES_MISMATCH"),
    "junk": (lambda folder: folder.key.write_text("junk"), "cannot be used"),
    "nothing": (lambda folder: folder.key.unlink(), "there is no key"),
}


@pytest.mark.parametrize("fault", OWN_FAULTS)
def test_a_key_of_ours_that_cannot_be_used_is_our_fault(ours: KeyFolder, fault: str) -> None:
    spoil, told = OWN_FAULTS[fault]
    spoil(ours)
    contexts: list[Any] = [lambda: client_context(ours), lambda: director_context(ours, print, print)]
    for make in contexts:
        with pytest.raises(ConfigError, match=told):
            make()

    async def connect() -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            reader, writer = await asyncio.open_connection(*server.getsockname())
            with pytest.raises(ConfigError, match=told):
                await secure(reader, writer, "director", ours)
            assert writer.transport.is_closing()
            await writer.wait_closed()

    asyncio.run(connect())


def test_keys_that_cannot_be_looked_at_are_our_fault(ours: KeyFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def stat_refused(path: Path) -> Any:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "stat", stat_refused)
    with pytest.raises(ConfigError, match=r"identity\.pem' cannot be read: Permission denied"):
        ours.own()
