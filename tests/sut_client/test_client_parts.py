import math
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrology.errors import ConfigError, PeerError
from sut_client.client import parse_new
from sut_client.download import verify
from sut_client.link import EARLIEST_S, LATEST_S, parse_time
from sut_client.options import Options, check_options, remove_old_logs
from sut_client.workload import last_lines

UUID_TEXT = "6437f2a0-bca5-4023-95a7-257e7849665a"


def options(folder: Path, **changes: object) -> Options:
    given: dict[str, object] = {
        "address": "127.0.0.1",
        "workload": "true",
        "loadgen_logs": folder / "in",
        "output": folder / "out",
    }
    return Options(**{**given, **changes})  # type: ignore[arg-type]


def test_good_options_pass(tmp_path: Path) -> None:
    check_options(options(tmp_path, label="resnet50_Offline-1", ntp="127.0.0.1:1123", fixed_ranges=(230.0, 1.5)))
    check_options(options(tmp_path, loadgen_logs=tmp_path / "out/in", force=True))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label": "a/b"}, "got the label 'a/b'"),
        ({"label": "x" * 65}, "up to 64 letters"),
        ({"ntp": "host:x"}, "NTP server"),
        ({"fixed_ranges": (0.0, 1.0)}, "two numbers above 0"),
        ({"fixed_ranges": (230.0, math.nan)}, "two numbers above 0"),
        ({"output": "in"}, "is INDIR"),
        ({"output": "in/deeper/out"}, "lies in it"),
        ({"output": "deeper/../in/./out"}, "lies in it"),
    ],
)
def test_wrong_options_are_named(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    if "output" in changes:
        changes = {"output": tmp_path / str(changes["output"])}
    with pytest.raises(ConfigError, match=message):
        check_options(options(tmp_path, **changes))


@pytest.mark.parametrize("place", ["cwd", "home", "root"])
def test_force_never_removes_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    home, work = tmp_path / "home", tmp_path / "work/deeper"
    home.mkdir()
    work.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(work)
    logs = {"cwd": work.parent, "home": home, "root": Path("/")}[place]
    output = Path("/") / "out" if place != "root" else tmp_path / "out"
    with pytest.raises(ConfigError, match=r"holds more than LoadGen logs|lies in it"):
        check_options(options(tmp_path, loadgen_logs=logs, output=output, force=True))


def test_old_logs_go_only_if_there_are_any(tmp_path: Path) -> None:
    asked = options(tmp_path, force=True)
    assert not remove_old_logs(asked)
    (tmp_path / "in").mkdir()
    assert not remove_old_logs(options(tmp_path))
    assert remove_old_logs(asked)
    (tmp_path / "in").write_text("a file, no folder")
    with pytest.raises(ConfigError, match="cannot be removed"):
        remove_old_logs(asked)


@given(st.floats(EARLIEST_S, LATEST_S, exclude_min=True, exclude_max=True))
def test_time_comes_through_to_the_nanosecond_that_a_double_has(seconds: float) -> None:
    assert abs(parse_time(str(seconds)) - Fraction(seconds) * 10**9) <= Fraction(1, 2)


@given(st.text())
def test_what_is_no_time_is_an_error(text: str) -> None:
    try:
        assert EARLIEST_S * 1e9 <= parse_time(text) <= LATEST_S * 1e9
    except PeerError as problem:
        assert "expected Unix seconds" in problem.message


@given(st.text())
def test_only_a_name_and_a_uuid_open_a_session(text: str) -> None:
    with pytest.raises(PeerError):
        parse_new(text)
    with pytest.raises(PeerError):
        parse_new(f"OK 2026-11-22_12-00-00{text or 'x'},{UUID_TEXT}" if not text.startswith("_") else text)


def test_a_name_and_a_uuid() -> None:
    name, server_uuid = parse_new(f"OK 2026-11-22_12-00-00_label,{UUID_TEXT}")
    assert (name, str(server_uuid)) == ("2026-11-22_12-00-00_label", UUID_TEXT)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"results": []}', b"\xff", b"[" * 100_000])
def test_a_damaged_server_json_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "power").mkdir()
    (tmp_path / "power/server.json").write_bytes(content)
    with pytest.raises(PeerError, match=r"server\.json that the director sent is damaged"):
        verify(tmp_path, ("power/server.json",))


def test_the_last_lines_of_a_large_and_strange_output(tmp_path: Path) -> None:
    path = tmp_path / "output"
    path.write_bytes(b"x" * 100_000 + b"\n\xff\x1b[31mred\n" + b"".join(b"%d\n" % n for n in range(4)))
    assert last_lines(path) == ["\ufffd [31mred", "0", "1", "2", "3"]
