import asyncio
import errno
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrology.errors import PeerError, PeerGoneError
from wire import protocol
from wire.protocol import Lines, block_length

Talk = Callable[[Lines, Lines], Awaitable[None]]


def over_tcp(talk: Talk) -> None:
    """Run `talk` with the two ends of a real connection."""

    async def run() -> None:
        accepted: asyncio.Future[Lines] = asyncio.get_running_loop().create_future()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted.set_result(Lines(reader, writer, "client"))

        server = await asyncio.start_server(accept, "127.0.0.1", 0, limit=protocol.LONGEST_LINE)
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=protocol.LONGEST_LINE)
        near, far = Lines(reader, writer, "director"), await accepted
        try:
            await talk(near, far)
        finally:
            await near.close()
            await far.close()
            server.close()
            await server.wait_closed()

    asyncio.run(run())


def test_lines_end_as_the_reference_ends_them() -> None:
    async def talk(near: Lines, far: Lines) -> None:
        await near.send("time")
        assert await far.receive(5) == "time"
        far._writer.write(b"a\r\r\nb\n\xff\n")
        assert [await near.receive(5) for _ in range(3)] == ["a", "b", "\ufffd"]

    over_tcp(talk)


def test_a_line_stays_one_line_whatever_it_quotes() -> None:
    async def talk(near: Lines, far: Lines) -> None:
        await near.send("wattrig,abort,'a\r\nsession,*,done\n\udcff' cannot be written")
        assert await far.receive(5) == "wattrig,abort,'a  session,*,done ?' cannot be written"
        await near.send("time")
        assert await far.receive(5) == "time"

    over_tcp(talk)


@pytest.mark.parametrize("size", [0, 1, 1_048_576, 2_500_000])
def test_a_file_arrives_whole(tmp_path: Path, size: int) -> None:
    (tmp_path / "sent").write_bytes(bytes(index % 251 for index in range(size)))

    async def talk(near: Lines, far: Lines) -> None:
        await asyncio.gather(far.send_file(tmp_path / "sent"), near.receive_file(tmp_path / "a" / "got", 5))

    over_tcp(talk)
    assert (tmp_path / "a" / "got").read_bytes() == (tmp_path / "sent").read_bytes()
    assert not (tmp_path / "a" / "got.tmp").exists()


def test_a_refused_download_leaves_no_file(tmp_path: Path) -> None:
    async def talk(near: Lines, far: Lines) -> None:
        await far.send("Error: exception")
        with pytest.raises(PeerError, match="Error: exception"):
            await near.receive_file(tmp_path / "got", 5)

    over_tcp(talk)
    assert not (tmp_path / "got").exists()


def test_a_silent_peer_and_one_that_leaves(tmp_path: Path) -> None:
    async def talk(near: Lines, far: Lines) -> None:
        with pytest.raises(PeerGoneError, match=r"no line within 0\.05 s"):
            await near.receive(0.05)
        await far.send("wattrig,abort,the meter fell silent")
        assert await near.ended() == "the meter fell silent"
        await far.close()
        assert await near.ended() == ""

    over_tcp(talk)


def test_a_line_without_end_is_bounded() -> None:
    async def talk(near: Lines, far: Lines) -> None:
        far._writer.write(b"x" * (protocol.LONGEST_LINE * 3))
        with pytest.raises(PeerError, match="line of over"):
            await near.receive(5)

    over_tcp(talk)


@given(st.text())
def test_a_block_length_is_a_small_number_or_an_error(text: str) -> None:
    try:
        assert 0 <= block_length(text, "director") <= protocol.LARGEST_BLOCK
    except PeerError as problem:
        assert "expected a block length" in problem.message


@pytest.mark.parametrize(
    "name", ["../../evil", "/abs", "2026-11-22_12-00-00/..", "2026-11-22_12-00-00_" + "x" * 65, "*", ""]
)
def test_only_session_names_name_a_folder(name: str) -> None:
    assert protocol.SESSION_NAME.fullmatch(name) is None


def test_names_with_and_without_label() -> None:
    assert protocol.SESSION_NAME.fullmatch("2026-11-22_12-00-00")
    assert protocol.SESSION_NAME.fullmatch("2026-11-22_12-00-00_resnet50-Offline")


@given(
    st.text("0123456789-_./\\ aZ*~\0\n\u0663\uff12", min_size=17, max_size=24)
    | st.from_regex(r"\d{4}(-\d\d){2}_(\d\d-){2}\d\d.*")
)
def test_what_names_a_session_is_one_plain_component_of_a_path(name: str) -> None:
    if protocol.SESSION_NAME.fullmatch(name):
        assert name.isascii()
        assert Path(name).name == name
        assert set(name) <= set("0123456789-_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


@given(st.text())
def test_a_label_is_ascii_and_short(label: str) -> None:
    found = protocol.LABEL.fullmatch(label)
    assert bool(found) == (len(label) <= 64 and all(c.isascii() and (c.isalnum() or c in "_-") for c in label))


@pytest.mark.parametrize("size", [0, 1, 2_500_000])
def test_bytes_arrive_whole_and_bounded(size: int) -> None:
    async def talk(near: Lines, far: Lines) -> None:
        content = b"x" * size
        _, got = await asyncio.gather(far.send_bytes(content), near.receive_bytes(size, 5))
        assert got == content
        await far.send_bytes(b"one more")
        with pytest.raises(PeerError, match="sent over 7 bytes"):
            await near.receive_bytes(7, 5)

    over_tcp(talk)


def test_bytes_that_come_one_by_one_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "MOST_BLOCKS", 100)

    async def talk(near: Lines, far: Lines) -> None:
        far._writer.write(b"1\r\nx" * 200)
        with pytest.raises(PeerError, match="sent over 100 blocks"):
            await near.receive_bytes(1 << 20, 5)

    over_tcp(talk)


def test_bytes_that_drip_have_an_end_in_time() -> None:
    async def talk(near: Lines, far: Lines) -> None:
        async def drip() -> None:
            while True:
                far._writer.write(b"1\r\nx")
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        with pytest.raises(PeerGoneError, match=r"did not send all within 0\.2 s"):
            await near.receive_bytes(1 << 20, 0.2)
        dripping.cancel()

    over_tcp(talk)


def test_a_file_in_crumbs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "MOST_BLOCKS", 10)

    async def talk(near: Lines, far: Lines) -> None:
        far._writer.write(b"1\r\nx" * 11)
        with pytest.raises(PeerError, match="sent over 10 blocks"):
            await near.receive_file(tmp_path / "got", 5)

    over_tcp(talk)
    assert not (tmp_path / "got").exists()


def test_a_peer_that_does_not_read_cannot_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "CLOSE_S", 0.2)

    async def talk(near: Lines, far: Lines) -> None:
        far._writer.write(b"x" * 20_000_000)
        async with asyncio.timeout(2):
            await far.close()
        assert near.is_local

    over_tcp(talk)


def test_a_connection_that_the_system_gave_up_is_no_time_out_of_ours() -> None:
    async def talk(near: Lines, far: Lines) -> None:
        near._reader.set_exception(TimeoutError(errno.ETIMEDOUT, "Connection timed out"))
        with pytest.raises(PeerGoneError, match="broke"):
            await near.receive(None)
        with pytest.raises(PeerGoneError, match="broke"):
            await near._exactly(1, 5)

    over_tcp(talk)
