"""Who uses a line: real processes with a real terminal and a real connection."""

import os
import socket
import subprocess
import sys
import tty
from contextlib import closing

import pytest

from analyzers.holder import holders
from analyzers.place import Place
from metrology.errors import InstrumentAbsentError

OPEN_FILE = (
    "import os, sys; os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY); print('open', flush=True); sys.stdin.read()"
)
CONNECT = "import socket, sys; s = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); print('open', flush=True); sys.stdin.read()"  # fmt: skip # noqa: E501


@pytest.fixture
def start():
    running = []

    def make(script, argument):
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(argument)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        running.append(process)
        assert process.stdout.readline() == "open\n"
        return process

    yield make
    for process in running:
        process.communicate(timeout=10)


@pytest.fixture
def terminal():
    master, slave = os.openpty()
    tty.setraw(slave)
    yield os.ttyname(slave)
    os.close(master)
    os.close(slave)


def test_a_process_that_has_the_device_open_is_named_by_number_and_command(start, terminal, tmp_path):
    link = tmp_path / "wt"
    link.symlink_to(terminal)
    assert holders(str(link)) == []
    process = start(OPEN_FILE, terminal)
    for name in (terminal, str(link), f"ASRL{link}::INSTR"):
        (told,) = holders(name)
        assert told.startswith(f"process {process.pid}: {sys.executable}")
    with pytest.raises(InstrumentAbsentError, match=f"in use by process {process.pid}"):
        Place(str(link)).open()


def test_a_client_of_an_address_is_named_and_the_one_who_listens_is_not(start):
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
        assert holders(f"127.0.0.1:{port}") == []
        process = start(CONNECT, port)
        for name in (f"127.0.0.1:{port}", f"localhost:{port}", f"TCPIP::127.0.0.1,{port}::INSTR",
                     f"TCPIP0::127.0.0.1::{port}::SOCKET"):  # fmt: skip
            (told,) = holders(name)
            assert told.startswith(f"process {process.pid}:")
        assert holders("127.0.0.1:1") == []


def test_what_names_no_place_of_this_machine_is_used_by_nobody():
    for name in ("", "COM4", "GPIB0::1::INSTR", "no such host:80", "a" * 4000, "\0", "../../etc"):
        assert holders(name) == []


def test_a_system_that_tells_nothing_of_processes_is_believed(tmp_path):
    (tmp_path / "12").mkdir()
    (tmp_path / "13" / "fd").mkdir(parents=True)
    (tmp_path / "13" / "fd" / "0").symlink_to("/dev/ttyS9")
    assert holders("/dev/ttyS9", tmp_path) == ["process 13"]
    assert holders("127.0.0.1:5025", tmp_path) == []


def test_a_port_may_be_named_from_the_folder_one_is_in(start, terminal, tmp_path, monkeypatch):
    (tmp_path / "wt").symlink_to(terminal)
    process = start(OPEN_FILE, terminal)
    monkeypatch.chdir(tmp_path)
    assert [found.partition(":")[0] for found in holders("./wt")] == [f"process {process.pid}"]
