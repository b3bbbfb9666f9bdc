import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from console.main import main
from evidence.state import read_state

WATTRIG = Path(sys.executable).with_name("wattrig")


def arguments(bench: Any, workload: str) -> list[str | Path]:
    folders = ["-L", bench.folder / "logs", "-o", bench.folder / "out"]
    return [WATTRIG, "client", "-a", "localhost", "-p", str(bench.director.port), "-w", workload, *folders]


def with_client(bench: Any, workload: str, *more: str, end: signal.Signals | None = None) -> tuple[int, str, str]:
    """Run the command against the scripted director, and send it a signal once its workload runs."""

    async def go() -> tuple[int, str, str]:
        async with bench.director.running():
            process = await asyncio.create_subprocess_exec(
                *arguments(bench, workload), *more, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
            if end is not None:
                await workload_speaks(bench)
                process.send_signal(end)
            out, err = await asyncio.wait_for(process.communicate(), 20)
            return int(process.returncode or 0), out.decode(), err.decode()

    return asyncio.run(go())


async def workload_speaks(bench: Any) -> None:
    """Wait until the workload has written something."""
    output = bench.session / "wattrig/workload_ranging.log"
    give_up_s = time.monotonic() + 20
    while not (output.exists() and output.read_text()):
        assert time.monotonic() < give_up_s
        await asyncio.sleep(0.02)


def test_a_session_from_the_command_line(bench: Any) -> None:
    code, out, err = with_client(bench, bench.workload())
    assert (code, out) == (0, f"{bench.session}\n")
    assert "[INFO] Done runs" in err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_workload_too(bench: Any, number: signal.Signals, code: int) -> None:
    marker = bench.folder / "survived"
    found, _, err = with_client(bench, f"echo runs; sleep 1.5; touch {marker}; sleep 60", end=number)
    assert found == code
    assert f"ended by {number.name}" in err
    state = read_state(bench.session)
    assert state is not None
    assert (state.state, state.phase) == ("aborted", "ranging")
    assert number.name in state.reason
    assert not marker.exists()


def test_a_failure_is_one_message_and_exit_code_2(bench: Any) -> None:
    code, _, err = with_client(bench, "exit 5")
    assert code == 2
    assert "wattrig: the workload of the ranging phase ended with exit status 5: exit 5" in err
    assert "Traceback" not in err


def test_ntp_that_does_not_answer_is_a_failure(bench: Any) -> None:
    code, _, err = with_client(bench, bench.workload(), "-n", "127.0.0.1:1")
    assert code == 2
    assert "the NTP server '127.0.0.1:1' cannot be reached" in err
    assert not bench.session.exists()


def test_help_teaches() -> None:
    result = CliRunner().invoke(main, ["client", "--help"])
    assert result.exit_code == 0
    for word in ("WATTRIG_PHASE", "Exit codes", "--allow-plaintext", "wattrig client -a", "--no-timestamp-path"):
        assert word in result.output


def test_one_range_alone_is_refused(tmp_path: Path) -> None:
    command = [
        WATTRIG,
        "client",
        "-a",
        "localhost",
        "-w",
        "true",
        "-L",
        tmp_path / "a",
        "-o",
        tmp_path / "b",
        "-V",
        "9",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "only one of --max-volts and --max-amps was given" in done.stderr


def test_plaintext_is_refused_with_the_command_to_use(tmp_path: Path) -> None:
    command = [WATTRIG, "client", "-a", "192.0.2.1", "-w", "a b", "-L", tmp_path / "a", "-o", tmp_path / "b"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.rstrip().endswith(
        f"wattrig client -a 192.0.2.1 -w 'a b' -L {tmp_path / 'a'} -o {tmp_path / 'b'} --allow-plaintext"
    )
