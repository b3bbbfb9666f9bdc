"""The live page's API without a browser: what it answers, to whom, and what it holds against its own description."""

import asyncio
import http
import http.client
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import unsupported_method

from console.live.access import names_this_machine, token_of
from console.live.feed import Feed, Inbox
from console.live.meters import sum_of
from console.live.openapi import openapi
from console.live.past import Past
from console.live.picture import Picture
from console.live.server import LivePage, listen, live_page
from director.analyzer_config import AnalyzerConfig
from director.events import (
    ClientCame,
    ClockTold,
    Event,
    Listening,
    LogLine,
    PhaseEnded,
    PhaseStarted,
    SampleTaken,
    SessionEnded,
    SessionOpened,
)
from director.station import Station
from evidence.state import mark
from metrology.errors import ConfigError
from metrology.reading import MISSED_READING, Reading, Sample

NAME = "2026-03-01_10-00-00"
START_NS = 1_772_359_200_000_000_000


def station(store: Path, count: int = 1) -> Station:
    analyzer = {"device_type": 49, "device_port": "none", "network_port": 0}
    return Station.model_validate({"director": {"store": store}, "analyzer": [analyzer] * count})


def sample(second: float, power_w: float = 100.0) -> Sample:
    return Sample(START_NS + round(second * 1e9), Reading(power_w, 230.0, power_w / 230, 1.0))


def a_session(count: int = 5) -> Iterator[Event]:
    yield Listening("127.0.0.1", 4950)
    yield SessionOpened(NAME)
    yield ClientCame(NAME, "client 192.0.2.8:40000", "sut-3", encrypted=True)
    yield ClockTold(NAME, -1.5, 0.25)
    yield PhaseStarted(NAME, "ranging")
    for second in range(count):
        yield SampleTaken(NAME, "ranging", 1, sample(second, 100.0 + second))
    yield SampleTaken(NAME, "ranging", 1, Sample(START_NS + count * 10**9, MISSED_READING))


def a_picture(count: int = 1) -> Picture:
    return Picture([AnalyzerConfig(device_type=49, device_port="none")] * count, 1000, lambda *_: None)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[LivePage]:
    with live_page("127.0.0.1:0", station(tmp_path)) as page:
        yield page


