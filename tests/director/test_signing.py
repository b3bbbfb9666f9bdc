"""The director signs what agrees with its own files, and nothing else."""

import asyncio
import datetime
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from director.server import Director
from director.signing import require_agreement
from director.station import Station
from evidence.layout import DOWNLOADS, OUR_PLACE
from evidence.statement import make_statement
from metrology.errors import EvidenceError
from wire.identity import make_identity
from wire.keys import KeyFolder

NAME, KEY = "2026-11-22_12-00-00", "the director's key"


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """The same session as the director and as the client keeps it."""
    theirs, ours = tmp_path / "store" / NAME, tmp_path / "out" / NAME
    for name in DOWNLOADS:
        content = json.dumps({"uuid": {"server": "s"}, "ptd_config": [name]})
        for path in (theirs / name, ours / OUR_PLACE.get(name, name)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
    (ours / "power/client.json").write_text("{}")
    return theirs, ours


def stated(folder: Path, name: str = NAME, key: str = KEY, t_utc_ns: int = 0) -> bytes:
    return make_statement(folder, name, {"client": "c", "director": key}, t_utc_ns or time.time_ns())


def test_the_same_files_under_either_name_agree(folders: tuple[Path, Path]) -> None:
    require_agreement(stated(folders[1]), folders[0], KEY)


def test_nothing_false_is_signed_of_the_files_of_single_analyzers(folders: tuple[Path, Path]) -> None:
    for folder in folders:
        (folder / "wattrig").mkdir(exist_ok=True)
        (folder / "wattrig/station.json").write_text("{}")
    require_agreement(stated(folders[1]), folders[0], KEY)
    (folders[1] / "wattrig/station.json").write_text('{"forged": 1}')
    with pytest.raises(EvidenceError, match=r"wattrig/station\.json"):
        require_agreement(stated(folders[1]), folders[0], KEY)


@pytest.mark.parametrize("name", DOWNLOADS)
@pytest.mark.parametrize("how", ["changed", "missing"])
def test_each_of_its_files_must_be_the_same(folders: tuple[Path, Path], name: str, how: str) -> None:
    path = folders[1] / OUR_PLACE.get(name, name)
    if how == "changed":
        path.write_text(path.read_text() + "\n")
    else:
        path.unlink()
    with pytest.raises(EvidenceError, match=f"copy of '{name}'|something else of the analyzers"):
        require_agreement(stated(folders[1]), folders[0], KEY)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "2026-11-22_13-00-00"}, "about '2026-11-22_13-00-00'"),
        ({"key": "another key"}, "names another director"),
        ({"t_utc_ns": 1}, "over 60 s from the director's"),
    ],
)
def test_nothing_else_is_signed_in_its_name(
    folders: tuple[Path, Path], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(EvidenceError, match=message):
        require_agreement(stated(folders[1], **changes), folders[0], KEY)


def test_what_it_knows_of_the_analyzers_cannot_be_invented(folders: tuple[Path, Path]) -> None:
    content = json.loads(stated(folders[1]))
    content["predicate"]["analyzers"]["identity"] = ["YokogawaWT310E,..."]
    with pytest.raises(EvidenceError, match="something else of the analyzers"):
        require_agreement(json.dumps(content).encode(), folders[0], KEY)


@pytest.mark.parametrize("value", [1.0, True])
def test_what_is_equal_in_python_alone_is_not_the_same(folders: tuple[Path, Path], value: object) -> None:
    for folder in folders:
        (folder / "power/server.json").write_text(json.dumps({"ptd_config": [{"device_type": 1}]}))
    content = json.loads(stated(folders[1]))
    require_agreement(json.dumps(content).encode(), folders[0], KEY)
    content["predicate"]["analyzers"]["config"] = [{"device_type": value}]
    with pytest.raises(EvidenceError, match="something else of the analyzers"):
        require_agreement(json.dumps(content).encode(), folders[0], KEY)


def test_no_session_no_signature(station: Callable[..., Station], raw_client: Any, tmp_path: Path) -> None:
    make_identity(KeyFolder(tmp_path / "keys"), "lab", datetime.datetime.now(datetime.UTC))
    place = station(top='keys = "keys"')

    async def run() -> None:
        async with asyncio.timeout(20), Director(place) as director:
            client = await raw_client.connect(director.address)
            name = await client.begin(hello=True)
            for words in (name, "2026-11-22_12-00-00", "../x", "*", ""):
                for secret in ("", "a" * 32):
                    assert await client.ask(f"wattrig,sign,{words},{secret}") == "Error", "nobody's, or not proven"
            assert await client.ask(f"wattrig,sign,{name}") == "Error: exception"
            open_still = await client.ask(f"wattrig,sign,{name},{director.secret_of(name)}")
            assert open_still == "Error: the session is not complete: it is still open"
            await client.close()

    asyncio.run(run())
