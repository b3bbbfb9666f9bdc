"""Making a key and judging a certificate; both need the package cryptography, which TLS itself does not."""

import datetime
import warnings

from metrology.errors import ConfigError
from wire.keys import KeyFolder, Party, public_key_of
from wire.private_files import write_private

YESTERDAY = datetime.timedelta(days=1)
"""A new certificate counts from yesterday: the clocks of two machines differ before they are set."""
NO_END = datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)
"""The date that means "no well-defined expiration" (RFC 5280, 4.1.2.5): a pinned key ends by being revoked."""
COMMON_NAME_LENGTH = 64
"""Longest common name of a certificate (RFC 5280, appendix A.1)."""


def make_identity(folder: KeyFolder, title: str, now: datetime.datetime) -> Party:
    """Make a key of our own with its certificate.

    Args:
        folder: where; must hold no key yet.
        title: who we are, for people alone; nothing is decided by it.
        now: the time.

    Raises:
        ConfigError: there is a key already, or others can reach the folder; nothing is then written.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if folder.has_identity:
        raise ConfigError(
            f"there is a key in '{folder.path}' already: {folder.own().fingerprint}",
            "keep it, or move the folder away; all who trust the old key must then trust the new one",
        )
    folder.require_private()
    key = Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, title[:COMMON_NAME_LENGTH])])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - YESTERDAY).not_valid_after(NO_END)
    # No certificate authority: the owner of a pinned key cannot vouch for a second one.
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    pem = builder.sign(key, None).public_bytes(serialization.Encoding.PEM)
    write_private(folder.certificate, pem.decode())
    unprotected = serialization.NoEncryption()
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, unprotected)
    write_private(folder.key, secret.decode())
    return folder.own()


def check_certificate(der: bytes, now: datetime.datetime) -> None:
    """Check that a certificate is what `make_identity` makes: Ed25519, signed by itself, valid, no authority.

    Raises:
        ConfigError: it is something else.
    """
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.utils import CryptographyDeprecationWarning

    refused = (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, CryptographyDeprecationWarning,
               x509.InvalidVersion, x509.DuplicateExtension, x509.ExtensionNotFound)  # fmt: skip
    try:
        with warnings.catch_warnings():
            # What the library will refuse one day, such as a serial number below one, is refused here today.
            warnings.simplefilter("error", CryptographyDeprecationWarning)
            certificate = x509.load_der_x509_certificate(der)
        key = certificate.public_key()
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        certificate.verify_directly_issued_by(certificate)
    except refused as problem:
        raise ConfigError(f"this is no certificate of wattrig: {problem or 'its signature is wrong'}") from problem
    if not isinstance(key, Ed25519PublicKey) or constraints.ca:
        raise ConfigError("this is no certificate of wattrig: expected an Ed25519 key that is no authority")
    if public_key_of(der) != key.public_bytes_raw():
        # Made to look like another key: it would come back after it was revoked.
        raise ConfigError("this is no certificate of wattrig: its public key is hidden behind another one")
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise ConfigError(
            f"this certificate is valid from {certificate.not_valid_before_utc:%F} to "
            f"{certificate.not_valid_after_utc:%F}; it is {now:%F} now",
            "check this machine's clock",
        )
