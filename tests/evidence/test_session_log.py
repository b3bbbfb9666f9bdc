import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence import session_log
from evidence.session_log import SessionLog, Traffic, read_session_log

CLIENT = """\
client 2024-07-23 11:35:08,468 [INFO] Sending command to the server: 'mlcommons/power client v3'
client 2024-07-23 11:35:08,469 [INFO] Got response: 'mlcommons/power server v3'
client 2024-07-23 11:35:08,498 [INFO] Sources: {"sources": {"client.py": "33ca"}, "modules": {}}
client 2024-07-23 11:35:08,525 [WARNING] Removing loadgen logs directory 'x'
"""
SERVER = """\
ptd-server 2025-07-25 15:13:09,685 [INFO] Got command from the client 'stop'
ptd-server 2025-07-25 15:13:09,685 [INFO] Sending reply to client 'OK'
ptd-server 2025-07-25 15:13:24,380 [INFO] Analyzer [2] is sending to ptd: 'Go,1000,0,2025-07-25_15-13-09_ranging'
ptd-server 2025-07-25 15:13:24,380 [INFO] Analyzer [2] recieved reply from ptd: 'It\\'s C:\\\\x'
ptd-server 2025-07-25 15:27:32,203 [INFO] Analyzer [2] got reply from ptd: 'Time,t1,Watts,1,Volts,2,Amps,3,PF,4,Watts,5,Volts,6,Amps,7,PF,8\\nTime,t2,Watts,9,Volts,2,Amps,3,PF,4,Watts,5,Volts,6,Amps,7,PF,8\\n'
ptd-server 2021-08-04 04:52:37,949 [INFO] Sending to ptd: 'Hello'
ptd-server 2021-08-04 04:52:37,949 [INFO] Reply from ptd: 'Hello, PTDaemon here!'
"""  # noqa: E501 - lines as the director writes them


def read(folder: Path, content: bytes | str) -> SessionLog:
    path = folder / "some.log"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_session_log(path, "power/some.log")


def test_the_traffic_of_a_client(tmp_path: Path) -> None:
    log = read(tmp_path, CLIENT)
    assert log.traffic == (
        Traffic(1, "2024-07-23 11:35:08,468", "command", 1, "mlcommons/power client v3"),
        Traffic(2, "2024-07-23 11:35:08,469", "reply", 1, "mlcommons/power server v3"),
    )
    assert (log.sources, log.sources_line) == ({"client.py": "33ca"}, 3)
    assert log.other == ((4, "WARNING", "Removing loadgen logs directory 'x'"),)


def test_the_traffic_of_directors_of_both_generations(tmp_path: Path) -> None:
    log = read(tmp_path, SERVER)
    assert [(entry.direction, entry.analyzer, entry.text) for entry in log.traffic] == [
        ("command", 1, "stop"), ("reply", 1, "OK"),
        ("to ptd", 2, "Go,1000,0,2025-07-25_15-13-09_ranging"), ("from ptd", 2, "It's C:\\x"),
        ("to ptd", 1, "Hello"), ("from ptd", 1, "Hello, PTDaemon here!"),
    ]  # fmt: skip
    assert [entry.text for entry in log.of("command", "reply")] == ["stop", "OK"]


def test_a_listing_gives_the_power_log_that_the_director_makes_of_it(tmp_path: Path) -> None:
    listing = read(tmp_path, SERVER).listings[0]
    assert (listing.line, listing.analyzer, listing.mark) == (5, 2, "2025-07-25_15-13-09_ranging")
    mark = "2025-07-25_15-13-09_ranging"
    expected = "".join(
        f"Time,t{n},Watts,{w},Volts,2,Amps,3,PF,4,Mark,{mark},Ch1,Watts,5,Volts,6,Amps,7,PF,8\r\n"
        for n, w in ((1, 1), (2, 9))
    )
    assert listing.as_power_log() == expected.replace("\r\n", "\n").encode()
    assert hashlib.sha1(f"{expected}\r\n".encode()).hexdigest() in listing.power_log_sha1()


def test_published_listings_are_the_published_power_logs(published: Path) -> None:
    found = 0
    for path in published.glob("v[45].1/**/power/server.log"):
        for listing, folder in zip(read_session_log(path, "x").listings, ("ranging", "run_1"), strict=True):
            content = (path.parent.parent / folder / "spl.txt").read_bytes()
            assert hashlib.sha1(content).hexdigest() in listing.power_log_sha1()
            found += 1
    assert found == 10


def test_endless_garbage_is_cut_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_log, "MOST_READ", 3)
    log = read(tmp_path, "x\n" * 10)
    assert (log.odd_lines, log.file.size_bytes) == (3, 20)
    assert "more lines than are looked at" in log.file.damage[0].text


@given(st.binary(max_size=300), st.sampled_from([CLIENT, SERVER]))
def test_any_bytes_are_data_or_a_note(tmp_path_factory: pytest.TempPathFactory, content: bytes, good: str) -> None:
    log = read(tmp_path_factory.mktemp("log"), good.encode() + content)
    assert len(log.traffic) >= 2


@given(st.text(max_size=60))
def test_any_quoted_text_is_taken(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    line = f"client 2024-07-23 11:35:08,469 [INFO] Got response: {text!r}\n"
    log = read(tmp_path_factory.mktemp("log"), line.encode(errors="replace"))
    assert len(log.traffic) == 1


@given(
    st.lists(st.sampled_from(["Time,t", ",Watts,1", ",Watts,%s", ",Amps,2"]), max_size=12), st.text("a%_", max_size=4)
)
def test_marks_are_put_in_line_by_line(parts: list[str], mark: str) -> None:
    listed = "".join(f"\n{part}" if part.startswith("Time") else part for part in parts)
    expected = []
    for line in listed.split("\n"):
        head, *groups = line.split(",Watts,")
        if groups:
            channels = [f",Ch{number},Watts,{group}" for number, group in enumerate(groups[1:], 1)]
            expected.append(f"{head},Watts,{groups[0]},Mark,{mark}{''.join(channels)}\n")
    assert session_log.Listing(1, 1, mark, listed.encode()).as_power_log().decode() == "".join(expected)


@pytest.mark.parametrize("end", ["\\n", "\\r\\n"])
def test_line_ends_of_a_listing(tmp_path: Path, end: str) -> None:
    line = f"ptd-server 2025-07-25 15:27:32,203 [INFO] Reply from ptd: 'Time,a{end}Time,b{end}C:\\\\x'\n"
    assert read(tmp_path, line).listings[0].text == b"Time,a\nTime,b\nC:\\\\x"


@pytest.mark.parametrize("text", ["'", "'OK", "OK'", "OK", ""])
def test_what_is_not_quoted_is_no_traffic(tmp_path: Path, text: str) -> None:
    log = read(tmp_path, f"client 2024-07-23 11:35:08,469 [INFO] Got response: {text}\n")
    assert log.traffic == ()
    assert log.other == ((1, "INFO", f"Got response: {text}"),)
