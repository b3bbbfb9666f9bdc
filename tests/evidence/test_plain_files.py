"""What a stranger may put in a file's place: no reader of a session hangs at it, or follows it out of the session."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from evidence.attempts import read_attempts
from evidence.clock_record import CLOCK_JSON, read_clock
from evidence.digest import open_plain
from evidence.journal import is_being_written, read_journal
from evidence.layout import CLIENT_JOURNAL
from evidence.state import read_state
from evidence.system_facts import SYSTEM_JSON, read_facts
from metrology.errors import EvidenceError

READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "state": ("wattrig/state.json", read_state),
    "clock": (CLOCK_JSON, read_clock),
    "system": (SYSTEM_JSON, lambda session: read_facts(session / SYSTEM_JSON)),
    "journal": (CLIENT_JOURNAL, lambda session: read_journal(session / CLIENT_JOURNAL)),
    "journal's lock": (CLIENT_JOURNAL, lambda session: is_being_written(session / CLIENT_JOURNAL)),
}


@pytest.mark.parametrize("name", READERS)
def test_a_fifo_hangs_no_reader(tmp_path: Path, name: str) -> None:
    file, read = READERS[name]
    (tmp_path / "wattrig").mkdir()
    os.mkfifo(tmp_path / file)
    with pytest.raises(EvidenceError, match="is a FIFO, expected a plain file"):
        read(tmp_path)


def test_the_reason_of_an_attempt_is_a_file_of_the_session(tmp_path: Path) -> None:
    session = tmp_path / "session"
    places = [session / f"wattrig/attempt_{number}" for number in range(1, 4)]
    for place in places:
        place.mkdir(parents=True)
    (tmp_path / "elsewhere.json").write_text(json.dumps({"reason": "a secret"}))
    os.mkfifo(places[0] / "attempt.json")
    (places[1] / "attempt.json").symlink_to(tmp_path / "elsewhere.json")
    assert read_attempts(session) == (
        "of a reason that cannot be read (it is no regular file)",
        "of a reason that cannot be read (it is a link that leads out of the tree)",
        "of a reason that cannot be read (there is no such file)",
    )


def test_a_plain_file_is_opened_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"content")
    with open_plain(tmp_path / "a") as file:
        assert file.read() == b"content"
    with pytest.raises(FileNotFoundError):
        open_plain(tmp_path / "b")
