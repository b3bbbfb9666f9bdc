"""Which threads of the daemon may take a processor from others."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analyzers.ptd import scheduling

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_setscheduler"), reason="only Linux has SCHED_BATCH")


def policies(pid: int) -> dict[int, int]:
    return {int(task.name): os.sched_getscheduler(int(task.name)) for task in Path(f"/proc/{pid}/task").iterdir()}


def test_who_answers_gives_way_and_who_samples_does_not(start: Callable[..., Any]) -> None:
    daemon = start("0", "nowhere")
    daemon.connect()
    assert daemon.ask("Hello") == "Hello, PTDaemon here!"
    pid = daemon.popen.pid
    assert policies(pid)[pid] == os.SCHED_BATCH
    assert os.SCHED_OTHER not in policies(pid).values()
    assert daemon.ask("Go,100,0,S").startswith("Starting")
    while not daemon.ask("Watts").endswith(",1"):
        time.sleep(0.02)
    found = policies(pid)
    assert found[pid] == os.SCHED_BATCH
    assert list(found.values()).count(os.SCHED_OTHER) == 1


def test_where_it_is_forbidden_all_works_without(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setscheduler", forbidden)
    thread = threading.Thread(target=scheduling.give_way)
    thread.start()
    thread.join()
    scheduling.be_prompt()
