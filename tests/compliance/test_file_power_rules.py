"""The rules on files and on power: what each says of a sound session, and of one damaged in one place."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compliance.findings import Finding, Outcome
from compliance.judge import check_session

SESSION = "2025-07-25_15-13-09"
UUIDS = {"client": "42e88d06-6ddc-4f08-894d-2e327cd037ef", "server": "6437f2a0-bca5-4023-95a7-257e7849665a"}
START_S = 1753456389
CLIENT_LOG, SERVER_LOG, PTD = "power/client.log", "power/server.log", "power/ptd_logs.txt"
Damage = Callable[[Any], object]
TIMES_S = [10, 10, 10, 11, 12, 13, 16, 55, 56, 57, 76, 115, 116, 117]
"""When each message to PTDaemon was answered, seconds after the start."""
BANNER = "Version 1.11.1-69286632-20240907\nCalculated PTD CRC: 0x69286632, 7524264\n"
RANGES = {"SR,V,Auto": "Volt range set to Auto", "SR,A,Auto": "Ampere range set to Auto",
          "SR,V,230.000000": "Volt range set to 300.000000V", "SR,A,1.1": "Amp range set to 2.000000A"}  # fmt: skip


def exchange(at_s: float, command: str, reply: str) -> dict[str, Any]:
    return {"cmd": command, "cmd_time": START_S + at_s, "reply": reply, "reply_time": START_S + at_s + 0.01}


def conversation() -> list[dict[str, Any]]:
    return [
        exchange(0, "mlcommons/power client v3", "mlcommons/power server v3"),
        exchange(1, "time", str(START_S + 1.005)),
        exchange(2, f"new,,{UUIDS['client']}", f"OK {SESSION},{UUIDS['server']}"),
        exchange(5, f"session,{SESSION},start,ranging", "OK"),
    ]


def log_of(name: str, lines: list[tuple[str, str]]) -> bytes:
    """Write (wording, text) as a log; a text in quotes, as the reference does."""
    return "".join(
        f"{name} 2025-07-25 15:{13 + n // 60}:{n % 60:02d},000 [INFO] {how}{text}\n"
        for n, (how, text) in enumerate(lines)
    ).encode()


def traffic(package: Any) -> None:
    """Write both logs anew from what the two sides recorded."""
    client = [
        (how, repr(entry[key]))
        for entry in package.client["messages"]
        for how, key in (("Sending command to the server: ", "cmd"), ("Got response: ", "reply"))
    ]
    sources = json.dumps({"sources": package.client["sources"]})
    client += [("Sources: ", sources), ("Session id is ", f"'{SESSION}'")]
    server = [
        (how, repr(entry[key]))
        for entry in package.server["messages"][1:]
        for how, key in (("Got command from the client ", "cmd"), ("Sending reply to client ", "reply"))
    ]
    server += [(how, repr(entry[key])) for entry in package.server["ptd_messages"]
               for how, key in (("Sending to ptd: ", "cmd"), ("Reply from ptd: ", "reply"))]  # fmt: skip
    package.files[CLIENT_LOG], package.files[SERVER_LOG] = log_of("client", client), log_of("ptd-server", server)


def ptd_log(package: Any, stamped: Callable[[float], str]) -> None:
    """Put banner, ranges and replies into PTDaemon's log."""
    said = [
        (at_s, f"{stamped(at_s)}: {text}\n")
        for at_s, entry in zip(TIMES_S, package.server["ptd_messages"], strict=True)
        for text in (RANGES.get(entry["cmd"]), f"Response to client sent: {entry['reply']}")
        if text
    ]
    old = package.files[PTD].decode().splitlines(keepends=True)
    lines = sorted([text for _, text in said] + old, key=lambda line: line[:23])
    package.files[PTD] = (BANNER + "".join(lines)).encode()


