import asyncio
import re
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.clock_record import read_clock
from evidence.traffic_log import TrafficLog
from metrology.errors import ConfigError, PeerError, PeerGoneError, PeerRefusedError, SessionError
from sut_client import clocks, ntp
from sut_client.client import run

NOW_NS = 1_795_357_027 * 10**9
PACKET = struct.Struct("!BBbb3I4Q")
moments_ns = st.integers(0, 4_000_000_000 * 10**9)


def answer(cookie: int, **changes: int) -> bytes:
    """A good server's packet, 0.25 s ahead of the client, with fields changed."""
    given = {"leap": 0, "mode": 4, "stratum": 2, "delay": 0, "dispersion": 0, "reference": 0, "origin": cookie}
    given |= {"arrived": ntp.ntp_stamp(time.time_ns() + 250_000_000)} | changes
    given.setdefault("left", given["arrived"])
    return PACKET.pack(
        given["leap"] << 6 | 4 << 3 | given["mode"], given["stratum"], 6, -20, given["delay"], given["dispersion"],
        given["reference"], 0, given["origin"], given["arrived"], given["left"],
    )  # fmt: skip


@given(moments_ns, st.integers(-(2**31 - 1) * 10**9, (2**31 - 1) * 10**9))
def test_a_stamp_comes_back_in_the_era_that_is_near(t_utc_ns: int, away_ns: int) -> None:
    found = ntp.unix_ns(ntp.ntp_stamp(t_utc_ns), t_utc_ns + away_ns)
    assert 0 <= t_utc_ns - found <= 1


def test_a_stamp_known_by_hand() -> None:
    assert ntp.ntp_stamp(0) == 2_208_988_800 << 32
    assert ntp.unix_ns(2_208_988_800 << 32 | 1 << 31, 5) == 500_000_000


@given(st.binary(max_size=100), st.integers(1, 2**64 - 1))
def test_no_bytes_are_an_answer_by_chance(packet: bytes, cookie: int) -> None:
    try:
        assert ntp.parse_answer(packet, cookie, NOW_NS, NOW_NS) is None
    except PeerError:
        assert packet[24:32] == cookie.to_bytes(8, "big")


@given(st.integers(-(10**12), 10**12), st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_offset_and_delay(true_ns: int, there_ns: int, back_ns: int, inside_ns: int) -> None:
    arrived_ns = NOW_NS + there_ns + true_ns
    received_ns = NOW_NS + there_ns + inside_ns + back_ns
    stamps = {"arrived": ntp.ntp_stamp(arrived_ns), "left": ntp.ntp_stamp(arrived_ns + inside_ns)}
    found = ntp.parse_answer(answer(7, **stamps), 7, NOW_NS, received_ns)
    assert found is not None
    assert abs(found.offset_ms * 1e6 - true_ns) <= found.delay_ms * 1e6 / 2 + 1e3
    assert found.delay_ms == pytest.approx((there_ns + back_ns) / 1e6, abs=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"leap": 3}, "not synchronised itself"),
        ({"stratum": 16}, "stratum 16"),
        ({"dispersion": 2 << 16}, r"root distance 2\.000 s"),
        ({"delay": 2**32 - 1}, "root distance"),
        ({"arrived": 0}, "contradict"),
        ({"left": 0}, "contradict"),
        ({"left": ntp.ntp_stamp(NOW_NS - 10**12), "arrived": ntp.ntp_stamp(NOW_NS)}, "contradict"),
        ({"left": ntp.ntp_stamp(NOW_NS + 10**12), "arrived": ntp.ntp_stamp(NOW_NS)}, "contradict"),
    ],
)
def test_time_that_must_not_be_trusted(changes: dict[str, int], message: str) -> None:
    with pytest.raises(PeerError, match=message):
        ntp.parse_answer(answer(7, **changes), 7, NOW_NS, NOW_NS + 10**6)


def test_a_kiss_of_death_is_a_refusal() -> None:
    with pytest.raises(PeerRefusedError, match="kiss of death 'RATE'"):
        ntp.parse_answer(answer(7, stratum=0, reference=int.from_bytes(b"RATE", "big")), 7, NOW_NS, NOW_NS)


