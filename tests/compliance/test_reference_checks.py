"""The eleven checks of the reference: what each says of a good session, and of one damaged in one place."""

import csv
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compliance.judge import check_session
from compliance.result import Result
from rules.rulebook import all_rounds, rules_of

SESSION = "2025-07-25_15-13-09"


def checked(package: Any, folder: Path, round_name: str = "v5.1") -> Result:
    result = check_session(package.write(folder), round_name)
    assert result is not None
    return result


def outcome(result: Result, check: str) -> str:
    return next(entry.outcome for entry in result.reference_checks if entry.check == check)


def assert_only(result: Result, check: str, expected: str, text: str = "") -> None:
    """Assert that one check ends as expected and all others pass."""
    got = {entry.check: entry.outcome for entry in result.reference_checks}
    assert got == dict.fromkeys(got, "pass") | {check: expected}
    assert text in next(entry.message for entry in result.reference_checks if entry.check == check)


def test_a_good_session_passes_everything(package: Any, tmp_path: Path) -> None:
    result = checked(package, tmp_path, "auto")
    assert [entry.outcome for entry in result.reference_checks] == ["pass"] * 11
    assert (result.round, result.reference_verdict) == ("v5.1", "valid")


def test_the_checks_are_named_as_the_reference_names_them() -> None:
    assert [rule.title for rule in rules_of("v5.1", "reference")] == [
        "Check client sources checksum", "Check server sources checksum", "Check PTD commands and replies",
        "Check UUID", "Check session name", "Check time difference", "Check client server messages",
        "Check results checksum", "Check errors and warnings from PTD logs", "Check PTD configuration",
        "Check debug is disabled on server-side",
    ]  # fmt: skip


CLIENT_SOURCES, SERVER_SOURCES = "Check client sources checksum", "Check server sources checksum"
PTD, UUID, NAME = "Check PTD commands and replies", "Check UUID", "Check session name"
TIMES, MESSAGES, RESULTS = "Check time difference", "Check client server messages", "Check results checksum"
LOG, CONFIG, DEBUG = (
    "Check errors and warnings from PTD logs", "Check PTD configuration", "Check debug is disabled on server-side",
)  # fmt: skip


def reply(package: Any, command: str, text: str, number: int = 1) -> None:
    found = [entry for entry in package.server["ptd_messages"] if entry["cmd"].startswith(command)]
    found[number - 1]["reply"] = text


def add_ptd(package: Any, command: str, text: str) -> None:
    package.server["ptd_messages"].append({"cmd": command, "reply": text})


def move(package: Any, side: str, phase: str, point: int, by_s: float) -> None:
    getattr(package, side)["phases"][phase][point][0] += by_s


def multichannel(package: Any, command: list[str], channel: list[int] | None) -> None:
    package.server["ptd_config"] = [{"command": command, "device_type": 77, "channel": channel}]


