"""The DSSE envelope around a statement: Ed25519 signatures over its very bytes, made and checked by securesystemslib.

A signature's `keyid` is the fingerprint of the signer's certificate; it says which key to try and proves nothing.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from evidence.bounded_json import parse_object
from metrology.errors import EvidenceError

if TYPE_CHECKING:
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
        OSError, ValueError, EvidenceError: the key cannot be read, or is no Ed25519 key.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import CryptoSigner, SSlibKey

    private = load_pem_private_key(key.read_bytes(), None)
    if not isinstance(private, Ed25519PrivateKey):
        raise EvidenceError(f"'{key}' is no Ed25519 key")
    signer = CryptoSigner(private, SSlibKey.from_crypto(private.public_key(), keyid))
    return bytes.fromhex(Envelope(payload, PAYLOAD_TYPE, {}).sign(signer).signature)


def seal(payload: bytes, signatures: Mapping[str, bytes]) -> bytes:
    """Make the envelope's file from a statement and its signatures by keyid."""
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import Signature

    made = {keyid: Signature(keyid, raw.hex()) for keyid, raw in signatures.items()}
    return _written(Envelope(payload, PAYLOAD_TYPE, made))


def _written(envelope: "Envelope") -> bytes:
    return (json.dumps(envelope.to_dict(), indent=1) + "\n").encode()


def unseal(content: bytes) -> "Envelope":
    """Read an envelope's file.

    Raises:
        EvidenceError: it is none, or not byte for byte as `seal` writes one.
    """
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import FormatError

    found, notes, problem = parse_object(content)
    if problem or notes:
        raise EvidenceError(f"the envelope is damaged: {problem or notes[0].text}")
    try:
        if len(found["signatures"]) > MOST_SIGNATURES:
            raise ValueError(f"got {len(found['signatures'])} signatures, expected at most {MOST_SIGNATURES}")
        envelope = Envelope.from_dict(found)
        same = _written(envelope) == content and envelope.payload_type == PAYLOAD_TYPE
    except (LookupError, ValueError, TypeError, AttributeError, FormatError) as wrong:
        raise EvidenceError(f"the envelope is damaged: {wrong!r}") from wrong
    if not same:
        raise EvidenceError("the envelope was changed: its bytes are not as wattrig writes them")
    return envelope


def is_signed_by(envelope: "Envelope", keyid: str, certificate: bytes) -> bool:
    """Tell whether the signature under `keyid` is right by the key of a certificate (DER).

    Raises:
        ValueError: the certificate cannot be read.
    """
    from cryptography.x509 import load_der_x509_certificate
    from securesystemslib.exceptions import VerificationError
    from securesystemslib.signer import SSlibKey

    key = SSlibKey.from_crypto(load_der_x509_certificate(certificate).public_key(), keyid)
    try:
        envelope.verify([key], 1)
    except VerificationError:
        return False
    return True


def is_valid_at(certificate: bytes, t_utc_ns: int) -> bool:
    """Tell whether a certificate (DER) is valid at a moment."""
    from cryptography.x509 import load_der_x509_certificate

    found = load_der_x509_certificate(certificate)
    begin_s, end_s = (moment.timestamp() for moment in (found.not_valid_before_utc, found.not_valid_after_utc))
    return begin_s <= t_utc_ns / 1e9 <= end_s
