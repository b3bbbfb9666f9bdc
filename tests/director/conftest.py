"""A station with a scripted daemon, and a raw client that speaks what the reference client speaks."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from director.station import Station, load_station

FAKE = Path(__file__).with_name("fake_ptd.py")
MAGIC = "mlcommons/power client v3"


class RawClient:
    """A client as bare as can be: lines over TCP."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, address: tuple[str, int]) -> "RawClient":
        return cls(*await asyncio.open_connection(*address))

    async def line(self, timeout_s: float = 10) -> str:
        raw = await asyncio.wait_for(self.reader.readline(), timeout_s)
        assert raw.endswith(b"\r\n") or not raw, raw
        return raw.decode().removesuffix("\r\n")

    async def ask(self, command: str, timeout_s: float = 10) -> str:
        self.writer.write(command.encode() + b"\r\n")
        return await self.line(timeout_s)

    async def begin(self, *, hello: bool = False, label: str = "") -> str:
        """Shake hands and open a session; get its name."""
        assert await self.ask(MAGIC) == "mlcommons/power server v3"
        if hello:
            assert (await self.ask("wattrig,hello,1")).startswith("OK,")
        reply = await self.ask(f"new,{label},cf59d627-4308-4753-b14a-f6070a63ce76")
        assert reply.startswith("OK "), reply
        return reply.removeprefix("OK ").partition(",")[0]

    async def download(self, session: str, name: str) -> bytes:
        self.writer.write(f"download,{session},{name}\r\n".encode())
        content = b""
        while length := int(await self.line()):
            content += await self.reader.readexactly(length)
        return content

    async def close(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except OSError:
            return


@pytest.fixture
def fake_program(tmp_path: Path) -> Path:
    """The scripted daemon as a program."""
    program = tmp_path / "fake-ptd"
    program.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{FAKE}' \"$@\"\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def station_file(tmp_path: Path, fake_program: Path) -> Callable[..., Path]:
    """Write a station.toml whose scripted daemon fails as told."""

    def write(faults: str = "ok", device_type: int = 49, more: str = "", top: str = "") -> Path:
        path = tmp_path / "station.toml"
        path.write_text(
            f'[director]\nlisten = "127.0.0.1:0"\nstore = "store"\n{top}\n'
            f'[[analyzer]]\nptd = "{fake_program}"\ndevice_type = {device_type}\ndevice_port = "{faults}"\n'
            f"network_port = 0\n{more}\n"
        )
        return path

    return write


@pytest.fixture
def station(station_file: Callable[..., Path]) -> Callable[..., Station]:
    """Get the station of such a file."""
    return lambda *args, **options: load_station(station_file(*args, **options))


@pytest.fixture(scope="session")
def raw_client() -> type[RawClient]:
    """The class of bare clients; test modules cannot import each other."""
    return RawClient
