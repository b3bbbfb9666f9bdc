"""A whole session between two processes over TLS, signed by both, verified, and spoiled in every way."""

import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from console.main import main
from evidence.envelope import seal, unseal
from evidence.statement import STATEMENT
from wire.keys import KeyFolder, fingerprint

WATTRIG = str(Path(sys.executable).with_name("wattrig"))
WORKLOAD = f"{sys.executable} -m sut_client.loadgen --scenario Offline --seconds 3 --logs "


def run(*words: str | Path, keys: Path, code: int = 0) -> str:
    result = CliRunner().invoke(main, [str(word) for word in words], env={"WATTRIG_KEYS": str(keys)})
    assert result.exit_code == code, result.output
    return result.output


@contextmanager
def director(home: Path, keys: Path) -> Iterator[int]:
    station = home / "station.toml"
    station.write_text(
        f'[director]\nlisten = "127.0.0.1:0"\nstore = "store"\nkeys = "{keys}"\ntls = "required"\n'
        '[[analyzer]]\ndevice_type = 0\ndevice_port = "none"\nnetwork_port = 0\n'
    )
    log = home / "director.log"
    with log.open("w") as stderr:
        process = subprocess.Popen([WATTRIG, "director", "-c", station], stderr=stderr)
    try:
        while (found := re.search(r"Ready to accept connections at \S+:(\d+)", log.read_text())) is None:
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        yield int(found[1])
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people's keys, a session between them, and the keys of a reviewer who trusts both."""
    home = tmp_path_factory.mktemp("tls")
    for who in ("lab", "sut", "reviewer"):
        run("keys", "init", keys=home / who)
    for who, name in (("lab", "sut"), ("sut", "lab"), ("reviewer", "sut"), ("reviewer", "lab")):
        KeyFolder(home / who).trust(name, KeyFolder(home / name).own().der)
    with director(home, home / "lab") as port:
        done = subprocess.run(
            [WATTRIG, "client", "-a", "127.0.0.1", "-p", str(port), "--tls", "--keys", home / "sut",
             "-w", f"{WORKLOAD}{home / 'logs'}", "-L", home / "logs", "-o", home / "out"],
            capture_output=True, text=True, timeout=90, check=False,
        )  # fmt: skip
    (home / "client.log").write_text(done.stderr)
    assert done.returncode == 0, done.stderr
    return home


@pytest.fixture
def session(home: Path, tmp_path: Path) -> Path:
    """A copy of the session, to be spoiled."""
    (made,) = (home / "out").iterdir()
    return Path(shutil.copytree(made, tmp_path / made.name))


def test_both_sign_and_a_third_person_verifies(home: Path, session: Path) -> None:
    said = run("verify", session, "--threshold", "2", keys=home / "reviewer")
    assert "VERIFIED: 2 trusted keys signed, 2 needed" in said
    assert re.search(r"stated    20\d\d-\d\d-\d\dT[\d:]{8}Z by the client's clock", said)
    for role in ("client", "director"):
        assert f"({role}): good, by {'sut' if role == 'client' else 'lab'}" in said
    envelope = unseal((session / STATEMENT).read_bytes())
    predicate = json.loads(envelope.payload)["predicate"]
    assert predicate["connection"]["encrypted"] is True
    assert "version=wattrig_" in predicate["analyzers"]["identity"][0]
    assert predicate["clocks"]["offset_ms"] is not None


def test_logs_hold_fingerprints_and_no_secret(home: Path, session: Path) -> None:
    log, heard = (home / "director.log").read_text(), (home / "client.log").read_text()
    assert f"'sut' with the key {KeyFolder(home / 'sut').own().fingerprint}" in log
    assert "The session is signed by client" in heard
    secret = KeyFolder(home / "sut").key.read_text().splitlines()[1]
    everything = [path.read_bytes() for path in session.rglob("*") if path.is_file()]
    assert not any(secret.encode() in content for content in [*everything, log.encode(), heard.encode()])


def test_every_spoiled_file_is_named(home: Path, session: Path) -> None:
    names = [path.relative_to(session).as_posix() for path in session.rglob("*") if path.is_file()]
    covered = sorted(set(names) - {STATEMENT, "wattrig/client.journal"})
    assert len(covered) > 15
    for name in covered:
        path = session / name
        before = path.read_bytes()
        path.write_bytes(before + b" ")
        assert f"changed   '{name}'" in run("verify", session, keys=home / "reviewer", code=1)
        path.unlink()
        assert f"missing   '{name}'" in run("verify", session, keys=home / "reviewer", code=1)
        path.write_bytes(before)
    run("verify", session, keys=home / "reviewer")