@pytest.fixture
def whole(package: Any, stamped: Callable[[float], str]) -> Any:
    """A session of which nothing is missing; it is short."""
    for record in (package.client, package.server):
        record.update(uuid=dict(UUIDS), messages=conversation(), modules={"lib": "lib"})
    for message in package.server["ptd_messages"]:
        message["cmd"] = message["cmd"].replace("230.100000", "230.000000")
    for folder in ("ranging", "run_1"):
        values = {"loadgen_version": "5.1.0 @ 0123456789", "loadgen_git_status_message": "", "sut_name": "SUT",
                  "qsl_name": "QSL", "effective_min_duration_ms": 600_000}  # fmt: skip
        package.files[f"{folder}/mlperf_log_detail.txt"] += "".join(
            f':::MLLOG {{"key": "{key}", "value": {json.dumps(value)}, "time_ms": 1.0, "metadata": {{}}}}\n'
            for key, value in values.items()
        ).encode()
    traffic(package)
    ptd_log(package, stamped)
    return package


def findings(package: Any, folder: Path, round_name: str = "v5.1") -> list[Finding]:
    result = check_session(package.write(folder), round_name)
    assert result is not None
    return [
        found for found in result.findings if found.code[:3] in {"FIL", "PWR"} and found.outcome is not Outcome.PASS
    ]


def test_a_sound_session_breaks_nothing_but_is_short(whole: Any, tmp_path: Path) -> None:
    found = findings(whole, tmp_path)
    failed = [one.code for one in found if one.outcome is Outcome.FAIL]
    assert failed == ["PWR019", "PWR027", "PWR036"]
    other = {one.code: one.outcome for one in found if one.code not in failed}
    assert set(other.values()) == {Outcome.NOT_APPLICABLE}
    assert {"FIL010", "FIL014", "PWR004", "PWR005", "PWR034"} <= set(other)


def test_logs_of_another_round(whole: Any, tmp_path: Path) -> None:
    # Judged by v1.1 the same session has other sources, PTDaemon, seeds and factors.
    failed = {one.code for one in findings(whole, tmp_path, "v1.1") if one.outcome is Outcome.FAIL}
    assert {"PWR001", "PWR002", "PWR016", "PWR019", "FIL011"} >= failed - {"PWR027", "PWR032", "PWR036"}
    assert "PWR001" in failed


def second_analyzer(package: Any) -> None:
    server = package.server
    server["ptd_config"] *= 2
    server["ptd_messages"] += copy.deepcopy(server["ptd_messages"])
    package.files[PTD] = b"Analyzer 1\n" + package.files[PTD] + b"\nAnalyzer 2\n" + package.files[PTD]
    traffic(package)


def clock_set(package: Any, *, asked_again: bool) -> None:
    """Let the clocks be 5 s apart until the director sets its own."""
    for record in (package.client, package.server):
        first = exchange(1, "time", str(START_S + 6.005))
        later = [exchange(1.7, "time", str(START_S + 1.705))] if asked_again else []
        record["messages"][1:2] = [first, exchange(1.5, "set_ntp", "OK"), *later]
    traffic(package)


def manual_range(package: Any) -> None:
    for record in (package.client, package.server):
        record["messages"].append(exchange(70, f"session,{SESSION},start,testing,150,5", "OK"))
    for message in package.server["ptd_messages"][8:10]:
        message["cmd"] = "SR,V,150" if message["cmd"].startswith("SR,V") else "SR,A,5"
    traffic(package)


def farewell(package: Any) -> None:
    line = f"ptd-server 2025-07-25 15:59:00,000 [INFO] Got command from the client 'session,{SESSION},done'\n"
    package.files[SERVER_LOG] += line.encode()


def optional_files(package: Any) -> None:
    package.files |= {"run_1/mlperf_log_accuracy.json": b"[\n]", "ranging/mlperf_log_trace.json": b""}


