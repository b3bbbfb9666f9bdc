"""A small session, written as the reference of v5.1 writes it, that tests then damage."""

import copy
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from evidence.stamps import format_stamp
from rules.rulebook import all_rounds

START_S = 1753456389
SESSION = "2025-07-25_15-13-09"
LOAD_S = 30
IDENTIFY = (
    "YokogawaWT310E,1000,1,1,1,1,0,1,1,version=1.11.1-69286632-20240907,OS=Linux,mode=power,1,1,1,0,0,no_cal_date,"
    "YOKOGAWA;WT310E;C3TA11005E;F1.02"
)
PTD = [
    ("Hello", "Hello, PTDaemon here!"), ("Identify", IDENTIFY), ("RR", "Ranges,0,10.000000,1,300.000000"),
    ("SR,V,Auto", "Range V changed"), ("SR,A,Auto", "Range A changed"), ("SR,A,Auto", "Range A changed"),
    (f"Go,1000,0,{SESSION}_ranging",
     "Starting untimed measurement, maximum 500000 samples at 1000ms with 0 rampup samples"),
    ("Stop", "Stopping untimed measurement"),
    ("SR,V,230.100000", "Range V changed"), ("SR,A,1.1", "Range A changed"),
    (f"Go,1000,0,{SESSION}_testing",
     "Starting untimed measurement, maximum 500000 samples at 1000ms with 0 rampup samples"),
    ("Stop", "Stopping untimed measurement"), ("SR,V,Auto", "Range V changed"), ("SR,A,10.000000", "Range A changed"),
]  # fmt: skip
PHASES = {"ranging": ("ranging", 20.0), "testing": ("run_1", 80.0)}


SUMMARY = b"Scenario : SingleStream\nMode     : PerformanceOnly\nResult is : VALID\n"


def stamp(after_s: float) -> str:
    return format_stamp(int((START_S + after_s) * 1000) * 1_000_000)


@dataclass
class Package:
    """The parts of a session; change them, then `write`."""

    client: dict[str, Any] = field(default_factory=dict)
    server: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    def replace(self, name: str, old: str, new: str) -> None:
        """Change every occurrence of a text in a file, which must have one."""
        assert old.encode() in self.files[name], f"{name} lacks {old!r}"
        self.files[name] = self.files[name].replace(old.encode(), new.encode())

    def write(self, root: Path) -> Path:
        """Write the files, with their digests in the two JSON files (`results` there overrides)."""
        digests: dict[str, dict[str, str]] = {"client": {}, "server": {}}
        for name, content in self.files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
            side = "client" if "mlperf" in name or name == "power/client.log" else "server"
            digests[side][name] = hashlib.sha1(content).hexdigest()
        for side, record in (("client", self.client), ("server", self.server)):
            record = record | {"results": digests[side] | record.get("results", {})}
            (root / "power" / f"{side}.json").write_text(json.dumps(record, indent=4))
        return root


def detail_log(begin_s: float) -> bytes:
    seeds = all_rounds()["v5.1"].loadgen.seeds
    started = f"{datetime.fromtimestamp(START_S + begin_s - 1, UTC):%Y-%m-%dT%H:%M:%SZ}"
    values: dict[str, Any] = {
        "test_datetime": started, "effective_scenario": "SingleStream", "effective_test_mode": "PerformanceOnly",
        "effective_qsl_rng_seed": seeds[0], "effective_sample_index_rng_seed": seeds[1],
        "effective_schedule_rng_seed": seeds[2], "power_begin": stamp(begin_s), "power_end": stamp(begin_s + LOAD_S),
        "result_validity": "VALID", "result_query_count": 1000, "result_qps_with_loadgen_overhead": 33.3333,
        "result_min_latency_ns": 29_000_000, "result_mean_latency_ns": 29_000_000,
        "result_max_latency_ns": 31_000_000,
    }  # fmt: skip
    record = ':::MLLOG {{"key": "{}", "value": {}, "time_ms": {}, "metadata": {{"is_error": false}}}}\n'
    logged_ms = {key: 0.5 if key == "test_datetime" else (LOAD_S + 1.1) * 1000 for key in values}
    return "".join(record.format(key, json.dumps(value), logged_ms[key]) for key, value in values.items()).encode()


def ptd_log() -> bytes:
    lines = [f"{stamp(10)}: Uncertainty checking for YokogawaWT310E is activated"]
    for phase, (_, begin_s) in PHASES.items():
        lines.append(f"{stamp(begin_s - 4)}: Go with mark '{SESSION}_{phase}'")
        if phase == "ranging":
            for second in range(int(begin_s) - 3, int(begin_s) + LOAD_S):
                lines.append(f"{stamp(second)}: ERROR: Can't evaluate uncertainty of this sample!")
                lines.append(f"{stamp(second)}: WARNING: Uncertainty unknown for the last measurement sample!")
        lines.append(f"{stamp(begin_s + LOAD_S + 5)}: Completed test")
    return ("\n".join(lines) + "\n").encode()


def power_log(phase: str, begin_s: float) -> bytes:
    lines = [
        f"Time,{stamp(begin_s - 3 + second)},Watts,{200 + second % 3}.000000,Volts,230.000000,Amps,1.000000,"
        f"PF,{(200 + second % 3) / 230:.6f},Mark,{SESSION}_{phase}"
        for second in range(LOAD_S + 6)
    ]
    return ("\n".join(lines) + "\n\n").encode()


def new_package() -> Package:
    sources = dict(all_rounds()["v5.1"].sources.sets[0])
    commands = [
        ("mlcommons/power client v3", "mlcommons/power server v3"), ("time", "1753456389.1"),
        ("new,,a", f"OK {SESSION},b"), (f"session,{SESSION},start,ranging", "OK"),
    ]  # fmt: skip
    messages = [
        {"cmd": cmd, "cmd_time": START_S + n, "reply": reply, "reply_time": START_S + n + 0.1}
        for n, (cmd, reply) in enumerate(commands)
    ]
    phases = {
        phase: [[START_S + begin_s + at, 1000 + begin_s + at] for at in (-15, -5, LOAD_S + 4, LOAD_S + 9)]
        for phase, (_, begin_s) in PHASES.items()
    }
    both = {
        "version": "1.0", "timezone": 0, "sources": sources, "messages": messages,
        "uuid": {"client": "0" * 32, "server": "1" * 32}, "session_name": SESSION, "phases": phases,
    }  # fmt: skip
    config = {"command": ["ptd", "-l", "x", "-p", "8888", "49", "/dev/usbtmc0"], "device_type": 49, "channel": None}
    server = copy.deepcopy(both) | {"ptd_messages": [{"cmd": c, "reply": r} for c, r in PTD], "ptd_config": [config]}
    files = {"power/ptd_logs.txt": ptd_log(), "power/server.log": b"", "power/client.log": b""}
    files["power/client.log"] = b"client 2025-07-25 15:13:09,000 [INFO] Done runs\n"
    files["power/server.log"] = b"ptd-server 2025-07-25 15:13:09,000 [INFO] Stopping ptd...\n"
    for phase, (folder, begin_s) in PHASES.items():
        files[f"{folder}/spl.txt"] = power_log(phase, begin_s)
        files[f"{folder}/mlperf_log_detail.txt"] = detail_log(begin_s)
        files[f"{folder}/mlperf_log_summary.txt"] = SUMMARY
    return Package(copy.deepcopy(both), server, files)


@pytest.fixture
def package() -> Package:
    """A session that every check passes."""
    return new_package()


@pytest.fixture
def stamped() -> Callable[[float], str]:
    """The stamp of so many seconds after the session began."""
    return stamp