CASES: dict[str, tuple[Callable[[Any], object], str, str, str]] = {
    "client file changed": (
        lambda p: p.client["sources"].update({"client.py": "0" * 40}), CLIENT_SOURCES, "fail", "9bc9a3b6"),
    "client sources absent": (lambda p: p.client.pop("sources"), CLIENT_SOURCES, "error", "Key"),
    "server file more": (lambda p: p.server["sources"].update(extra="0"), SERVER_SOURCES, "fail", "none of the"),
    "version of last round": (
        lambda p: reply(p, "Identify", p.server["ptd_messages"][1]["reply"].replace("1.11.1", "1.10.0")),
        PTD, "fail", "1.10.0"),
    "our own daemon": (
        lambda p: reply(p, "Identify", "YokogawaWT310E,1000,version=wattrig_0.1.0-00000000-20260101,x"),
        PTD, "fail", "wattrig_0.1.0"),
    "unknown analyzer": (
        lambda p: reply(p, "Identify", p.server["ptd_messages"][1]["reply"].replace("WT310E,", "WT9,")),
        PTD, "fail", "YokogawaWT9"),
    "range refused": (lambda p: reply(p, "SR,V", "Error: no", 2), PTD, "fail", "SR,V,230.100000"),
    "third stop must be refused": (
        lambda p: add_ptd(p, "Stop", "Stopping untimed measurement"), PTD, "fail", "Stop number 3"),
    "amps not restored": (
        lambda p: p.server["ptd_messages"].pop(), PTD, "fail", "does not set the initial '10.000000'"),
    "volts not restored": (lambda p: p.server["ptd_messages"].pop(-2), PTD, "fail", "third SR,V"),
    "nothing said to PTDaemon": (lambda p: p.server.update(ptd_messages=[]), PTD, "fail", "none"),
    "ranges not asked for": (lambda p: reply(p, "RR", "Hello"), PTD, "fail", "tells no ranges"),
    "other client": (lambda p: p.client["uuid"].update(client="2" * 32), UUID, "fail", "2222 in client.json"),
    "no identifier": (lambda p: p.client["uuid"].update(client="x"), UUID, "error", "Value"),
    "no identifiers": (lambda p: p.client.update(uuid=None), UUID, "error", "Type"),
    "other session": (lambda p: p.client.update(session_name="2025-07-25_00-00-00"), NAME, "fail", "00-00-00"),
    "clocks apart": (lambda p: move(p, "client", "testing", 3, 0.9), TIMES, "fail", "900.000 ms apart at moment 4"),
    "clocks nearly apart": (lambda p: move(p, "client", "testing", 3, 0.79), TIMES, "pass", ""),
    "moment missing": (lambda p: p.client["phases"]["ranging"].pop(), TIMES, "fail", "3 moments"),
    "phase missing": (lambda p: p.client["phases"].pop("ranging"), TIMES, "error", "ranging"),
    "message changed": (
        lambda p: p.client["messages"][2].update(reply="OK x"), MESSAGES, "fail", "message 3 differs"),
    "time may differ": (lambda p: p.client["messages"][1].update(reply="7"), MESSAGES, "pass", ""),
    "message missing": (lambda p: p.client["messages"].pop(), MESSAGES, "fail", "3 messages"),
    "other version": (
        lambda p: [s["messages"][0].update(reply="mlcommons/power server v2") for s in (p.client, p.server)],
        MESSAGES, "fail", "same version"),
    "digest differs": (
        lambda p: p.server.update(results={"run_1/spl.txt": "0" * 40}), RESULTS, "fail", "run_1/spl.txt"),
    "sides disagree": (
        lambda p: [side.update(results={"run_1/spl.txt": d * 40}) for side, d in ((p.client, "0"), (p.server, "1"))],
        RESULTS, "fail", "different SHA-1"),
    "file missing": (lambda p: p.files.pop("power/server.log"), RESULTS, "fail", "is missing"),
    "no uncertainty checking": (
        lambda p: p.replace("power/ptd_logs.txt", "is activated", "is off"), LOG, "fail", "switch on"),
    "no ranging in the log": (lambda p: p.replace("power/ptd_logs.txt", "_ranging'", "_r'"), LOG, "fail", "no 'Go"),
    "no end of ranging": (
        lambda p: p.replace("power/ptd_logs.txt", "Completed test", "Completed"), LOG, "fail", "no 'Completed"),
    "error without a time": (
        lambda p: p.files.update({"power/ptd_logs.txt": p.files["power/ptd_logs.txt"] + b"so ERROR: x\n"}),
        LOG, "error", "does not begin with a time"),
    "device number": (lambda p: p.server["ptd_config"][0].update(device_type=1), CONFIG, "fail", "is 1"),
    "table": (lambda p: p.server.update(ptd_config=p.server["ptd_config"][0]), CONFIG, "error", "Type"),
    "no device": (lambda p: p.server.update(ptd_config=[]), CONFIG, "pass", ""),
    "two channels": (lambda p: multichannel(p, ["ptd", "-c", "1,3"], [1, 3]), CONFIG, "pass", ""),
    "one channel": (lambda p: multichannel(p, ["ptd", "-c", "1"], [1]), CONFIG, "fail", "two numbers"),
    "debug": (lambda p: p.server.update(debug=True), DEBUG, "fail", "debug mode"),
    "debug is nothing": (lambda p: p.server.update(debug=None), DEBUG, "fail", "debug mode"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_one_damage_changes_one_check(name: str, package: Any, tmp_path: Path) -> None:
    damage, check, expected, text = CASES[name]
    damage(package)
    assert_only(checked(package, tmp_path), check, expected, text)


def log_line(package: Any, text: str, after_s: float, stamped: Callable[[float], str]) -> None:
    package.files["power/ptd_logs.txt"] += f"{stamped(after_s)}: {text}\n".encode()


ABOVE = "WARNING: Uncertainty 1.60%, which is above 1.00% limit for the last sample!"
LINES = [
    # round, line, seconds after the session began (ranging 16..55, load of testing 80..110), what it becomes
    ("v5.1", "ERROR: Current exceeds peak value allowed for range 0.50A and CF 3.", 90, "fail"),
    ("v5.1", "ERROR: Current exceeds peak value allowed for range 0.50A and CF 3.", 40, "warn"),
    ("v5.1", "ERROR: Bad watts reading nan from WT310", 40, "pass"),
    ("v3.0", "ERROR: Bad watts reading nan from WT310", 40, "warn"),
    ("v5.1", "ERROR: USB.", 5, "warn"),
    ("v1.0", "ERROR: USB.", 5, "fail"),
    ("v5.1", ABOVE, 90, "pass"),
    ("v1.1", ABOVE, 90, "warn"),
    ("v1.1", ABOVE, 70, "pass"),
    ("v1.1", "WARNING: Missed 1 samples", 100, "warn"),
]


@pytest.mark.parametrize(("round_name", "line", "after_s", "expected"), LINES)
def test_lines_of_the_ptdaemon_log(
    round_name: str, line: str, after_s: float, expected: str,
    package: Any, tmp_path: Path, stamped: Callable[[float], str],
) -> None:  # fmt: skip
    log_line(package, line, after_s, stamped)
    assert outcome(checked(package, tmp_path, round_name), LOG) == expected


def test_the_unit_slip_leaves_a_window_in_a_long_run(package: Any, tmp_path: Path, stamped: Any) -> None:
    end_s = 80 + 2000
    package.replace("run_1/mlperf_log_detail.txt", f'"power_end", "value": "{stamped(110)}"',
                    f'"power_end", "value": "{stamped(end_s)}"')  # fmt: skip
    log_line(package, ABOVE, 80 + 799, stamped)
    assert outcome(checked(package, tmp_path / "a"), LOG) == "pass"
    log_line(package, ABOVE, 80 + 801, stamped)
    assert outcome(checked(package, tmp_path / "b"), LOG) == "fail"


def test_the_first_warning_hides_what_comes_after(package: Any, tmp_path: Path, stamped: Any) -> None:
    log_line(package, "ERROR: USB.", 5, stamped)
    log_line(package, "ERROR: Current exceeds peak value allowed", 90, stamped)
    assert outcome(checked(package, tmp_path), LOG) == "warn"


def uploaded(package: Any) -> None:
    """What the client of v1.0 sent after its runs: it recorded the first of the two alone."""
    session = package.server["session_name"]
    for name, records in (("client.log", (package.client, package.server)), ("client.json", (package.server,))):
        for record in records:
            command = f"session,{session},upload,{name}"
            record["messages"].append({"cmd": command, "cmd_time": 0, "reply": "OK", "reply_time": 0})


@pytest.mark.parametrize(("round_name", "expected"), [("v1.0", "pass"), ("v1.1", "fail")])
def test_the_client_of_the_first_round_sent_its_own_record(
    round_name: str, expected: str, package: Any, tmp_path: Path
) -> None:
    assert outcome(checked(package, tmp_path / "a", round_name), MESSAGES) == (
        "fail" if round_name == "v1.0" else "pass"
    )
    uploaded(package)
    assert outcome(checked(package, tmp_path / "b", round_name), MESSAGES) == expected


def watts(package: Any, file: str, old: str, new: str) -> None:
    for digit in "012":
        package.replace(file, f"Watts,{old}{digit}.", f"Watts,{new}{digit}.")


@pytest.mark.parametrize(("round_name", "expected"), [("v5.1", "fail"), ("v3.0", "pass")])
def test_testing_must_not_draw_less_since_2023(round_name: str, expected: str, package: Any, tmp_path: Path) -> None:
    watts(package, "run_1/spl.txt", "20", "18")
    assert outcome(checked(package, tmp_path, round_name), TIMES) == expected


@pytest.mark.parametrize(("round_name", "expected"), [("v5.1", "warn"), ("v1.1", "fail")])
def test_a_short_testing_run_hides_the_rule_on_power(
    round_name: str, expected: str, package: Any, tmp_path: Path, stamped: Any
) -> None:
    watts(package, "run_1/spl.txt", "20", "18")
    package.replace("run_1/mlperf_log_detail.txt", stamped(110), stamped(90))
    assert outcome(checked(package, tmp_path, round_name), TIMES) == expected


def test_windows_without_samples_pass_the_rule_on_power(package: Any, tmp_path: Path) -> None:
    for file in ("ranging/spl.txt", "run_1/spl.txt"):
        package.replace(file, "Watts,20", "Watts,-20")
    assert outcome(checked(package, tmp_path), TIMES) == "pass"


def test_load_an_hour_late_passes_and_two_hours_late_fails(package: Any, tmp_path: Path, stamped: Any) -> None:
    for moment in (80, 110):
        package.replace("run_1/mlperf_log_detail.txt", stamped(moment), stamped(moment + 3600))
    assert outcome(checked(package, tmp_path / "a", "v3.0"), TIMES) == "pass"
    for moment in (80, 110):
        package.replace("run_1/mlperf_log_detail.txt", stamped(moment + 3600), stamped(moment + 7200))
    assert outcome(checked(package, tmp_path / "b", "v3.0"), TIMES) == "fail"


@pytest.mark.parametrize(
    ("round_name", "line", "expected"),
    [("v5.1", b"", "pass"), ("v3.1", b"\n", "error"), ("v5.1", b"Time,yesterday,Watts,1\n", "error"),
     ("v5.1", b"Tim\n", "pass"), ("v5.1", b"\xff\xfe\n", "error")],
)  # fmt: skip
def test_lines_of_the_power_log_that_break_the_reference(
    round_name: str, line: bytes, expected: str, package: Any, tmp_path: Path
) -> None:
    package.files["run_1/spl.txt"] += line
    assert outcome(checked(package, tmp_path, round_name), TIMES) == expected


def test_a_broken_json_ends_every_check_that_needs_it(package: Any, tmp_path: Path) -> None:
    package.write(tmp_path)
    (tmp_path / "power" / "client.json").write_text('{"sources": ')
    result = check_session(tmp_path, "v5.1")
    assert result is not None
    assert outcome(result, UUID) == "error"
    assert result.reference_verdict == "invalid"


@pytest.mark.parametrize("round_name", list(all_rounds()))
def test_no_round_ends_in_a_crash(round_name: str, package: Any, tmp_path: Path) -> None:
    assert len(checked(package, tmp_path, round_name).reference_checks) == 11


def rows(name: str) -> list[dict[str, str]]:
    source = os.environ.get("WATTRIG_PUBLISHED")
    if not source:
        return []
    with (Path(source) / name).open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_published_verdict(published: Path) -> None:
    results: dict[tuple[str, str], Result] = {}
    wrong = []
    for row in rows("reference_verdicts.csv"):
        key = row["round"], row["path"]
        if key not in results:
            found = check_session(published.joinpath(*key))
            assert found is not None
            results[key] = found
        if row["check"].startswith("OVERALL"):
            got, expected = results[key].reference_verdict, f"valid_{row['message']}".strip("_").replace(" ", "_")
        else:
            got, expected = outcome(results[key], row["check"]), row["verdict"]
        if got != expected:
            wrong.append((key, row["check"], got, expected))
    assert not wrong
    assert len(results) == 10
    assert all(result.round == key[0] for key, result in results.items())


def test_every_published_power_figure(published: Path) -> None:
    for row in rows("reference_power.csv"):
        result = check_session(published / row["round"] / row["path"])
        assert result is not None
        assert result.power is not None
        assert result.power.mean_w == pytest.approx(float(row["avg_watts"]), rel=1e-9)
        assert result.power.energy_j == pytest.approx(float(row["energy_J"]), rel=1e-9)
        assert result.power.ranging_mean_w == pytest.approx(float(row["avg_watts_ranging"]), rel=1e-9)
        assert result.power.metric == pytest.approx(float(row["power_metric"]), rel=1e-9, abs=5e-10)
        assert result.power.samples == int(row["samples_in_window"])
        assert result.power.samples - result.power.samples_bad == int(row["samples_used"])
        if row["published_power"]:
            assert result.power.metric == pytest.approx(float(row["published_power"]), rel=1e-9)
