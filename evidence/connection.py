"""`wattrig/connection.json`: who was at the other end of the connection, and what proves it."""

import json
from pathlib import Path

from evidence.layout import OURS
from evidence.state import write_bytes_atomically

CONNECTION_JSON = f"{OURS}/connection.json"
SCHEMA = 1


def write_connection(session: Path, peer: str, *, is_local: bool, name: str = "", fingerprint: str = "") -> None:
    """Write the record into a session's folder.

    Args:
        session: the folder.
        peer: the other end: "director 192.0.2.7:4950", "client 192.0.2.8:40000".
        is_local: both ends are on one machine.
        name: under which name the peer's key is trusted here; "" without TLS.
        fingerprint: of the peer's certificate, which TLS 1.3 proved; "" without TLS.
    """
    note = "" if fingerprint else "both ends are on one machine" if is_local else "plain text, by allow_plaintext"
    content = {
        "schema": SCHEMA,
        "peer": peer,
        "encrypted": bool(fingerprint),
        "name": name,
        "fingerprint": fingerprint,
        "note": note,
    }
    write_bytes_atomically(session / CONNECTION_JSON, (json.dumps(content, indent=2) + "\n").encode())
