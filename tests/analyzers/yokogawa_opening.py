"""How every Yokogawa driver begins a dialogue, for the protocol tests of its families."""

NO_ERROR = (":STAT:ERR?", '0,"No error"')
IDLE = ((":INTEG:STATE?", "RES"),)


def opening_of(idn, *setup, integration=IDLE, crest_factor="3"):
    """Get the turns: the greeting, what is said of an integration, the messages of the set-up, the crest factor."""
    return [
        "",
        ("*IDN?", idn),
        ":COMM:REM ON",
        ":COMM:HEAD OFF;:COMM:VERB OFF",
        "*CLS",
        *integration,
        *(turn for message in setup for turn in (message, NO_ERROR)),
        (":CFAC?", crest_factor),
    ]