def get(page: LivePage, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(page.url.split("?")[0].rstrip("/") + path, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, dict(answer.headers), answer.read()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_a_session_shows(served: LivePage) -> None:
    for event in a_session():
        served.observe(event)
    until(lambda: json.loads(get(served, "/api/v1/state")[2])["total"]["counts"]["samples"] == 6)
    state = json.loads(get(served, "/api/v1/state")[2])
    session = state["session"]
    assert (session["name"], session["phase"], session["measuring"]) == (NAME, "ranging", True)
    assert session["client"] == {"peer": "client 192.0.2.8:40000", "name": "sut-3", "encrypted": True}
    assert (session["clock"]["offset_ms"], session["clock"]["uncertainty_ms"]) == (-1.5, 0.25)
    assert state["analyzers"][0]["counts"] == {"samples": 6, "bad": 0, "missed": 1, "above_limit": 0}
    assert state["analyzers"][0]["latest"]["power_w"] is None
    assert [each["text"] for each in state["warnings"]] == ["Analyzer 1 missed a sample"]
    status, headers, text = get(served, "/metrics")
    assert status == http.HTTPStatus.OK
    assert headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = text.decode().splitlines()
    assert 'wattrig_samples_missed_total{analyzer="1"} 1' in lines
    assert "wattrig_clock_offset_seconds -0.0015" in lines
    assert 'wattrig_phase{phase="ranging"} 1' in lines
    assert not any(line.startswith("wattrig_power_watts{") for line in lines), "the latest sample is no good one"


def test_metrics_are_of_the_form_that_prometheus_reads(served: LivePage) -> None:
    for event in list(a_session())[:-1]:
        served.observe(event)
    until(lambda: b"wattrig_power_watts{" in get(served, "/metrics")[2])
    form = re.compile(r'[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? -?[0-9.e+-]+')
    for line in get(served, "/metrics")[2].decode().splitlines():
        assert line.startswith(("# HELP wattrig_", "# TYPE wattrig_")) or form.fullmatch(line), line
    assert b'wattrig_power_watts{analyzer="1",channel="sum"} 104.0\n' in get(served, "/metrics")[2]


def test_samples_are_all_told_or_reduced(served: LivePage) -> None:
    for event in a_session(50):
        served.observe(event)
    until(lambda: len(json.loads(get(served, "/api/v1/samples")[2])["series"][0]["t_utc_ms"]) == 51)
    found = json.loads(get(served, "/api/v1/samples?points=10")[2])
    (series,) = found["series"]
    assert (len(series["mean"]), found["whole"]) == (10, False)
    assert (min(low for low in series["low"] if low), max(high for high in series["high"] if high)) == (100.0, 149.0)
    assert sum(series["bad"]) == 1
    start_ms = START_NS // 10**6
    assert json.loads(get(served, f"/api/v1/samples?from={start_ms}&to=5")[2])["series"][0]["mean"] == []
    found = json.loads(get(served, f"/api/v1/samples?from={start_ms + 10_000}&to={start_ms + 12_000}")[2])
    assert found["series"][0]["mean"] == [110.0, 111.0, 112.0]


@pytest.mark.parametrize("query", ["points=1", "points=x", "from=-1", "from=1&from=2", "points=99999"])
def test_parameters_that_cannot_be(served: LivePage, query: str) -> None:
    status, _, text = get(served, f"/api/v1/samples?{query}")
    assert status == http.HTTPStatus.BAD_REQUEST
    assert "expected" in json.loads(text)["error"]


def test_nothing_can_be_changed_and_nothing_else_is_served(served: LivePage) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        request = urllib.request.Request(f"{served.url}api/v1/state", method=method, data=b"{}")
        with pytest.raises(urllib.error.HTTPError, match="405"):
            urllib.request.urlopen(request, timeout=10)
    for path in (
        "/live.py",
        "/../pyproject.toml",
        "/api/v1/sessions/..",
        "/api/v1/sessions/%2e%2e%2fx",
        "//etc/passwd",
    ):
        assert get(served, path)[0] == http.HTTPStatus.NOT_FOUND, path


def test_a_policy_that_lets_nothing_else_in(served: LivePage) -> None:
    for path in ("/", "/live.js", "/api/v1/state"):
        _, headers, _ = get(served, path)
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
    page = get(served, "/")[2].decode()
    assert not re.findall(r'(?:src|href)="(?!/|#|data:)', page), "an asset of another host"
    assert not re.findall(r"<script>|<style>| on\w+=| style=", page)


def test_a_name_of_another_site_is_turned_away(served: LivePage) -> None:
    assert get(served, "/api/v1/state", Host="attacker.example:8080")[0] == http.HTTPStatus.BAD_REQUEST
    assert get(served, "/api/v1/state", Host="localhost:8080")[0] == http.HTTPStatus.OK


def test_a_page_of_another_site_may_not_use_the_api(served: LivePage) -> None:
    asked = {"Sec-Fetch-Site": "cross-site"}
    assert get(served, "/api/v1/state", **asked)[0] == http.HTTPStatus.FORBIDDEN
    assert get(served, "/", **asked)[0] == http.HTTPStatus.OK


@pytest.mark.parametrize(
    ("host", "known"),
    [("127.0.0.1:80", True), ("[::1]:80", True), ("localhost", True), ("localhost.example", False), ("", False)],
)
def test_which_hosts_are_this_machine(host: str, known: bool) -> None:
    assert names_this_machine(host) is known


def test_a_token_is_asked_for_on_other_addresses(tmp_path: Path) -> None:
    with live_page("0.0.0.0:0", station(tmp_path)) as page:
        port, token = re.search(r":(\d+)/\?token=(.+)", page.url).groups()  # type: ignore[union-attr]
        page.url = f"http://127.0.0.1:{port}/"
        assert get(page, "/api/v1/state")[0] == http.HTTPStatus.UNAUTHORIZED
        assert get(page, "/api/v1/state?token=" + "x" * len(token))[0] == http.HTTPStatus.UNAUTHORIZED
        assert get(page, f"/api/v1/state?token={token}")[0] == http.HTTPStatus.OK
        assert get(page, "/api/v1/state", Authorization=f"Bearer {token}")[0] == http.HTTPStatus.OK
        assert get(page, "/api/v1/state", Cookie=f"wattrig_token={token}")[0] == http.HTTPStatus.OK
        connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=10)
        connection.request("GET", f"/?token={token}")
        answer = connection.getresponse()
        assert (answer.status, answer.headers["location"]) == (http.HTTPStatus.SEE_OTHER, "/")
        assert "HttpOnly" in answer.headers["set-cookie"]
        connection.close()


def test_a_token_outlives_the_director_and_is_nobody_elses(tmp_path: Path) -> None:
    first = token_of(tmp_path)
    assert (token_of(tmp_path), len(first)) == (first, 43)
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o077 == 0
    file.write_text("short")
    with pytest.raises(ConfigError, match="holds no token"):
        token_of(tmp_path)


@pytest.mark.parametrize(
    ("address", "said"), [("8080", "--web: got"), ("nowhere:80", "--web"), ("127.0.0.1:x", "got")]
)
def test_an_address_that_cannot_be(address: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        listen(address)


def test_an_address_that_is_taken() -> None:
    with listen("127.0.0.1:0") as taken, pytest.raises(ConfigError, match="cannot listen"):
        listen(f"127.0.0.1:{taken.getsockname()[1]}")


def test_sessions_that_are_kept(served: LivePage, tmp_path: Path) -> None:
    (tmp_path / NAME / "wattrig").mkdir(parents=True)
    mark(tmp_path / NAME, "aborted", "the client went away", "testing")
    (tmp_path / "notes").mkdir()
    found = json.loads(get(served, "/api/v1/sessions")[2])
    assert [(each["id"], each["outcome"], each["reason"]) for each in found["sessions"]] == [
        (NAME, "aborted", "the client went away")
    ]
    assert json.loads(get(served, f"/api/v1/sessions/{NAME}")[2]) == found["sessions"][0]
    assert get(served, "/api/v1/sessions/2026-03-01_10-00-01")[0] == http.HTTPStatus.NOT_FOUND


def test_the_watched_never_wait() -> None:
    inbox = Inbox(most=10)
    for second in range(15):
        inbox.observe(LogLine(str(second)))
    assert inbox.dropped == 5
    assert len(inbox.take()) == 10
    assert inbox.take() == []


def follow(feed: Feed, last_id: str, count: int) -> list[str]:
    async def run() -> list[str]:
        found, stream = [], feed.follow(last_id)
        async for text in stream:
            found.append(text)
            if len(found) > count:
                break
        await stream.aclose()  # type: ignore[attr-defined]
        return found[1:]

    return asyncio.run(run())


@pytest.fixture
def feed(tmp_path: Path) -> Feed:
    inbox, picture = Inbox(), a_picture()
    feed = Feed(inbox, picture, Past([tmp_path], lambda: False))
    feed.watchers = 1  # somebody watches all the time
    for event in a_session():
        inbox.observe(event)
        feed.take()
    return feed


def test_whoever_comes_back_misses_nothing(feed: Feed) -> None:
    (hello,) = follow(feed, "", 1)
    last = int(re.search(r"id: \w+-(\d+)", hello)[1])  # type: ignore[index]
    missed = follow(feed, f"{feed.instance}-{last - 2}", 2)
    assert [f"-{last - 1}\n" in missed[0], f"-{last}\n" in missed[1]] == [True, True]
    assert all("event: update" in text for text in missed)


@pytest.mark.parametrize("last_id", ["", "other-3", "x", "-1", "{instance}-99999", "{instance}-x"])
def test_whoever_is_not_known_begins_anew(feed: Feed, last_id: str) -> None:
    (hello,) = follow(feed, last_id.format(instance=feed.instance), 1)
    assert "event: hello" in hello
    assert json.loads(hello.split("data: ")[1])["state"]["session"]["name"] == NAME


def test_the_end_is_told(feed: Feed) -> None:
    feed.end()
    assert follow(feed, "", 1) == ["event: bye\ndata: {}\n\n"]


def test_time_left_is_as_long_as_ranging_took() -> None:
    from console.live.state import session_now

    picture = a_picture()
    for at_ms, event in [
        (0, SessionOpened(NAME)), (1000, PhaseStarted(NAME, "ranging")), (61_000, PhaseEnded(NAME, "ranging", 60)),
        (70_000, PhaseStarted(NAME, "testing")),
    ]:  # fmt: skip
        picture.take(event, at_ms)
    assert picture.run is not None
    now = session_now(picture, picture.run, 85_000)
    assert (now.elapsed_s, now.expected_s, now.left_s, now.progress) == (15.0, 60.0, 45.0, 0.25)
    assert session_now(picture, picture.run, 200_000).progress == 0.99
    picture.take(SessionEnded(NAME, "the client is gone"), 210_000)
    assert session_now(picture, picture.run, 220_000).outcome == "aborted"
    assert picture.notices.latest()[0].text.endswith("the client is gone")


def test_a_testing_run_that_is_begun_anew() -> None:
    picture = a_picture()
    for at_ms, event in [
        (0, SessionOpened(NAME)),
        (5, PhaseStarted(NAME, "testing")),
        (9, PhaseStarted(NAME, "testing")),
    ]:
        picture.take(event, at_ms)
    assert picture.run is not None
    assert [(phase.begun_ms, phase.ended_ms) for phase in picture.run.phases] == [(5, 9), (9, None)]


def test_silence_is_told() -> None:
    picture = a_picture()
    for event in (SessionOpened(NAME), PhaseStarted(NAME, "ranging")):
        picture.take(event, 1000)
    picture.tick(3000)
    assert picture.notices.latest() == []
    picture.tick(8000)
    picture.tick(9000)
    (told,) = picture.notices.latest()
    assert (told.text, told.count) == ("Analyzer 1: no sample for 8 s", 2)


def test_several_analyzers_are_added_up() -> None:
    picture = a_picture(2)
    picture.take(SessionOpened(NAME), 0)
    picture.take(SampleTaken(NAME, "testing", 1, sample(0, 230.0)), 0)
    assert picture.meters[0].latest is None
    picture.take(SampleTaken(NAME, "testing", 2, sample(0.1, 460.0)), 0)
    latest = picture.meters[0].latest
    assert latest is not None
    assert (latest.total.power_w, latest.total.current_a, latest.total.voltage_v) == (690.0, 3.0, 230.0)
    assert latest.total.power_factor == pytest.approx(1.0)


def test_the_channels_of_a_meter_are_added_up_with_another_meter() -> None:
    channels = tuple(Reading(power_w, 230.0, power_w / 230 / 0.95, 0.95) for power_w in (150.0, 90.0, 60.0))
    mean_a = sum(each.current_a for each in channels) / 3
    three = Sample(START_NS, Reading(300.0, 230.0, mean_a, 0.95), channels)  # as a WT333E tells its sum
    found = sum_of([sample(0, 230.0), three])
    assert (found.power_w, found.voltage_v) == (530.0, 230.0)
    assert found.current_a == pytest.approx(1.0 + 3 * mean_a)
    assert found.power_factor == pytest.approx(530.0 / (230.0 + 300.0 / 0.95))


def test_lines_of_the_log_become_warnings() -> None:
    picture = a_picture()
    for _ in range(3):
        picture.take(LogLine("ptd-server 2026-03-01 10:00:00,000 [WARNING] the disk is \x1b[31mslow"), 5)
    picture.take(LogLine("ptd-server 2026-03-01 10:00:00,000 [INFO] all is well"), 5)
    (told,) = picture.notices.latest()
    assert (told.text, told.count, told.level) == ("the disk is  [31mslow", 3, "warning")


def test_the_api_is_as_described(tmp_path: Path) -> None:
    """Schemathesis makes up requests, good and bad ones, and holds each answer against the description."""
    described = openapi("0")
    del described["paths"]["/api/v1/events"]  # a stream has no end
    schema = schemathesis.openapi.from_dict(described)
    with live_page("127.0.0.1:0", station(tmp_path)) as page:
        for event in a_session():
            page.observe(event)
        (tmp_path / NAME / "wattrig").mkdir(parents=True)
        mark(tmp_path / NAME, "aborted", "reason")
        for found in schema.get_all_operations():
            operation = found.ok()
            fuzz(operation, page.url.rstrip("/"), GenerationMode.POSITIVE)
            if operation.path == "/api/v1/samples":
                fuzz(operation, page.url.rstrip("/"), GenerationMode.NEGATIVE)


def fuzz(operation: object, url: str, mode: GenerationMode) -> None:
    @settings(
        max_examples=25, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    def check(case: object) -> None:
        case.call_and_validate(base_url=url, excluded_checks=[unsupported_method], timeout=10)  # type: ignore[attr-defined]

    from hypothesis import given

    given(case=operation.as_strategy(generation_mode=mode))(check)()  # type: ignore[attr-defined]


def test_a_watcher_does_not_hold_the_director_up(served: LivePage) -> None:
    """Events are taken at once, however many watch and however slowly they read."""
    connections = []
    for _ in range(5):
        connection = http.client.HTTPConnection(served.url.split("/")[2], timeout=10)
        connection.request("GET", "/api/v1/events")
        connections.append(connection)
    start_s = time.perf_counter()
    for _ in range(100):
        for event in a_session():
            served.observe(event)
    assert (time.perf_counter() - start_s) / 1100 < 1e-3
    for connection in connections:
        connection.close()


WATTRIG = str(Path(sys.executable).with_name("wattrig"))


def test_watch_prints_what_the_stream_tells(served: LivePage) -> None:
    command = [WATTRIG, "watch", served.url, "--format", "jsonl", "--until-end"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        assert first["event"] == "hello"
        for event in a_session():
            served.observe(event)
        threading.Timer(0.5, served.observe, [SessionEnded(NAME, "the analyzer is gone")]).start()
        rest = [json.loads(line) for line in process.stdout]
        assert process.wait(10) == 1
    assert rest[-1]["state"]["session"]["reason"] == "the analyzer is gone"
    assert [1, START_NS // 10**6, 100.0, False] in [each for line in rest for each in line["samples"]]


def test_watch_draws_and_says_what_it_misses(served: LivePage) -> None:
    for event in a_session():
        served.observe(event)
    command = [WATTRIG, "watch", served.url, "--until-end"]
    environment = {**os.environ, "COLUMNS": "140", "NO_COLOR": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        threading.Timer(1.5, served.observe, [SessionEnded(NAME, "")]).start()
        assert process.stdout is not None
        text = process.stdout.read()
        assert process.wait(10) == 0
    assert NAME in text
    assert "Analyzer 1 missed a sample" in text
    assert "clock offset -1.500 +- 0.250 ms" in text


@pytest.mark.parametrize(
    ("url", "said"),
    [("127.0.0.1:9", "no live page answers"), ("ftp://x", "expected an address"), ("http://[", "no address")],
)
def test_watch_where_nothing_is(url: str, said: str) -> None:
    done = subprocess.run([WATTRIG, "watch", url], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
