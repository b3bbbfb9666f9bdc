"""How the daemon judges what it reads: by PTDaemon's formula, by the data sheet, or by the lab's own terms."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from analyzers.driver import Instrument
from analyzers.drivers.wt210 import WT210, WT210DC
from analyzers.drivers.wt310 import WT310, WT310DC, WT330, WT330Multichannel
from analyzers.drivers.wt500 import WT500, WT500DC, WT500Multichannel
from analyzers.drivers.wt1800 import WT1800
from analyzers.drivers.wt5000 import WT5000, WT5000DC
from analyzers.ptd.command import meters
from analyzers.ptd.judging import judgement
from metrology import datasheet
from metrology.accuracy import WT310E
from metrology.errors import ConfigError
from metrology.judgement import parse_told
from metrology.uncertainty import Accuracy

METER = Instrument("YokogawaWT310E", "YOKOGAWA,WT310E,S,F1.04", (300.0,), (1.0,), WT310E)


@pytest.mark.parametrize(
    ("driver", "code"),
    [(WT310, "WT310"), (WT310, "WT310EH"), (WT330, "WT332E"), (WT330Multichannel, "WT333"), (WT310DC, "WT310EH"),
     (WT500, "760203"), (WT500Multichannel, "760203"), (WT500DC, "760201"), (WT1800, "WT1804E"), (WT5000, "WT5000"),
     (WT5000DC, "WT5000"), (WT210, "760401"), (WT210DC, "760401"), (WT330Multichannel, "WT333E")],
)  # fmt: skip
def test_what_a_driver_declares_is_what_the_tables_say(driver: Any, code: str) -> None:
    model = driver().recognise(code)
    found = judgement(replace(METER, name=model.name, idn=f"YOKOGAWA,{code},S,F1", accuracy=model.accuracy))
    assert found.accuracy == model.accuracy


def test_models_and_terms_asked_for() -> None:
    assert judgement(METER).accuracy == WT310E
    assert judgement(METER, "datasheet").accuracy == datasheet.WT310E.accuracy
    own = judgement(METER, None, "phase=0.0005")
    assert (own.model, own.accuracy) == ("datasheet", replace(datasheet.WT310E.accuracy, phase=0.0005))
    assert judgement(replace(METER, crest_factor=6)).crest_factor == 6
    with pytest.raises(ConfigError, match="model datasheet alone"):
        judgement(METER, "ptd", "phase=0.0005")


def test_an_instrument_that_no_table_knows_is_judged_by_its_driver() -> None:
    strange = replace(METER, name="Sundial", accuracy=Accuracy(0.1, 0.0, 0.0))
    assert judgement(strange).accuracy.reading == 0.1
    with pytest.raises(ConfigError, match="judges a Sundial is not known"):
        judgement(strange, "ptd")


def test_the_daemon_says_by_which_terms_it_judges_and_does(start: Callable[..., Any]) -> None:
    daemon = start("--model", "datasheet", "--accuracy", "reading=0.02", "0", "none")
    daemon.connect()
    daemon.ask("Go,100,0,S_testing")
    daemon.ask("RL")
    daemon.ask("Stop")
    reply = daemon.ask("Uncertainty").split(",")
    assert float(reply[1]) > 0.02
    assert int(reply[5]) >= 1, "above the limit of 1 %"
    told = [found for line in daemon.lines if (found := parse_told(line.partition(": ")[2].strip()))]
    assert [(found.model, found.accuracy.reading) for found in told] == [("datasheet", 0.02)]


def test_terms_that_are_none_are_refused_before_the_instrument_is_touched() -> None:
    with pytest.raises(ConfigError, match="expected one of reading"):
        meters(["--accuracy", "colour=1", "0", "none"])
