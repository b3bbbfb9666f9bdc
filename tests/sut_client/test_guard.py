"""The guard of the workload: it ends with the client, however that ends, and tells how the command ended."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sut_client import guard
from tests.sut_client import groups


def guarded(command: str, grace_s: float = 5.0) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-I", "-S", guard.__file__, str(grace_s), command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )


@pytest.mark.parametrize(
    ("command", "status"),
    [("true", 0), ("exit 3", 3), ("kill -9 $$", -signal.SIGKILL), ("kill -15 $$", -signal.SIGTERM)],
)
def test_it_ends_as_the_command_ends(command: str, status: int) -> None:
    with guarded(command) as process:
        assert process.wait(20) == status


def test_the_command_reads_nothing() -> None:
    with guarded("cat; echo read all") as process:
        assert process.stdout is not None
        assert process.stdout.read() == b"read all\n"


@pytest.mark.parametrize("command", ["sleep 60 & sleep 60; wait", "trap '' TERM; echo on; sleep 60; sleep 60"])
def test_the_group_ends_with_the_client(command: str, tmp_path: Path) -> None:
    with guarded(f"echo begun; {command}", grace_s=0.5) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        process.stdin.close()  # what the system does when the client is killed
        process.wait(20)
        assert groups.is_gone(process.pid)


def test_a_command_that_ends_in_order_has_its_time() -> None:
    with guarded("trap 'sleep 0.3; echo cleaned; exit' TERM; echo begun; while :; do sleep 0.05; done") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        process.stdin.close()
        assert process.stdout.read() == b"cleaned\n"
        process.wait(20)
        assert groups.is_gone(process.pid)
