"""The one error tree of wattrig.

    WattrigError                 something went wrong that the operator can understand and mend
    ├── ConfigError              a configuration file or a command line option is wrong
    ├── EvidenceError            a file of a session cannot be read as what it should be
    ├── InstrumentError          the power analyzer, or the line to it, failed
    │   ├── InstrumentAbsentError    no such port, or nobody answers on it
    │   ├── InstrumentLostError      it answered before and does so no more
    │   └── WrongInstrumentError     something else than the configured analyzer answers
    ├── PeerError                the process at the other end of a connection failed or broke the protocol
    │   ├── PeerGoneError            it closed the connection or fell silent
    │   │   └── PeerLostError            the connection ended or broke
    │   └── PeerRefusedError         it answered with an error
    ├── SessionError             the measurement itself cannot go on
    └── WorkloadError            the workload failed or left no valid LoadGen result

A message says what happened, what was got and expected (with units), and where; `hint` says what to try.
"""


class WattrigError(Exception):
    """Base of all errors that wattrig raises on purpose.

    Args:
        message: what happened, with got and expected values and their units.
        hint: what the operator can try; may be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  try: {self.hint}" if self.hint else self.message


class ConfigError(WattrigError):
    """A configuration file or a command line option is wrong."""


class EvidenceError(WattrigError):
    """A file of a session cannot be read as what it should be."""


class InstrumentError(WattrigError):
    """The power analyzer, or the line to it, failed."""


class InstrumentAbsentError(InstrumentError):
    """There is no such port, or nobody answers on it."""


class InstrumentLostError(InstrumentError):
    """The instrument answered before and does so no more."""


class WrongInstrumentError(InstrumentError):
    """Something else than the configured analyzer answers."""


class PeerError(WattrigError):
    """The process at the other end of a connection failed or broke the protocol."""


class PeerGoneError(PeerError):
    """The peer closed the connection or fell silent."""


class PeerLostError(PeerGoneError):
    """The connection ended or broke; another one to the same peer may do."""


class PeerRefusedError(PeerError):
    """The peer answered with an error."""


class SessionError(WattrigError):
    """The measurement cannot go on."""


class WorkloadError(WattrigError):
    """The workload failed or left no valid LoadGen result."""
