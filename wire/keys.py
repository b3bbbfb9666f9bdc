"""A folder of keys: who we are, whom we trust, whom we no longer trust. Needs the standard library alone.

    identity.pem          our private Ed25519 key, for our eyes only
    certificate.pem       our self-signed certificate: what others get
    peers/<name>.pem      certificates that are trusted, pinned one by one
    revoked/<name>.pem    certificates that were, and are so no more

There is no authority: two people compare fingerprints once, by voice, and trust each other's very certificate.
"""

import base64
import hashlib
import os
import re
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from metrology.errors import ConfigError
from wire.private_files import mode_of, write_private

FINGERPRINT_BITS = 120
"""Bits of SHA-256 that a fingerprint shows: to find a second certificate of the same one takes 2^120 tries."""
FINGERPRINT = re.compile(r"[A-Z2-7]{4}(-[A-Z2-7]{4}){5}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
LARGEST_CERTIFICATE = 1 << 16
MOST_CERTIFICATES = 1000
ED25519_KEY = bytes.fromhex("300506032b6570032100")
"""What stands before the 32 bytes of a public key in a certificate (RFC 8410, section 4)."""
VARIABLE = "WATTRIG_KEYS"


class Party(NamedTuple):
    """Somebody with a key: the name that we gave and the certificate, DER."""

    name: str
    der: bytes

    @property
    def fingerprint(self) -> str:
        """Get the fingerprint of the certificate."""
        return fingerprint(self.der)

    @property
    def public_key(self) -> bytes:
        """Get the public key alone: one key may have several certificates."""
        return public_key_of(self.der)

    @property
    def pem(self) -> str:
        """Get the certificate as text."""
        return ssl.DER_cert_to_PEM_cert(self.der)


def public_key_of(der: bytes) -> bytes:
    """Get the Ed25519 public key in a certificate; the whole certificate where it holds none, or more than one."""
    _, mark, rest = der.partition(ED25519_KEY)
    return rest[:32] if mark and ED25519_KEY not in rest else der


def fingerprint(der: bytes) -> str:
    """Get the fingerprint of a certificate: six groups of four of A-Z and 2-7, which no two letters of confuse."""
    digest = hashlib.sha256(der).digest()[: FINGERPRINT_BITS // 8]
    text = base64.b32encode(digest).decode()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def default_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Get where keys are kept: WATTRIG_KEYS, or wattrig/keys in the user's configuration.

    Raises:
        ConfigError: the user has no home.
    """
    if named := environ.get(VARIABLE):
        return Path(named)
    try:
        home = Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    except RuntimeError as problem:
        raise ConfigError("there is no home folder to keep keys in", f"say where: {VARIABLE}=FOLDER") from problem
    return home / "wattrig" / "keys"


class KeyFolder:
    """The keys in a folder, read anew at each call: what is trusted or revoked counts from the next connection on.

    Args:
        path: the folder; the default one where it is None.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or default_folder()
        self.key = self.path / "identity.pem"
        self.certificate = self.path / "certificate.pem"

    @property
    def has_identity(self) -> bool:
        """Tell whether there is a key of our own; ConfigError where that cannot be told."""
        return mode_of(self.key) is not None

    def own(self) -> Party:
        """Get ourselves.

        Raises:
            ConfigError: there is no key, or others on this machine can read it.
        """
        if not self.has_identity:
            raise ConfigError(f"there is no key in '{self.path}'", "make one: wattrig keys init")
        self.require_private()
        return Party("this machine", read_certificate(self.certificate))

    def require_private(self) -> None:
        """Make sure that nobody else on this machine can reach our key, as far as there is one.

        Raises:
            ConfigError: somebody can.
        """
        for path in (self.path, self.key):
            if (mode_of(path) or 0) & 0o077:
                raise ConfigError(
                    f"others on this machine can reach '{path}', which should be private",
                    f"chmod go= '{path}', and if somebody may have read a key: a new one with wattrig keys init",
                )

    def peers(self) -> tuple[Party, ...]:
        """List those whom we trust, sorted by name.

        Raises:
            ConfigError: a file there is no certificate under a name, or others on this machine can put one there.
        """
        return self._parties("peers")

    def revoked(self) -> tuple[Party, ...]:
        """List those whom we trust no more; errors as `peers`, so that no revocation is passed over."""
        return self._parties("revoked")

    def trusted(self) -> tuple[Party, ...]:
        """List all whom we trust, ourselves among them; what is revoked under any name is not."""
        gone = {party.public_key for party in self.revoked()}
        ours = (self.own(),) if self.has_identity else ()
        return tuple(party for party in (*ours, *self.peers()) if party.public_key not in gone)

    def _parties(self, kind: str) -> tuple[Party, ...]:
        for folder in (self.path, self.path / kind):
            if (mode_of(folder) or 0) & 0o022:
                raise ConfigError(
                    f"others on this machine can write to '{folder}', and so decide whom it trusts",
                    f"chmod go-w '{folder}', and look through: wattrig keys list",
                )
        paths = sorted(_certificates(self.path / kind), key=lambda path: path.stem)
        return tuple(Party(path.stem, read_certificate(path)) for path in paths)

    def trust(self, name: str, der: bytes) -> Party:
        """Trust a certificate under a name.

        Raises:
            ConfigError: the name is none, is taken by another certificate, or the certificate was revoked.
        """
        party = Party(check_name(name), der)
        if any(party.public_key == gone.public_key for gone in self.revoked()):
            raise ConfigError(f"the key {party.fingerprint} was revoked here", "ask for a new one")
        path = self.path / "peers" / f"{name}.pem"
        if path.exists() and read_certificate(path) != der:
            raise ConfigError(
                f"there is another key under the name {name!r}",
                f"if it is out of use: wattrig keys revoke {name}; or choose another name",
            )
        write_private(path, party.pem)
        return party

    def revoke(self, name: str) -> Party:
        """Trust a peer no more; its certificate is kept, so that what it signed is known for what it is.

        Raises:
            ConfigError: there is no such peer.
        """
        path = self.path / "peers" / f"{check_name(name)}.pem"
        if not path.exists():
            known = ", ".join(party.name for party in self.peers()) or "none"
            raise ConfigError(f"there is no trusted key under the name {name!r}; there are: {known}")
        party = Party(name, read_certificate(path))
        # One name may lose several keys in the course of time.
        taken = [other.name for other in self.revoked()]
        kept = next(free for free in (name[:60], *(f"{name[:60]}-{n}" for n in range(2, 999))) if free not in taken)
        write_private(self.path / "revoked" / f"{kept}.pem", party.pem)
        path.unlink()
        return party


def _certificates(folder: Path) -> Iterator[Path]:
    """List the certificates of a folder; hidden files, as editors leave them, are none.

    Raises:
        ConfigError: it cannot be read, or holds too much, or what is no `<name>.pem`.
    """
    try:
        names = [name for name in os.listdir(folder) if not name.startswith(".") or name.endswith(".pem")]  # noqa: PTH208
    except FileNotFoundError:
        return
    except OSError as problem:
        raise ConfigError(f"'{folder}' cannot be read: {problem.strerror}", "give yourself the right to") from problem
    if len(names) > MOST_CERTIFICATES:
        raise ConfigError(f"'{folder}' holds {len(names)} files, expected at most {MOST_CERTIFICATES} certificates")
    for name in names:
        if not name.endswith(".pem") or NAME.fullmatch(name.removesuffix(".pem")) is None:
            raise ConfigError(
                f"{name!r} in '{folder}' is no certificate under a name, such as 'sut7.pem'",
                "rename it (letters, digits, '-' and '_', then .pem), or take it away",
            )
        yield folder / name


def check_name(name: str) -> str:
    """Get a name of a peer as it is.

    Raises:
        ConfigError: it could not name a file.
    """
    if NAME.fullmatch(name) is None:
        raise ConfigError(f"got the name {name[:80]!r}, expected up to 64 letters, digits, '-' and '_'")
    return name


def read_certificate(path: Path) -> bytes:
    """Read a certificate file.

    Raises:
        ConfigError: it cannot be read, or holds no certificate.
    """
    try:
        with path.open("rb") as file:
            return decode_certificate(file.read(LARGEST_CERTIFICATE).decode())
    except (OSError, ValueError) as problem:
        raise ConfigError(f"'{path}' holds no certificate: {problem}") from problem


def decode_certificate(text: str) -> bytes:
    """Find the one certificate in a text, such as a pasted mail, and get it as DER.

    Raises:
        ValueError: there is none, or more than one.
    """
    found = re.findall(f"{ssl.PEM_HEADER}[A-Za-z0-9+/=\\s]{{1,8000}}{ssl.PEM_FOOTER}", text)
    if len(found) != 1:
        raise ValueError(f"got {len(found)} blocks '{ssl.PEM_HEADER}', expected one")
    return ssl.PEM_cert_to_DER_cert(found[0])