@pytest.mark.parametrize("changes", [{"origin": 8}, {"mode": 3}, {"mode": 5}])
def test_a_packet_that_answers_another_question_is_nobodys(changes: dict[str, int]) -> None:
    assert ntp.parse_answer(answer(7, **changes), 7, NOW_NS, NOW_NS) is None


class Server(asyncio.DatagramProtocol):
    def __init__(self, replies: Callable[[int], list[bytes]]) -> None:
        self.replies = replies
        self.asked = 0

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.asked += 1
        assert len(data) == 48
        assert data[0] == 0b00_100_011
        for packet in self.replies(struct.unpack("!Q", data[40:])[0]):
            self.transport.sendto(packet, addr)


async def ask(server: Server, try_s: float = 1.0) -> ntp.Answer:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: server, local_addr=("127.0.0.1", 0))
    try:
        return await ntp.query(f"127.0.0.1:{transport.get_extra_info('sockname')[1]}", try_s)
    finally:
        transport.close()


def test_a_good_server_over_udp() -> None:
    found = asyncio.run(ask(Server(lambda cookie: [b"junk", answer(cookie ^ 1), answer(cookie)])))
    assert found.offset_ms == pytest.approx(250, abs=50)
    assert found.stratum == 2


def test_a_lost_packet_is_asked_for_again() -> None:
    server = Server(lambda cookie: [answer(cookie)] if server.asked == 2 else [])
    assert asyncio.run(ask(server, 0.1)).stratum == 2


@pytest.mark.parametrize(
    ("replies", "kind", "message"),
    [
        (lambda _cookie: [], PeerGoneError, r"gave no answer to 3 questions within 0\.3 s"),
        (lambda cookie: [answer(cookie ^ 1)], PeerGoneError, "gave no answer"),
        (lambda cookie: [answer(cookie, leap=3)], PeerError, "gives no time: it is not synchronised"),
        (lambda cookie: [answer(cookie, stratum=0)], PeerRefusedError, "kiss of death"),
    ],
)
def test_a_bad_server_over_udp(replies: Callable[[int], list[bytes]], kind: type[PeerError], message: str) -> None:
    with pytest.raises(kind, match=message):
        asyncio.run(ask(Server(replies), 0.1))


def test_nobody_at_the_port() -> None:
    with pytest.raises(PeerGoneError, match=r"'127\.0\.0\.1:1' cannot be reached"):
        asyncio.run(ntp.query("127.0.0.1:1", 0.5))


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("ntp.example", ("ntp.example", 123)),
        ("127.0.0.1:1123", ("127.0.0.1", 1123)),
        ("::1", ("::1", 123)),
        ("[::1]:99", ("::1", 99)),
    ],
)
def test_addresses(address: str, parts: tuple[str, int]) -> None:
    assert ntp.split_address(address) == parts


@pytest.mark.parametrize("address", ["host:", "host:0", "host:65536", "host:x", ":123", "", "host:99999999999"])
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(ConfigError, match="NTP server"):
        ntp.split_address(address)


TRACKING = "C0A80001,192.168.0.1,3,1795357027.5,0.000012,-0.0001,0.0002,1.5,0.01,0.1,0.02,0.001,64.0,Normal\n"


def test_what_chrony_says() -> None:
    found = ntp.parse_tracking(TRACKING)
    assert found == ntp.Tracking(True, pytest.approx(0.012), 3)
    lost = ntp.parse_tracking(TRACKING.replace("Normal", "Not synchronised"))
    assert lost is not None
    assert not lost.synchronised
    assert ntp.parse_tracking("506 Cannot talk to daemon\n") is None


@given(st.text())
def test_no_text_raises(text: str) -> None:
    assert ntp.parse_tracking(text) is None or text.count(",") >= 13


@pytest.fixture
def chronyc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    program = tmp_path / "chronyc"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    return program


