"""TLS 1.3 between client and director, with pinned certificates on both sides, on the port of protocol v3.

A TLS connection begins with the byte 0x16, which no command begins with, so both kinds share a port. A client says
in its server name (SNI) who it is: the director can then refuse at once, before the handshake ends, and name the key
in its log. What counts is that the client then proves to have the key of the very certificate that it claims.
"""

import re
import ssl
from collections.abc import Callable
from typing import NoReturn

from metrology.errors import ConfigError, PeerRefusedError
from wire.keys import KeyFolder, Party

FIRST_BYTE = b"\x16"
"""What a TLS connection begins with: the record type "handshake" (RFC 8446, 5.1)."""
CLAIM = re.compile(r"([a-z2-7]{24})\.wattrig\.invalid")
UNKNOWN = ssl.AlertDescription.ALERT_DESCRIPTION_UNKNOWN_CA
REVOKED = ssl.AlertDescription.ALERT_DESCRIPTION_CERTIFICATE_REVOKED
NO_KEY = ssl.AlertDescription.ALERT_DESCRIPTION_INTERNAL_ERROR

ALERTS = {
    "UNKNOWN_CA": "it does not trust this machine's key",
    "BAD_CERTIFICATE": "it does not accept this machine's certificate",
    "CERTIFICATE_REVOKED": "it has revoked this machine's key",
    "CERTIFICATE_EXPIRED": "for it this machine's certificate is not valid now; do both clocks tell the same date?",
    "CERTIFICATE_REQUIRED": "it wants to see a certificate",
    "PROTOCOL_VERSION": "the two sides share no version of TLS; wattrig speaks TLS 1.3",
    "UNSUPPORTED_PROTOCOL": "the two sides share no version of TLS; wattrig speaks TLS 1.3",
    "WRONG_VERSION_NUMBER": "it does not speak TLS on this port",
    "NOT_RETURN_A_CERTIFICATE": "it shows no certificate",
    "CERTIFICATE_VERIFY_FAILED": "its certificate is not trusted here",
    "INTERNAL_ERROR": "it has no key that it can use (over there: wattrig keys init)",
    "HTTP_REQUEST": "it speaks HTTP",
}
"""What the end of a TLS reason of OpenSSL means, seen from the side that gets it."""


def reason_of(problem: BaseException) -> str:
    """Say in words why a TLS connection could not be made."""
    code = getattr(problem, "reason", None) or ""
    found = next((text for end, text in ALERTS.items() if code.endswith(end)), "")
    if not found and isinstance(problem, ssl.SSLError):
        return f"TLS failed ({code or problem})"
    return found or "it broke off the TLS handshake"


def claim_of(party: Party) -> str:
    """Get the server name by which a client says who it is."""
    return f"{party.fingerprint.replace('-', '').lower()}.wattrig.invalid"


def claimed(server_name: str | None) -> str:
    """Get the fingerprint that a client claims; "" where it claims none."""
    found = CLAIM.fullmatch(server_name or "")
    if found is None:
        return ""
    letters = found[1].upper()
    return "-".join(letters[start : start + 4] for start in range(0, len(letters), 4))


def _context(protocol: int, keys: KeyFolder) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3

    def ask_passphrase() -> NoReturn:
        # Without this OpenSSL would ask on the terminal, and everything else would wait.
        raise ConfigError(
            f"the key '{keys.key}' is protected by a passphrase, which nobody can be asked for while a session runs",
            f"openssl pkey -in '{keys.key}' -out plain.pem, and put that in its place (chmod 600)",
        )

    try:
        context.load_cert_chain(keys.certificate, keys.key, ask_passphrase)
    except OSError as problem:
        reason = getattr(problem, "reason", None) or problem.strerror or problem
        raise ConfigError(
            f"the key in '{keys.path}' cannot be used ({reason})",
            "identity.pem and certificate.pem must be the pair that wattrig keys init made; put them back",
        ) from problem
    return context


def alert(description: ssl.AlertDescription) -> bytes:
    """Get the record of a fatal alert, as it is sent before the handshake is encrypted (RFC 8446, 5.1 and 6)."""
    return bytes([21, 3, 3, 0, 2, 2, description])


def director_context(
    keys: KeyFolder, on_claim: Callable[[str], None], send: Callable[[bytes], None]
) -> ssl.SSLContext:
    """Get the TLS settings of a director for one connection.

    Args:
        keys: our keys, and whom we trust now.
        on_claim: gets the fingerprint that the client claims.
        send: sends a refusal at once: asyncio closes a failed connection without the alert that OpenSSL prepared.

    Raises:
        ConfigError: there is no key of our own, or it cannot be used.
    """
    keys.own()
    context = _context(ssl.PROTOCOL_TLS_SERVER, keys)
    # A ticket would let a client come back without its certificate after it was revoked.
    context.num_tickets = 0
    context.verify_mode = ssl.CERT_REQUIRED
    trusted = {party.fingerprint: party for party in keys.trusted()}
    gone = {party.fingerprint for party in keys.revoked()}

    def judge_claim(_connection: ssl.SSLObject, server_name: str | None, _context: ssl.SSLContext) -> int | None:
        name = claimed(server_name)
        on_claim(name)
        if party := trusted.get(name):
            # This one alone is then accepted: OpenSSL finds certificates by subject, which two may share.
            context.load_verify_locations(cadata=party.der)
        if party or not name:
            return None
        send(alert(reason := REVOKED if name in gone else UNKNOWN))
        return int(reason)

    context.sni_callback = judge_claim
    return context


def client_context(keys: KeyFolder) -> ssl.SSLContext:
    """Get the TLS settings of a client. The caller must call `require_trusted` before it sends or believes anything.

    OpenSSL is not asked to judge the director's certificate, because it would hide which one it refused; TLS 1.3
    proves in any case that the director has the key of the certificate which it shows (RFC 8446, 4.4.3).

    Raises:
        ConfigError: there is no key of our own, or it cannot be used.
    """
    keys.own()
    context = _context(ssl.PROTOCOL_TLS_CLIENT, keys)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def require_trusted(connection: ssl.SSLObject, keys: KeyFolder) -> Party:
    """Find out who is at the other end of a TLS connection: one whose very certificate is pinned.

    Raises:
        PeerRefusedError: it is nobody whom we trust; the message has its fingerprint.
    """
    der = connection.getpeercert(binary_form=True) or b""
    for party in keys.trusted():
        if party.der == der:
            return party
    unknown = Party("unknown", der)
    if any(der == party.der for party in keys.revoked()):
        raise PeerRefusedError(f"its key {unknown.fingerprint} was revoked here")
    raise PeerRefusedError(
        f"its key {unknown.fingerprint} is not trusted here", trust_hint(unknown.fingerprint) if der else ""
    )


def trust_hint(fingerprint: str) -> str:
    """Say how a key comes to be trusted here."""
    return (
        "if 'wattrig keys show' on that machine prints this very fingerprint, fetch its certificate.pem and: "
        f"wattrig keys trust NAME certificate.pem --fingerprint {fingerprint}"
    )