def test_extra_files_are_named(home: Path, session: Path) -> None:
    (session / "wattrig/report.html").write_text("later")
    assert "'wattrig/report.html' was added after signing" in run("verify", session, keys=home / "reviewer")
    (session / "wattrig/attempt_9").mkdir()
    (session / "wattrig/attempt_9/attempt.json").write_text("{}")
    told = "extra     'wattrig/attempt_9/attempt.json'"
    assert told in run("verify", session, keys=home / "reviewer", code=1)
    shutil.rmtree(session / "wattrig/attempt_9")
    (session / "run_1/other.txt").write_text("more")
    assert "extra     'run_1/other.txt'" in run("verify", session, keys=home / "reviewer", code=1)


def test_a_statement_without_a_signature_or_with_a_forged_one(home: Path, session: Path) -> None:
    envelope = unseal((session / STATEMENT).read_bytes())
    raw = {key: bytes.fromhex(found.signature) for key, found in envelope.signatures.items()}
    sut, lab = (KeyFolder(home / who).own().fingerprint for who in ("sut", "lab"))
    (session / STATEMENT).write_bytes(seal(envelope.payload, {sut: raw[sut]}))
    said = run("verify", session, keys=home / "reviewer", code=1)
    assert f"{lab} (director): announced by the statement, but missing" in said
    (session / STATEMENT).write_bytes(seal(envelope.payload, {sut: raw[sut], lab: raw[sut]}))
    assert "WRONG: not made by the key of lab" in run("verify", session, keys=home / "reviewer", code=1)
    (session / STATEMENT).write_bytes(seal(envelope.payload.replace(b"spl.txt", b"spx.txt"), raw))
    assert "WRONG" in run("verify", session, keys=home / "reviewer", code=1)
    evil = "\x1b[2J"
    (session / STATEMENT).write_bytes(seal(envelope.payload, {**raw, evil: raw[sut]}))
    assert evil not in run("verify", session, keys=home / "reviewer")
    (session / STATEMENT).write_text("{}")
    assert f"changed   {STATEMENT}: the envelope is damaged" in run("verify", session, keys=home / "lab", code=1)
    (session / STATEMENT).unlink()
    assert "is not signed" in run("verify", session, keys=home / "reviewer", code=3)


def test_unknown_and_revoked_keys_do_not_count(home: Path, session: Path, tmp_path: Path) -> None:
    said = run("verify", session, keys=tmp_path / "none", code=1)
    assert said.count("unknown key: not trusted here") == 2
    keys = Path(shutil.copytree(home / "reviewer", tmp_path / "keys"))
    run("keys", "revoke", "sut", keys=keys)
    assert "1 trusted keys signed, 1 needed" in run("verify", session, keys=keys)
    said = run("verify", session, "--threshold", "2", keys=keys, code=1)
    assert "revoked key of sut; it does not count" in said


def test_a_damaged_certificate_here_is_no_crash(home: Path, session: Path, tmp_path: Path) -> None:
    keys = Path(shutil.copytree(home / "reviewer", tmp_path / "keys"))
    envelope = unseal((session / STATEMENT).read_bytes())
    raw = {key: bytes.fromhex(found.signature) for key, found in envelope.signatures.items()}
    (keys / "peers/junk.pem").write_text(ssl.DER_cert_to_PEM_cert(b"junk"))
    (session / STATEMENT).write_bytes(seal(envelope.payload, {**raw, fingerprint(b"junk"): bytes(64)}))
    said = run("verify", session, "--threshold", "2", keys=keys)
    assert "key of junk, as kept here: the certificate is damaged" in said


def test_a_statement_from_elsewhere_is_none(home: Path, session: Path) -> None:
    path = (session / STATEMENT).rename(session.parent / "elsewhere.json")
    (session / STATEMENT).symlink_to(path)
    said = run("verify", session, keys=home / "reviewer", code=1)
    assert f"changed   {STATEMENT}: the envelope is a link" in said
    (session / STATEMENT).unlink()
    os.mkfifo(session / STATEMENT)
    assert "is a FIFO, expected a plain file" in run("verify", session, keys=home / "reviewer", code=1)
