"""The page on the Python API: its blocks are run in order, on a real session, and print what the page shows."""

import contextlib
import io
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import DOCS, blocks, differs

PAGE = (DOCS / "tutorials" / "python-api.md").read_text("utf-8")


def test_the_blocks_print_what_the_page_shows(
    demo_session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "demo-out").symlink_to(demo_session.parent)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    printed, compared = "", 0
    for block in blocks(PAGE):
        if block.language == "python":
            with contextlib.redirect_stdout(io.StringIO()) as output:
                exec(compile(block.text, "python-api.md", "exec"), names)
            printed = output.getvalue()
        elif block.language == "text":
            assert not differs(block.text, printed), differs(block.text, printed)
            compared += 1
    assert compared == PAGE.count("```python")