@pytest.mark.parametrize(
    "change",
    [
        lambda p: clock_set(p, asked_again=True),
        lambda p: clock_set(p, asked_again=False),
        manual_range,
        farewell,
        optional_files,
        lambda p: p.replace(PTD, "Hello, PTDaemon here!\n", "Hello, PTDaemon here!\r\n"),
        lambda p: p.replace("run_1/spl.txt", "\n", "\r\n"),
        lambda p: p.files.update({PTD: p.files[PTD][:-30]}),  # cut in its last reply
        lambda p: p.replace(PTD, BANNER, f"{BANNER}07-25-2025 15:13:12.000: ERROR: USB.\n"),
    ],
    ids=["clock set", "clock set, not asked again", "manual range", "farewell", "optional files", "CR LF reply",
         "CR LF samples", "log cut at its end", "USB"],
)  # fmt: skip
def test_what_sound_sessions_show_is_no_failure(change: Damage, whole: Any, tmp_path: Path) -> None:
    change(whole)
    failed = [one.code for one in findings(whole, tmp_path) if one.outcome is not Outcome.NOT_APPLICABLE]
    assert failed == ["PWR019", "PWR027", "PWR036"]


def test_several_analyzers_are_noted_and_held_apart(whole: Any, tmp_path: Path) -> None:
    second_analyzer(whole)
    failed = [one.code for one in findings(whole, tmp_path) if one.outcome is Outcome.FAIL]
    assert failed == ["PWR019", "PWR027", "PWR027", "PWR028", "PWR036"]
    assert [one.outcome for one in findings(whole, tmp_path) if one.code == "PWR034"] == [Outcome.NOT_APPLICABLE]


def test_averages_are_held_to_the_six_digits_that_ptdaemon_tells(whole: Any, tmp_path: Path) -> None:
    messages = whole.server["ptd_messages"]
    go = next(number for number, one in enumerate(messages) if one["cmd"].endswith("_testing"))
    messages.insert(go + 1, {"cmd": "Uncertainty", "reply": ""})

    def told(average: float) -> list[Finding]:
        messages[go + 1]["reply"] = f"Uncertainty,{average!r},0,0,0,0,0,0"
        return [one for one in findings(whole, tmp_path) if one.code == "PWR034"]

    (found,) = told(0.5)
    mean = float(found.got)
    assert 1e-3 < mean < 4e-3
    assert not told(mean + 0.45e-6)
    assert told(mean + 2e-6)


def test_a_round_whose_sources_are_not_all_known_is_not_judged(whole: Any, tmp_path: Path) -> None:
    whole.client["sources"]["lib/server.py"] = "0" * 40
    (found,) = [one for one in findings(whole, tmp_path, "v3.1") if one.code == "PWR001"]
    assert (found.outcome, "v3.1" in found.message) == (Outcome.NOT_EVALUATED, True)


def test_one_sample_above_the_limit_was_a_warning_until_2023(whole: Any, tmp_path: Path, stamped: Any) -> None:
    above = (
        f"{stamped(90)}: WARNING: Uncertainty 1.05% above 1.00% limit for the last measurement sample! channel 0\n"
    )
    whole.files[PTD] += above.encode()
    assert {one.code for one in findings(whole, tmp_path / "a", "v1.1") if "above" in one.message} == {"PWR038"}
    assert {one.code for one in findings(whole, tmp_path / "b") if "above" in one.message} == {"PWR017"}


def test_a_client_of_the_first_round_sent_its_own_record(whole: Any, tmp_path: Path) -> None:
    for record, name in ((whole.client, "log"), (whole.server, "log"), (whole.server, "json")):
        record["messages"].append(exchange(200, f"session,{SESSION},upload,client.{name}", "OK"))
    assert "FIL008" not in {one.code for one in findings(whole, tmp_path / "a")}
    whole.server["messages"].append(exchange(201, f"session,{SESSION},upload,other", "OK"))
    assert "FIL008" in {one.code for one in findings(whole, tmp_path / "b")}


def test_a_finding_says_where(whole: Any, tmp_path: Path) -> None:
    whole.replace(CLIENT_LOG, "Got response: 'OK'", "Got response: 'KO'")
    (found,) = [one for one in findings(whole, tmp_path) if one.code == "FIL008"]
    assert (found.file, found.line, found.got, found.expected) == (CLIENT_LOG, 8, "KO", "OK")
