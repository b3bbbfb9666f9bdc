"""The right to come back to a session over a new connection; an extension, agreed on by hello.

    > wattrig,hello,1                                 < OK,<version>,<secret>,<grace_s>
    > wattrig,resume,<session>,<secret>,<heard>       < OK     the first line of a new connection
                                                      < Done   the session was completed meanwhile
    > wattrig,fetch,<session>,<secret>,<file>,<offset>         answered as `download`, from a byte on
    > wattrig,sign,<session>,<secret>                 < OK,... the director signs the statement (`director.signing`)
    > wattrig,repeat,testing                          < OK     the testing run is begun anew with the same ranges
    > wattrig,abort,<reason>                          < OK     the client gives up

`heard` is how many replies the client has recorded: the director takes back the one that was lost on the way, and the
client asks again. The secret proves that a client is the one that began the session. No log and no record shows it
(`public`).
"""

import hmac
import re
import secrets
from dataclasses import dataclass

RESUME, FETCH, SIGN, REPEAT = "wattrig,resume,", "wattrig,fetch,", "wattrig,sign,", "wattrig,repeat,testing"
LONGEST_GRACE_S = 86_400.0
_HELLO_REPLY = re.compile(r"OK,[^,]{1,80},([0-9a-f]{32}),(\d{1,5}(?:\.\d{1,3})?)")
_RESUME = re.compile(r"wattrig,resume,([^,]{1,200}),([^,]{1,64}),([0-9]{1,9})")
DONE = "Done"
_SECRET = re.compile(r"(?<=,)[0-9a-f]{32}(?=,|$)")


@dataclass(frozen=True, slots=True)
class Pass:
    """What a director gave a client that said hello: the secret, and how long a lost connection is waited for, s."""

    secret: str
    grace_s: float


def new_secret() -> str:
    """Make a secret: 128 random bits as hexadecimal digits."""
    return secrets.token_hex(16)


def hello_reply(version: str, given: Pass) -> str:
    """Write the reply to hello."""
    return f"OK,{version},{given.secret},{given.grace_s:g}"


def read_hello(reply: str) -> Pass | None:
    """Read the reply to hello; None from a director that cannot do this, such as the reference's."""
    match = _HELLO_REPLY.fullmatch(reply)
    return Pass(match[1], min(float(match[2]), LONGEST_GRACE_S)) if match else None


def public(line: str) -> str:
    """Get a line of this protocol fit for logs and records."""
    return _SECRET.sub("<secret>", line) if line.startswith(("OK,", RESUME, FETCH, SIGN)) else line


def resume_line(session: str, secret: str, heard: int) -> str:
    """Write the command that resumes a session; `heard` replies of it are recorded."""
    return f"{RESUME}{session},{secret},{heard}"


def sign_line(session: str, secret: str) -> str:
    """Write the command that asks for the director's signature under the statement of a session."""
    return f"{SIGN}{session},{secret}"


def read_resume(line: str) -> tuple[str, str, int] | None:
    """Read that command: session, secret, and how many replies were heard; None where it is none."""
    match = _RESUME.fullmatch(line)
    return (match[1], match[2], int(match[3])) if match else None


def same_secret(given: str, expected: str) -> bool:
    """Compare secrets in a time that tells nothing of where they differ; an empty one opens nothing."""
    return bool(expected) and hmac.compare_digest(given.encode(), expected.encode())
