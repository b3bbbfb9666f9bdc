"""What each family can be asked about its settings without changing any, and what an answer should be.

Commands are those of the drivers and of PTDaemon's logs; a meter that does not know one leaves it unanswered.
"""

import re
from dataclasses import dataclass

from analyzers.driver import Family

INTEGRATION = "integration"
IDLE = "an integration is under way or shown: ranges cannot be changed; press RESET on the meter, or let the daemon"
FILTER = "switch the line filter off on the meter: it adds up to 0.3 % (IM WT310E-02EN); wattrig-ptd does so itself"
AVERAGING = "switch averaging off on the meter: a sample must be the mean of its own interval alone"
HOLD = "switch hold off on the meter: it would show an old or a largest value for the present one"
CREST = (
    "set crest factor 3 on the meter, unless the current's peaks need 6: the range part of the uncertainty doubles"
)
SCALING = (
    "switch scaling off on the meter: its readings are multiplied by VT and CT ratios, and no transformer is accepted"
)
SYNC = "synchronize to the current, as PTDaemon sets it; wattrig-ptd does so itself"


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a setting.

    Attributes:
        name: what it is about.
        message: what is sent.
        good: regular expression of answers that need nothing done; any will do by default.
        remedy: what to do about another answer.
    """

    name: str
    message: str
    good: str = ".*"
    remedy: str = ""


def _yokogawa(
    rate: str, line_filter: str, average: str, scaling: str, hold: str = ":MEAS:MHOL?"
) -> tuple[Question, ...]:
    return (
        Question("crest factor", ":CFAC?", "3", CREST),
        Question("update period", rate),
        Question("line filter", line_filter, "0|OFF", FILTER),
        Question("averaging", average, "0|OFF", AVERAGING),
        Question("scaling", scaling, "0|OFF", SCALING),
        Question("maximum hold", hold, "0|OFF", HOLD),
    )


_STATE = Question(INTEGRATION, ":INTEG:STATE?", "RES.*", IDLE)
_ERRORS = Question(
    "error queue", ":STAT:ERR?", "0.*", "an earlier message was refused; 'wattrig-ptd' clears the queue"
)


def _with_wiring(place: str, source: str) -> tuple[Question, ...]:
    """Get what the families are asked that tell how they are wired; of one element where a place names it."""
    return (
        *_yokogawa(":RATE?", f":FILT:LINE{place}?", ":MEAS:AVER?", f":SCAL:STAT{place}?"),
        Question("frequency filter", f":FILT:FREQ{place}?"),
        Question("synchronization", f":SYNC{place}?", source, SYNC),
        Question("wiring", ":WIR?"),
        _STATE,
        _ERRORS,
    )


WT300, WT500 = _with_wiring("", "CURR.*"), _with_wiring(":ELEM1", "I1")
WT200 = (
    *_yokogawa(":SAMP:RATE?", ":CONF:LFIL?", ":CONF:AVER:STAT?", ":CONF:SCAL:STAT?", ":CONF:MHOL?"),
    Question("frequency filter", ":CONF:FILT?"),
    Question("synchronization", ":CONF:SYNC?", "CURR.*", SYNC),
    _ERRORS,
)
HIOKI = (
    Question("averaging", ":AVER?"),
    Question("hold", ":HOLD?", "OFF", HOLD),
    Question(INTEGRATION, ":INTEG:STAT?", "RESET", IDLE),
)
COMMON = (Question("options", "*OPT?"), Question("standard events", "*ESR?"))
"""What IEEE 488.2 has every instrument answer."""

_LANGUAGES: tuple[tuple[str, tuple[Question, ...]], ...] = (
    (r"YOKOGAWA,760(401|50[23]),.*", WT200),
    (r"YOKOGAWA,WT3[13]\d.*|(?i:GW-?INSTEK),.*", WT300),
    (r"YOKOGAWA,(7602|WT18|WT5).*", WT500),
    (r"HIOKI,.*", HIOKI),
    (r"ZES.*", ()),
)


def questions_for(idn: str) -> tuple[Question, ...]:
    """Get what an instrument can be asked, by its identity: those of IEEE 488.2 where its maker is not known.

    An LMG600 is asked nothing: its short dialect, which the driver switches to, is not known to answer these.
    """
    return next((found for pattern, found in _LANGUAGES if re.fullmatch(pattern, idn)), COMMON)


def bare(answer: str) -> str:
    """Take the header off an answer, `:CFAC 3`, where the instrument is told to send headers."""
    return re.sub(r"^:[A-Za-z0-9:]+ ", "", answer.strip())


def is_direct(family: Family, question: Question) -> bool:
    """Tell whether the good answer is that for alternating current, and the family measures direct current."""
    return family.dc and question.name == "synchronization"
