"""Where a session stands."""

import enum


class Stage(enum.Enum):
    """Where a session stands."""

    OPEN = "open"
    RANGING = "ranging"
    RANGED = "ranged"
    TESTING = "testing"
    TESTED = "tested"
    CLOSED = "closed"


RUNNING = {"ranging": Stage.RANGING, "testing": Stage.TESTING}
STOPPED = {"ranging": Stage.RANGED, "testing": Stage.TESTED}
