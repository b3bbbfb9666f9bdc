import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest

from analyzers.ptd import client as ptd_client
from analyzers.ptd.client import PtdClient, go_together
from metrology.errors import PeerError, PeerGoneError, PeerRefusedError

LINE = "Time,07-23-2024 13:43:39.220,Watts,171.300000,Volts,118.100000,Amps,1.658000,PF,0.875000"


class Heard:
    """A witness that writes down what it hears."""

    def __init__(self) -> None:
        self.notes: list[object] = []

    def asked(self, command: str) -> None:
        self.notes.append(command)

    def answered(self, command: str, reply: str) -> None:
        self.notes.append((command, reply))

    def announced(self, count: int) -> None:
        self.notes.append(count)

    def listed(self, lines: Sequence[str]) -> None:
        self.notes.append(list(lines))


def against(answers: dict[bytes, bytes], talk: Callable[[PtdClient, Heard], Awaitable[None]]) -> None:
    """Run `talk` with a client of a daemon that has just these answers; an answer of b"" closes the connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async for command in reader:
                answer = answers.get(command.strip(), b"Unknown command\r\n")
                if not answer:
                    break
                writer.write(answer)
        finally:
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        heard = Heard()
        client = await PtdClient.connect(server.sockets[0].getsockname()[1], heard)
        try:
            async with asyncio.timeout(20):
                await talk(client, heard)
        finally:
            await client.close()
            server.close()

    asyncio.run(run())


def test_a_command_and_its_reply_are_heard() -> None:
    async def talk(client: PtdClient, heard: Heard) -> None:
        await client.hello()
        await client.set_range("V", "Auto")
        await go_together([client], 1000, "S_ranging")
        assert heard.notes[:2] == ["Hello", ("Hello", "Hello, PTDaemon here!")]
        assert heard.notes[4] == "Go,1000,0,S_ranging"

    against(
        {
            b"Hello": b"Hello, PTDaemon here!\r\n",
            b"SR,V,Auto": b"Range V changed\n",
            b"Go,1000,0,S_ranging": b"Starting untimed measurement\r\n",
        },
        talk,
    )


GO = {b"Hello": b"Hello, PTDaemon here!\r\n", b"Go,1000,0,S": b"Starting untimed measurement\r\n"}


@contextlib.asynccontextmanager
async def beside(first: PtdClient, heard: Heard) -> AsyncIterator[PtdClient]:
    """Connect once more to the daemon of another client."""
    other = await PtdClient.connect(first._writer.get_extra_info("peername")[1], heard)
    try:
        yield other
    finally:
        await other.close()


def written_down(heard: Heard, write: Callable[[bytes], None]) -> Callable[[bytes], None]:
    def noted(data: bytes) -> None:
        heard.notes.append("write")
        write(data)

    return noted


def test_all_are_told_go_before_anything_else_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    async def talk(client: PtdClient, heard: Heard) -> None:
        async with beside(client, heard) as other:
            for each in (client, other):
                monkeypatch.setattr(each._writer, "write", written_down(heard, each._writer.write))
            await go_together([client, other], 1000, "S")
            assert heard.notes[:4] == ["write", "write", "Go,1000,0,S", "Go,1000,0,S"]
            assert await client.ask("Hello") == await other.ask("Hello")

    against(GO, talk)


def test_one_that_refuses_go_is_told_of_once_all_have_answered() -> None:
    async def talk(client: PtdClient, heard: Heard) -> None:
        async with beside(client, heard) as other:
            with pytest.raises(PeerRefusedError, match="answered 'Go,1000,0,T' with 'Error: busy'"):
                await go_together([client, other], 1000, "T")
            assert [note for note in heard.notes if isinstance(note, tuple)] == [("Go,1000,0,T", "Error: busy")] * 2

    against({b"Go,1000,0,T": b"Error: busy\r\n"}, talk)


def test_none_is_told_go_where_one_has_broken_the_protocol() -> None:
    async def talk(client: PtdClient, heard: Heard) -> None:
        async with beside(client, heard) as other:
            await other.ask("Hello")
            with pytest.raises(PeerError, match=r"sent b'and more.*without being asked"):
                await go_together([client, other], 1000, "S")
            assert heard.notes == ["Hello", ("Hello", "Hello, PTDaemon here!")]

    against(GO | {b"Hello": b"Hello, PTDaemon here!\r\nand more\r\n"}, talk)


def test_a_refusal_is_an_error() -> None:
    async def talk(client: PtdClient, _heard: Heard) -> None:
        with pytest.raises(PeerRefusedError, match="answered 'Stop' with 'Error: no measurement to stop'"):
            await client.stop()
        with pytest.raises(PeerRefusedError, match="expected 'Range A changed'"):
            await client.set_range("A", "99")

    against({b"Stop": b"Error: no measurement to stop\r\n"}, talk)


@pytest.mark.parametrize(
    ("answers", "last"),
    [
        ({b"RL,*,*": b"Last 2 samples from sum channel and channels 1 - 3\r\n"}, "RL,*,*"),
        ({b"RL,*,*": b"Invalid number of parameters\r\n", b"RL": b"Last 2 samples\r\n"}, "RL"),
        ({b"RL,*,*": b"Unknown command\r\n", b"DC-RL": b"Last 2 samples\r\n"}, "DC-RL"),
    ],
)
def test_a_listing_is_asked_for_as_the_reference_does(answers: dict[bytes, bytes], last: str) -> None:
    async def talk(client: PtdClient, heard: Heard) -> None:
        assert await client.listing() == [LINE, LINE]
        assert heard.notes[-2:] == [2, [LINE, LINE]]
        assert [note for note in heard.notes if isinstance(note, str)][-1] == last

    lines = f"{LINE}\r\n".encode() * 2
    against({key: value + lines if value.startswith(b"Last") else value for key, value in answers.items()}, talk)


def test_an_empty_listing_and_a_refused_one() -> None:
    async def talk(client: PtdClient, _heard: Heard) -> None:
        assert await client.listing() == []
        with pytest.raises(PeerRefusedError, match="expected 'Last <count> samples'"):
            await client.listing()

    answers = {b"RL,*,*": b"Last 0 samples\r\n"}

    async def both(client: PtdClient, heard: Heard) -> None:
        assert await client.listing() == []
        answers[b"RL,*,*"] = b"No unread samples\r\n"
        with pytest.raises(PeerRefusedError, match="expected 'Last <count> samples'"):
            await client.listing()

    against(answers, both)


def test_a_days_samples_are_read_in_linear_time() -> None:
    """86,400 lines take well under a second; the reference needs 194 s on this Python."""

    async def talk(client: PtdClient, _heard: Heard) -> None:
        begin_s = time.perf_counter()
        lines = await client.listing()
        assert time.perf_counter() - begin_s < 5
        assert lines == [LINE] * 86_400

    against({b"RL,*,*": b"Last 86400 samples\r\n" + f"{LINE}\r\n".encode() * 86_400}, talk)


def test_fewer_lines_than_announced_end_in_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ptd_client, "LISTING_S", 0.2)

    async def talk(client: PtdClient, _heard: Heard) -> None:
        with pytest.raises(PeerGoneError, match="got 1 of 3 lines"):
            await client.listing()
        assert client.gone.is_set()
        with pytest.raises(PeerError):
            await client.ask("Watts")

    against({b"RL,*,*": f"Last 3 samples\r\n{LINE}\r\n".encode()}, talk)


def test_more_lines_than_announced_are_noticed() -> None:
    async def talk(client: PtdClient, _heard: Heard) -> None:
        assert await client.listing() == [LINE]
        with pytest.raises(PeerError, match="without being asked"):
            await client.ask("Watts")

    against({b"RL,*,*": f"Last 1 samples\r\n{LINE}\r\n{LINE}\r\n".encode()}, talk)


def test_the_end_of_the_connection_is_noticed_unasked() -> None:
    async def talk(client: PtdClient, _heard: Heard) -> None:
        with pytest.raises(PeerGoneError, match="before it answered 'Watts'"):
            await client.ask("Watts")
        await asyncio.wait_for(client.gone.wait(), 5)

    against({b"Watts": b""}, talk)


def test_a_reply_without_end_is_bounded() -> None:
    async def talk(client: PtdClient, _heard: Heard) -> None:
        with pytest.raises(PeerError, match="lines of over 8192 bytes"):
            await client.ask("Watts")

    against({b"Watts": b"x" * 200_000}, talk)


def test_commands_take_turns() -> None:
    async def talk(client: PtdClient, heard: Heard) -> None:
        assert await asyncio.gather(*(client.ask("Watts") for _ in range(5))) == ["Watts,1"] * 5
        assert heard.notes == ["Watts", ("Watts", "Watts,1")] * 5

    against({b"Watts": b"Watts,1\r\n"}, talk)