def test_chrony_is_asked_without_harm(chronyc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert asyncio.run(ntp.chrony_tracking()) is None
    chronyc.write_text(f"#!/bin/sh\ntest \"$*\" = '-c -n tracking' && echo '{TRACKING.strip()}'\n")
    found = asyncio.run(ntp.chrony_tracking())
    assert found is not None
    assert found.stratum == 3
    chronyc.write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(ntp, "CHRONYC_S", 0.2)
    assert asyncio.run(ntp.chrony_tracking()) is None
    chronyc.unlink()
    monkeypatch.setenv("PATH", str(chronyc.parent))
    assert asyncio.run(ntp.chrony_tracking()) is None


def measure_with_ntp(bench: Any, ahead_ns: int, good: int = 99) -> Path:
    """Run a session; the time server is synchronised itself for the first `good` questions."""

    def reply(cookie: int) -> list[bytes]:
        leap = 0 if server.asked <= good else 3
        return [answer(cookie, arrived=ntp.ntp_stamp(time.time_ns() + ahead_ns), leap=leap)]

    server = Server(reply)

    async def go() -> Path:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: server, local_addr=("127.0.0.1", 0))
        async with bench.director.running():
            try:
                address = f"127.0.0.1:{transport.get_extra_info('sockname')[1]}"
                return await run(bench.options(ntp=address), bench.events.append)
            finally:
                transport.close()

    return asyncio.run(go())


def test_a_session_checks_ntp_three_times_and_records_it(bench: Any) -> None:
    session = measure_with_ntp(bench, 250_000_000)
    record = read_clock(session)
    assert record is not None
    assert [state.where for state in record.ntp] == ["before new", "before ranging", "before testing"]
    assert record.ntp[0].offset_ms == pytest.approx(250, abs=50)
    log = (session / "power/client.log").read_text()
    assert "[INFO] Synchronizing with the server and with 127.0.0.1:" in log
    assert len(re.findall(r"\[INFO\] NTP:offset = 0\.\d{3} s, delay = \d\.\d{3} s \n", log)) == 3


@pytest.mark.parametrize("ahead_ns", [500_000_000, -500_000_000])
def test_a_clock_that_ntp_says_is_wrong_stops_the_session(bench: Any, ahead_ns: int) -> None:
    with pytest.raises(SessionError, match=r"minus this machine's is [+-](4|5)\d\d\.\d{3} ms \(\+-"):
        measure_with_ntp(bench, ahead_ns)
    assert not bench.session.exists()


def test_a_server_that_is_lost_on_the_way_is_recorded_and_ends_nothing(bench: Any) -> None:
    session = measure_with_ntp(bench, 250_000_000, good=1)
    record = read_clock(session)
    assert record is not None
    first, *later = record.ntp
    assert (first.synchronised, first.problem) == (True, "")
    assert [state.synchronised for state in later] == [None, None]
    assert all("gives no time: it is not synchronised itself" in state.problem for state in later)
    log = (session / "power/client.log").read_text()
    assert re.search(r"\[WARNING\] before testing: .* is \+2\d\d\.\d{3} ms, so the session goes on", log)


def test_a_server_that_gives_no_time_from_the_first_ends_the_session(bench: Any) -> None:
    with pytest.raises(PeerError, match="gives no time"):
        measure_with_ntp(bench, 0, good=0)
    assert not bench.session.exists()


@pytest.mark.parametrize(
    ("stepped_ms", "goes_on"), [(0, True), (300, True), (-300, True), (600, False), (-600, False)]
)
def test_without_its_server_a_clock_is_held_against_the_last_answer(
    monkeypatch: pytest.MonkeyPatch, stepped_ms: int, goes_on: bool
) -> None:
    async def nobody(_address: str) -> ntp.Answer:
        raise PeerGoneError("the NTP server gave no answer")

    monkeypatch.setattr(ntp, "query", nobody)
    found = clocks.Clocks("ntp.lab", TrafficLog("client", lambda _: None, must_write=True), lambda _: None)
    found._agreed = clocks.Agreed(50.0, time.time_ns() - stepped_ms * 10**6, time.monotonic_ns())
    asking = found._ask_ntp("before testing")
    if goes_on:
        assert asyncio.run(asking).problem == "the NTP server gave no answer"
        return
    with pytest.raises(
        SessionError, match=r"is [+-][56][45]\d\.\d{3} ms by its last answer \(the NTP server gave no"
    ):
        asyncio.run(asking)
