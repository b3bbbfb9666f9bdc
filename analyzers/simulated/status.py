"""What a simulated instrument reports about itself: its errors, its condition, and the events in it."""

from collections import deque

UPDATING, INTEGRATING = 1 << 0, 1 << 1
OVER_RANGE, VOLTAGE_PEAK_OVER, CURRENT_PEAK_OVER = 1 << 6, 1 << 7, 1 << 8
"""Bits of the condition register; source: IM WT310E-17EN p. 7-5."""
QUEUE_LENGTH = 16
"""Errors kept before the queue overflows; ours, the manual's number is not known to us."""

ERRORS = {
    102: "Syntax error",
    108: "Parameter not allowed",
    109: "Missing parameter",
    113: "Undefined header",
    114: "Header suffix out of range",
    222: "Data out of range",
    224: "Illegal parameter value",
    350: "Queue overflow",
    363: "Input buffer overrun",
    813: "Invalid operation during integration",
    842: "Attempted to start integration while integration is in progress",
    844: "Attempted to stop integration while integration is not in progress",
    845: "Attempted to reset integration while integration is in progress",
}
"""Error numbers: those of SCPI without the sign, as Yokogawa has them, and for integration (yoko-tool); our texts."""

_OPERATION_COMPLETE, _EXECUTION_ERROR, _COMMAND_ERROR = 1 << 0, 1 << 4, 1 << 5


class CommandError(Exception):
    """A message that the instrument refuses; `code` is one of `ERRORS`."""

    def __init__(self, code: int) -> None:
        super().__init__(f"{code}, {ERRORS[code]}")
        self.code = code


class Status:
    """Error queue, standard event register, condition register and the extended events that `:COMM:WAIT` waits for.

    Attributes:
        condition: the condition register.
        filters: for each bit, on which change it becomes an event: "RISE", "FALL", "BOTH", or none where missing.
        waiting: the events that hold back the next command; 0 for none.
        headed, verbose: whether answers bear headers, and whether headers and words are in full.
        remote: whether the front panel is locked.
        messages: whether `:STAT:ERR?` tells texts beside the numbers.
    """

    def __init__(self) -> None:
        self.condition = 0
        self.filters: dict[int, str] = {}
        self.waiting = 0
        self.headed, self.verbose, self.messages, self.remote = True, False, True, False
        self._errors: deque[int] = deque()
        self._extended = 0
        self._standard = 0

    @property
    def blocked(self) -> bool:
        """Tell whether an event that is waited for has yet to come; once it has come, nothing is waited for."""
        if self.waiting & self._extended:
            self.waiting = 0
        return self.waiting != 0

    def change(self, condition: int) -> None:
        """Set the condition register and note the events that this makes."""
        rising, falling = condition & ~self.condition, self.condition & ~condition
        for bit, edge in self.filters.items():
            changed = (rising if edge != "FALL" else 0) | (falling if edge != "RISE" else 0)
            self._extended |= changed & 1 << bit
        self.condition = condition

    def fail(self, code: int) -> None:
        """Put an error into the queue and the standard event register."""
        self._standard |= _COMMAND_ERROR if code < 200 else _EXECUTION_ERROR
        if len(self._errors) < QUEUE_LENGTH:
            self._errors.append(code)
        else:
            self._errors[-1] = 350

    def complete(self) -> None:
        """Note that all operations are complete, as `*OPC` asks."""
        self._standard |= _OPERATION_COMPLETE

    def next_error(self) -> str:
        """Take the oldest error from the queue, as `:STAT:ERR?` answers it."""
        code = self._errors.popleft() if self._errors else 0
        return f'{code},"{ERRORS.get(code, "No error")}"' if self.messages else str(code)

    def take_standard(self) -> int:
        """Read and clear the standard event register."""
        value, self._standard = self._standard, 0
        return value

    def take_extended(self) -> int:
        """Read and clear the extended event register."""
        value, self._extended = self._extended, 0
        return value

    def clear(self) -> None:
        """Forget errors and events, as `*CLS` does."""
        self._errors.clear()
        self._extended = self._standard = 0
