"""The list of what the director keeps on its analyzers: every name in it is about to name a file here."""

import json
from pathlib import Path

import pytest

from director.package import keep_listing, write_analyzer_files
from evidence.digest import file_sha1
from evidence.layout import ANALYZER_FILES, may_be_fetched
from metrology.errors import PeerError
from sut_client.analyzer_files import listed


def test_what_the_director_lists_the_client_reads(tmp_path: Path) -> None:
    (tmp_path / "wattrig").mkdir()
    for name in ("station.json", "journal_1.txt", "key.pem"):
        (tmp_path / "wattrig" / name).write_text(name)
    keep_listing(tmp_path, "testing", 12, ["Time,x"])
    write_analyzer_files(tmp_path)
    found = listed(tmp_path / ANALYZER_FILES)
    assert list(found) == ["wattrig/spl_analyzer_12_testing.txt", "wattrig/station.json"]
    assert all(file_sha1(tmp_path / name) == digest for name, digest in found.items())
    assert all(may_be_fetched(name) for name in found)


@pytest.mark.parametrize(
    "name",
    ["../../.ssh/authorized_keys", "/etc/passwd", "power/server.json", "wattrig/state.json",
     "wattrig/spl_analyzer_0_testing.txt", "wattrig/spl_analyzer_1_testing.txt\n", "wattrig/key.pem"],
)  # fmt: skip
def test_a_name_that_is_no_analyzers_file_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "list.json"
    path.write_text(json.dumps({"sha1": {"wattrig/station.json": "0", name: "0"}}))
    with pytest.raises(PeerError, match="no analyzer's file"):
        listed(path)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"sha1": 5}', '{"sha1": ["a"]}', '{"sha2": {}}', "[" * 5000])
def test_a_damaged_list_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "list.json"
    path.write_text(text)
    with pytest.raises(PeerError, match="is damaged"):
        listed(path)


def test_the_directors_own_files_are_not_given_away() -> None:
    for name in ("wattrig/journal_1.txt", "../x", "wattrig/../power/server.json", "wattrig/director.journal"):
        assert not may_be_fetched(name)
