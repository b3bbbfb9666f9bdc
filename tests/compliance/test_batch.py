import copy
import json
import multiprocessing
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from compliance import batch, cache, uncertainty
from compliance.batch import Checked, Options, check_all
from compliance.cache import Cache
from compliance.findings import Outcome
from compliance.pool import _chunks as chunks_of
from compliance.pool import shared_out
from compliance.tree import Found, find_results
from evidence.ptd_log import PtdLog
from evidence.ptd_parts import AnalyzerPart
from evidence.session_json import SessionRecord
from metrology.errors import EvidenceError, SessionError


@pytest.fixture
def sessions(tmp_path: Path, package: Any) -> Path:
    for number in range(5):
        one = copy.deepcopy(package)
        one.client["uuid"]["client"] = str(number)
        one.write(tmp_path / "tree" / f"s{number}")
    return tmp_path / "tree"


@pytest.fixture
def options(tmp_path: Path) -> Options:
    return Options(cache=Cache(tmp_path / "cache", b"asked"))


def checked(root: Path, options: Options = Options(), processes: int = 1) -> list[Checked]:  # noqa: B008
    found = find_results(root, "T").found
    return [each for _, each in sorted(check_all(found, options, processes))]


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sessions that are really read from now on."""
    read: list[str] = []
    gather = batch.gather

    def counting(folder: Any) -> Any:
        read.append(folder.root.name)
        return gather(folder)

    monkeypatch.setattr(batch, "gather", counting)
    return read


def test_processes_change_nothing(sessions: Path) -> None:
    one, two = checked(sessions), checked(sessions, processes=2)
    assert one == two
    assert [each.result.path for each in one] == [f"T/s{number}" for number in range(5)]
    assert {each.traits.uuids[0] for each in one} == set("01234")


def test_a_second_run_reads_nothing_and_says_the_same(
    sessions: Path, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = checked(sessions, options)
    read = counted(monkeypatch)
    again = checked(sessions, options)
    assert read == []
    assert again == first
    moved = checked(sessions.rename(sessions.with_name("moved")), options)
    assert read == []
    assert [each.result for each in moved] == [each.result for each in first]


def test_one_byte_or_another_question_is_checked_anew(
    sessions: Path, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked(sessions, options)
    path = sessions / "s3" / "power" / "client.log"
    before = path.stat()
    path.write_bytes(path.read_bytes().replace(b"Done", b"Dome"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    read = counted(monkeypatch)
    found = checked(sessions, options)
    assert read == ["s3"]
    assert "fail" in {check.outcome for check in found[3].result.reference_checks}
    other = options._replace(cache=Cache(options.cache.folder, b"other") if options.cache else None)
    checked(sessions, other)
    assert len(read) == 6


def test_names_count_and_so_does_the_scenario(
    sessions: Path, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked(sessions, options)
    read = counted(monkeypatch)
    (sessions / "s0" / "run_1" / "extra.txt").write_text("")
    (sessions / "s1").rename(sessions / "renamed")
    (sessions / "Offline").mkdir()
    (sessions / "s2").rename(sessions / "Offline" / "performance")
    checked(sessions, options)
    assert sorted(read) == ["performance", "s0"]


def test_odd_and_large_sessions_are_not_kept(
    sessions: Path, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sessions / "s0" / "run_1" / "link").symlink_to("spl.txt")
    os.mkfifo(sessions / "s1" / "run_1" / "pipe")
    store = options.cache
    assert store
    assert [store.key(sessions / name) is None for name in ("s0", "s1", "s2")] == [True, True, False]
    monkeypatch.setattr(cache, "LARGEST_BYTES", 100)
    assert store.key(sessions / "s2") is None
    assert store.key(sessions / "absent") is None


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"[[1,2,3,4,5,6],[1]]", b"[" * 100_000, b"null", b"\xff"])
def test_a_spoilt_cache_is_no_trouble(content: bytes, sessions: Path, options: Options) -> None:
    first = checked(sessions, options)
    assert options.cache
    for path in options.cache.folder.glob("*/*"):
        path.write_bytes(content)
    assert checked(sessions, options) == first


def test_a_cache_that_cannot_be_written_is_no_trouble(sessions: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert len(checked(sessions, Options(cache=Cache(tmp_path / "file" / "below", b"")))) == 5


def test_the_oldest_go_first(sessions: Path, options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    checked(sessions, options)
    assert options.cache
    paths = sorted(options.cache.folder.glob("*/*"))
    for age, path in enumerate(paths):
        os.utime(path, (1000 - age, 1000 - age))
    monkeypatch.setattr(cache, "MOST_ENTRIES", 2)
    options.cache.prune()
    assert sorted(options.cache.folder.glob("*/*")) == paths[:2]


def test_the_cache_knows_our_sources_and_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    one = Cache.of("auto", [])
    assert one.folder == tmp_path / "wattrig" / "check"
    assert one != Cache.of("v5.1", [])
    monkeypatch.setattr(cache, "RULEBOOK_VERSION", "next")
    assert one != Cache.of("auto", [])
    monkeypatch.undo()
    monkeypatch.setattr(cache, "_ROOMS", ("rules",))
    assert one.asked != Cache.of("auto", []).asked


def test_infinite_numbers_survive_the_cache(package: Any, tmp_path: Path, options: Options) -> None:
    package.replace("run_1/spl.txt", "Watts,200.000000", "Watts,1e999")
    package.write(tmp_path / "tree" / "s")
    first = checked(tmp_path / "tree", options)
    assert first[0].result.power is not None
    assert checked(tmp_path / "tree", options)[0].result.power == first[0].result.power
    json.dumps(first[0].result.as_json(), allow_nan=False)


def test_a_session_that_cannot_be_read_is_an_error_everywhere(
    sessions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Any) -> Any:
        raise ZeroDivisionError("x")

    monkeypatch.setattr(batch, "gather", broken)
    result = checked(sessions)[0].result
    assert (result.strict_verdict, result.reference_verdict) == ("incomplete", "invalid")
    monkeypatch.undo()
    (gone,) = dict(check_all([Found("T", sessions / "absent", sessions)], Options(), 1)).values()
    assert "holds no session any more" in gone.result.findings[0].message


def numbers(pieces: Sequence[int]) -> list[int]:
    return [*pieces, -len(pieces)]


@pytest.mark.parametrize(("count", "processes"), [(1, 2), (5, 3), (200, 2), (1000, 8)])
def test_work_is_cut_into_chunks_that_get_smaller(count: int, processes: int) -> None:
    chunks = list(chunks_of(range(count), processes))
    sizes = [len(chunk) for chunk in chunks]
    assert [piece for chunk in chunks for piece in chunk] == list(range(count))
    assert sizes == sorted(sizes, reverse=True)
    assert (max(sizes) <= 8, sizes[-1]) == (True, 1)


def test_all_pieces_of_work_are_done_once() -> None:
    done = sorted(shared_out(numbers, range(30), 2))
    assert [number for number in done if number >= 0] == list(range(30))


def test_what_sessions_have_in_common_is_passed_between_processes_once(sessions: Path) -> None:
    one, other = (
        [found for found in each.result.findings if found.outcome is Outcome.PASS] for each in checked(sessions)[:2]
    )
    assert [id(found) for found in one] == [id(found) for found in other] != []


def test_the_uncertainty_of_a_session_is_worked_out_once_by_each_model(
    sessions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    split = uncertainty.split_by_analyzer

    def counting(server: SessionRecord, log: PtdLog) -> list[AnalyzerPart]:
        asked.append(server.client_uuid)
        return split(server, log)

    monkeypatch.setattr(uncertainty, "split_by_analyzer", counting)
    checked(sessions)
    assert 0 < len(asked) <= 2 * 5


def large(pieces: Sequence[int]) -> list[bytes]:
    return [bytes(4 << 20) for _ in pieces]


def fails(pieces: Sequence[int]) -> list[int]:
    raise EvidenceError(f"piece {pieces[0]}")


def test_what_the_work_raises_comes_out() -> None:
    with pytest.raises(EvidenceError, match="piece "):
        list(shared_out(fails, range(4), 2))


@pytest.mark.parametrize("time_s", [0.0, 0.001, 0.003, 0.01, 0.03])
def test_stopping_does_not_wait_for_half_an_answer(time_s: float) -> None:
    """Most of the time these processes write an answer: whenever they are killed, one is half written."""
    running = shared_out(large, range(1000), 4)
    next(running)
    time.sleep(time_s)
    running.close()
    assert multiprocessing.active_children() == []


def dies(_: Any) -> list[int]:
    os._exit(1)


def test_a_process_that_dies_is_told(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="ended unexpectedly"):
        list(shared_out(dies, range(4), 2))
