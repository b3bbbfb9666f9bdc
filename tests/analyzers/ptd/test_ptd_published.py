"""The daemon's counting against what PTDaemon answered in published sessions, to its last printed digit."""

import json
import re
from pathlib import Path

import pytest

from analyzers.driver import Instrument, Measured
from analyzers.ptd.measure import Plan, Run
from evidence.ptd_protocol import parse_sample
from metrology.ranges import Range
from metrology.uncertainty import Accuracy

GATEOVERFLOW = "TRIGKEY_Mini_PC_Ryzen_5_5560-ctuning_cpp_tflite-cpu-tflite_vmaster-default_config"
WT210 = Accuracy(0.0015, 0.001, 0.002, per_active=True)
SESSIONS = {
    "v4.1/closed/UntetherAI/results/h13_u3_slim/resnet50/singlestream": WT210,
    "v4.1/closed/NVIDIA/results/H200-SXM-141GBx8_TRT_MaxQ/retinanet/Server": Accuracy(0.001, 0.0005, 0.002),
    "v5.1/closed/Lenovo/results/SR680a_V3_B200SXMx8_TRT/whisper/Offline": WT210,
    f"v5.1/open/GATEOverflow/results/{GATEOVERFLOW}/mobilenet-v1-precision_float-1.0-128/singlestream": WT210,
    f"v5.1/open/GATEOverflow/results/{GATEOVERFLOW}/mobilenet-v1-precision_float-1.0-224/singlestream": WT210,
}
"""Accuracy terms as recovered from published warnings; the WT500 of Lenovo has those of the WT210."""
SET = re.compile(r": (Volt|Amp)\w* range (?:for channel \d, physical channel \d, )?set to (?:Auto|([\d.]+)[VA])")


def ranges_of(log: str, mark: str) -> tuple[Range, Range]:
    """The ranges in force when the run with this mark began."""
    settings = {"Volt": Range(True, None), "Amp": Range(True, None)}
    for name, value in SET.findall(log[: log.index(f"Go with mark '{mark}'")]):
        settings[name] = Range(not value, float(value) if value else None)
    return settings["Amp"], settings["Volt"]


def replay(performance: Path, folder: str, mark: str, accuracy: Accuracy) -> Run:
    """Feed the samples of a published spl.txt to a run of ours."""
    lines = [line for line in (performance / folder / "spl.txt").read_text().splitlines() if line]
    channels = 3 if ",Ch3," in lines[0] else 0
    instrument = Instrument("", "", (), (), accuracy, channels=channels)
    ranges = ranges_of((performance / "power" / "ptd_logs.txt").read_text(), mark)
    run = Run(Plan(mark=mark), instrument, "", [ranges] * max(1, channels))
    for line in lines:
        sample = parse_sample(re.sub(r",Mark,[^,]*|,Ch\d", "", line))
        run.take(Measured(sample.t_utc_ns, sample.t_utc_ns, sample.total, sample.channels, ""))
    return run


@pytest.mark.parametrize("phase", ["ranging", "testing"])
@pytest.mark.parametrize("session", SESSIONS)
def test_watts_and_uncertainty_as_ptdaemon_answered(published: Path, session: str, phase: str) -> None:
    performance = published / session / "performance"
    server = json.loads((performance / "power" / "server.json").read_text())
    replies = [(message["cmd"], message["reply"]) for message in server["ptd_messages"]]
    mark = f"{server['session_name']}_{phase}"
    go = next(index for index, (command, _) in enumerate(replies) if command == f"Go,1000,0,{mark}")
    stop = next(index for index in range(go, len(replies)) if replies[index][0] == "Stop")
    answered = dict(reversed([pair for pair in replies[stop:] if pair[0] in ("Watts", "Uncertainty")]))
    run = replay(performance, {"ranging": "ranging", "testing": "run_1"}[phase], mark, SESSIONS[session])
    assert run.quantity_reply("Watts") == answered["Watts"]
    assert run.uncertainty_reply(each=False) == answered["Uncertainty"]
