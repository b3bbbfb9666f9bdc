"""The DSSE envelope around a statement: Ed25519 signatures over its very bytes, made and checked by securesystemslib.

A signature's `keyid` is the fingerprint of the signer's certificate; it says which key to try and proves nothing.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from evidence.bounded_json import parse_object
from evidence.digest import open_plain
from metrology.errors import ConfigError, EvidenceError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.x509 import Certificate
    from securesystemslib.dsse import Envelope

PAYLOAD_TYPE = "application/vnd.in-toto+json"
LARGEST_ENVELOPE = 8 << 20
MOST_SIGNATURES = 100


def sign(payload: bytes, keyid: str, key: Path) -> bytes:
    """Sign a statement; get the raw signature.

    Args:
        payload: the statement.
        keyid: the fingerprint of our certificate.
        key: our private key's file.

    Raises:
        OSError, ConfigError: the key cannot be read, or is no Ed25519 key.
    """
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import CryptoSigner, SSlibKey

    private = _private_key(key)
    signer = CryptoSigner(private, SSlibKey.from_crypto(private.public_key(), keyid))
    return bytes.fromhex(Envelope(payload, PAYLOAD_TYPE, {}).sign(signer).signature)


def _private_key(path: Path) -> "Ed25519PrivateKey":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        private = load_pem_private_key(path.read_bytes(), None)
    except TypeError as problem:  # what the library raises for one that is encrypted
        raise ConfigError(
            f"the key '{path}' is protected by a passphrase, which nobody can be asked for while a session runs",
            f"openssl pkey -in '{path}' -out plain.pem, and put that in its place (chmod 600)",
        ) from problem
    except (ValueError, UnsupportedAlgorithm) as problem:
        raise ConfigError(f"the key '{path}' is damaged: {problem}", "put back a copy of it") from problem
    if not isinstance(private, Ed25519PrivateKey):
        raise ConfigError(f"'{path}' is no Ed25519 key", "make one: wattrig keys init")
    return private


def seal(payload: bytes, signatures: Mapping[str, bytes]) -> bytes:
    """Make the envelope's file from a statement and its signatures by keyid."""
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import Signature

    made = {keyid: Signature(keyid, raw.hex()) for keyid, raw in signatures.items()}
    return (json.dumps(Envelope(payload, PAYLOAD_TYPE, made).to_dict(), indent=1) + "\n").encode()


def read_envelope(path: Path) -> "Envelope":
    """Read an envelope from where it lies.

    Raises:
        EvidenceError: as `unseal`; or it is a link, or no plain file.
        OSError: it cannot be read.
    """
    if path.is_symlink():
        raise EvidenceError("the envelope is a link, expected the file itself")
    with open_plain(path) as file:
        return unseal(file.read(LARGEST_ENVELOPE + 1))


def unseal(content: bytes) -> "Envelope":
    """Read an envelope's file.

    Raises:
        EvidenceError: it is none, or not byte for byte as `seal` writes one.
    """
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import FormatError

    if len(content) > LARGEST_ENVELOPE:
        raise EvidenceError(f"the envelope has over {LARGEST_ENVELOPE} bytes, expected at most that")
    found, notes, problem = parse_object(content)
    if problem or notes:
        raise EvidenceError(f"the envelope is damaged: {problem or notes[0].text}")
    try:
        if len(found["signatures"]) > MOST_SIGNATURES:
            raise ValueError(f"got {len(found['signatures'])} signatures, expected at most {MOST_SIGNATURES}")
        if not all(isinstance(each["keyid"], str) for each in found["signatures"]):
            raise TypeError("a keyid is no text")
        envelope = Envelope.from_dict(found)
        # Written anew from these parts alone: the library would hand on further keys, which nobody signed.
        made = {keyid: bytes.fromhex(each.signature) for keyid, each in envelope.signatures.items()}
        same = seal(envelope.payload, made) == content
    except (LookupError, ValueError, TypeError, AttributeError, FormatError) as wrong:
        raise EvidenceError(f"the envelope is damaged: {wrong!r:.300}") from wrong
    if not same:
        raise EvidenceError("the envelope was changed: its bytes are not as wattrig writes them")
    return envelope


def is_signed_by(envelope: "Envelope", keyid: str, certificate: bytes) -> bool:
    """Tell whether the signature under `keyid` is right by the Ed25519 key of a certificate (DER).

    Raises:
        EvidenceError: the certificate cannot be read, or is of another kind of key.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from securesystemslib.exceptions import VerificationError
    from securesystemslib.signer import SSlibKey

    public = _certificate(certificate).public_key()
    if not isinstance(public, Ed25519PublicKey):
        raise EvidenceError("the certificate is not of an Ed25519 key")
    key = SSlibKey.from_crypto(public, keyid)
    try:
        envelope.verify([key], 1)
    except VerificationError:
        return False
    return True


def is_valid_at(certificate: bytes, t_utc_ns: int) -> bool:
    """Tell whether a certificate (DER) is valid at a moment; errors as `is_signed_by`."""
    found = _certificate(certificate)
    begin_s, end_s = (moment.timestamp() for moment in (found.not_valid_before_utc, found.not_valid_after_utc))
    return begin_s <= t_utc_ns / 1e9 <= end_s


def _certificate(der: bytes) -> "Certificate":
    from cryptography.x509 import InvalidVersion, load_der_x509_certificate

    try:
        return load_der_x509_certificate(der)
    except (ValueError, InvalidVersion) as problem:
        raise EvidenceError(f"the certificate is damaged: {problem}") from problem
