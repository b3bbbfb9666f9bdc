import json
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.bounded_json import depth_exceeds
from evidence.session_json import Exchange, SessionRecord, read_session_json

GOOD: dict[str, Any] = {
    "version": "1.0", "timezone": 25200, "sources": {"client.py": "ab"}, "results": {"power/client.log": "cd"},
    "messages": [{"cmd": "time", "cmd_time": 1.5, "reply": "2.0", "reply_time": 2.5}],
    "uuid": {"client": "a", "server": "b"}, "session_name": "2025-07-25_15-13-09",
    "phases": {"ranging": [[1.0, 2.0]] * 4, "testing": [[3, 4]] * 4},
    "ptd_messages": [{"cmd": "Hello", "reply": "Hello, PTDaemon here!"}],
    "ptd_config": [{"command": ["ptd", "8"], "device_type": 8, "device_port": "x", "channel": [1, 3]}],
}  # fmt: skip


def read(folder: Path, content: object) -> SessionRecord:
    path = folder / "server.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return read_session_json(path, "power/server.json")


def test_a_good_record(tmp_path: Path) -> None:
    record = read(tmp_path, GOOD)
    assert (record.parsed, record.error, record.notes, record.raw) == (True, "", (), GOOD)
    assert record.messages == (Exchange("time", 1.5, "2.0", 2.5),)
    assert record.phases is not None
    assert record.phases["testing"].wall_s == (3.0,) * 4
    assert record.ptd_reply("Hello") == "Hello, PTDaemon here!"
    assert record.ptd_replies("Hel") == [("Hello", "Hello, PTDaemon here!")]
    assert (record.ptd_configs[0].device_type, record.ptd_configs[0].channels) == (8, (1, 3))
    assert (record.client_uuid, record.server_uuid, record.timezone_s, record.debug) == ("a", "b", 25200, False)


def test_the_old_shape_of_the_configuration(tmp_path: Path) -> None:
    record = read(tmp_path, GOOD | {"ptd_config": GOOD["ptd_config"][0]})
    assert [config.device_type for config in record.ptd_configs] == [8]


BROKEN = [
    (b"", "Expecting value"), (b"[]", "holds list"), (b"nul", "Expecting value"), (b'{"a": ', "Expecting value"),
    (b"[" * 200_000, "nested deeper"), (b"\xff\xfe{\x00}\x00", "codec"), (b"\xef\xbb\xbf{}", "BOM"),
    (b'{"a": ' + b"9" * 5000 + b"}", "digits"), (b'{"a": "\x01"}', "control character"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "error"), BROKEN)
def test_what_is_no_record(tmp_path: Path, content: bytes, error: str) -> None:
    record = read(tmp_path, content)
    assert not record.parsed
    assert error in record.error
    assert record.raw == {}


NOTED = [
    ({"timezone": "x"}, "'timezone' is str"), ({"phases": []}, "'phases' is no object"),
    ({"phases": {"testing": [[1, 2, 3]]}}, "'testing' that is no pair"), ({"messages": "none"}, "'messages' is str"),
    ({"messages": [1]}, "no object"), ({"results": [1]}, "'results' is list"), ({"sources": {"a": 1}}, "no text"),
    ({"session_name": 5}, "'session_name' is int"), ({"timezone": 10**400}, "not finite"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "note"), NOTED)
def test_wrong_types_are_noted_and_left_out(tmp_path: Path, change: dict[str, Any], note: str) -> None:
    record = read(tmp_path, GOOD | change)
    assert record.parsed
    assert any(note in damage.text for damage in record.notes)


@pytest.mark.parametrize(
    ("text", "note"),
    [('{"version": "a", "version": "b"}', "twice"), ('{"timezone": NaN}', "NaN"),
     ('{"timezone": 1e999}', "not finite"), ('{"timezone": -Infinity}', "Infinity")],
)  # fmt: skip
def test_json_that_only_python_takes(tmp_path: Path, text: str, note: str) -> None:
    record = read(tmp_path, text.encode())
    assert record.parsed
    assert any(note in damage.text for damage in record.notes)
    assert record.timezone_s is None


def test_a_huge_file_is_not_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evidence.session_json.LARGEST_BYTES", 10)
    assert "over 10 bytes" in read(tmp_path, GOOD).error


def test_an_absent_file(tmp_path: Path) -> None:
    record = read_session_json(tmp_path / "no.json", "no.json")
    assert (record.parsed, record.error, record.file.state) == (False, "there is no such file", "absent")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(sorted(GOOD)), JSON))
def test_any_json_is_read_without_an_exception(
    tmp_path_factory: pytest.TempPathFactory, change: dict[str, Any]
) -> None:
    record = read(tmp_path_factory.mktemp("json"), GOOD | change)
    assert record.parsed


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_an_exception(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    record = read(tmp_path_factory.mktemp("json"), content)
    assert record.parsed or record.error


@given(st.text('[]{}"a', max_size=40), st.integers(0, 4))
def test_nesting_is_counted_as_brackets_come(text: str, limit: int) -> None:
    steps = [1 if letter in "[{" else -1 if letter in "]}" else 0 for letter in text]
    assert depth_exceeds(text.encode(), limit) is (max(accumulate(steps), default=0) > limit)
