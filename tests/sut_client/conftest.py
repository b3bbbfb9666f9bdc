"""A director that speaks the recorded protocol, with faults to order, and a workload that writes LoadGen's logs."""

import asyncio
import contextlib
import hashlib
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from sut_client.events import Event
from sut_client.options import Options
from tests.serving import serving

SESSION = "2026-11-22_12-00-00"
SERVER_UUID = "6437f2a0-bca5-4023-95a7-257e7849665a"
FILES = {
    "power/ptd_logs.txt": b"ptd log\n",
    "ranging/spl.txt": b"ranging samples\n",
    "power/server.log": b"server log\n",
    "run_1/spl.txt": b"x" * 2_500_000,
    "run_1/ptd_out.txt": b"Power: \n",
}
SCENE = """
import json, os, sys, time
from datetime import datetime, timezone
folder, words = sys.argv[1], sys.argv[2:]
phase = os.environ["WATTRIG_PHASE"]
def stamp(t):
    return datetime.fromtimestamp(t, timezone.utc).strftime("%m-%d-%Y %H:%M:%S.") + f"{int(t * 1000) % 1000:03d}"
def record(key, value, error=False):
    metadata = {"is_error": error, "is_warning": False}
    return ":::MLLOG " + json.dumps({"key": key, "value": value, "metadata": metadata})
begin = time.time()
time.sleep(0.02)
end = time.time()
if "old" in words: begin -= 3600
lines = [record("effective_test_mode", "AccuracyOnly" if "accuracy" in words else "PerformanceOnly"),
         record("effective_scenario", "Offline"),
         record("power_begin", stamp(begin)), record("power_end", stamp(end)),
         record("result_validity", "INVALID" if "invalid" in words else "VALID")]
if "invalid" in words: lines.append(record("result_invalid_reason", "too short"))
if "error" in words: lines.append(record("error_runtime", "it broke", True))
if "windows" in words: lines += [record("power_begin", stamp(begin)), record("power_end", stamp(end))]
if "nowindow" in words: lines = [line for line in lines if "power_" not in line]
for place in [folder, *([folder + "/two"] if "two" in words else [])]:
    os.makedirs(place, exist_ok=True)
    open(place + "/mlperf_log_detail.txt", "w").write("\\n".join(lines) + "\\n")
    if "nosummary" not in words:
        said = "INVALID" if "summary" in words else "VALID"
        open(place + "/mlperf_log_summary.txt", "w").write(f"phase : {phase}\\nResult is : {said}\\n")
time.sleep(0.05)
print("workload of", phase)
"""

Answer = str | Callable[[], Awaitable[str | None]]


class ScriptedDirector:
    """Answers as a director does; `answers` replaces the reply to a command that begins so."""

    def __init__(self) -> None:
        self.port = 0
        self.commands: list[str] = []
        self.answers: dict[str, Answer] = {}
        self.clock_offset_s = 0.0
        self.digests = {name: hashlib.sha1(content).hexdigest() for name, content in FILES.items()}
        self.writer: asyncio.StreamWriter | None = None
        self.connections = 0

    def server_json(self) -> bytes:
        return json.dumps({"results": self.digests}).encode()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.connections += 1
        with contextlib.suppress(OSError, asyncio.CancelledError):
            while line := await reader.readline():
                command = line.decode().rstrip("\r\n")
                self.commands.append(command)
                writer.write(await self.reply(command))
                await writer.drain()
        writer.close()

    async def reply(self, command: str) -> bytes:
        for start, answer in self.answers.items():
            if command.startswith(start):
                text = answer if isinstance(answer, str) else await answer()
                return b"" if text is None else f"{text}\r\n".encode()
        if command.startswith("download,"):
            return framed({**FILES, "power/server.json": self.server_json()}[command.split(",")[2]])
        return f"{self.line(command)}\r\n".encode()

    def line(self, command: str) -> str:
        if command == "mlcommons/power client v3":
            return "mlcommons/power server v3"
        if command == "time":
            return str(time.time() + self.clock_offset_s)
        if command.startswith("new,"):
            return f"OK {SESSION},{SERVER_UUID}"
        return "Error" if command.startswith("wattrig,") else "OK"

    async def hang_up(self) -> None:
        assert self.writer is not None
        self.writer.close()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with serving(self.serve) as self.port:
            try:
                yield
            finally:
                if self.writer is not None:
                    self.writer.close()


def framed(content: bytes) -> bytes:
    """Put a file into blocks as `download` is answered."""
    blocks = [content[at : at + (1 << 20)] for at in range(0, len(content), 1 << 20)]
    return b"".join(b"%d\r\n" % len(block) + block for block in blocks) + b"0\r\n"


class Bench:
    """A scripted director, the folders of a session and the events of the client."""

    def __init__(self, folder: Path) -> None:
        self.director = ScriptedDirector()
        self.folder = folder
        self.events: list[Event] = []
        self.script = folder / "fake_loadgen.py"
        self.script.write_text(SCENE)
        self.session = folder / "out" / SESSION

    def workload(self, *words: str) -> str:
        return f"{sys.executable} -S {self.script} {self.folder / 'logs'} {' '.join(words)}"

    def options(self, **changes: object) -> Options:
        given: dict[str, object] = {
            "address": "127.0.0.1",
            "port": self.director.port,
            "workload": self.workload(),
            "loadgen_logs": self.folder / "logs",
            "output": self.folder / "out",
        }
        return Options(**{**given, **changes})  # type: ignore[arg-type]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)
