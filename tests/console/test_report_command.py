import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from console.main import main
from console.report_headroom import headroom
from console.session_view import view_session
from evidence.state import mark

LARGEST = 2_000_000
VALID = "v4.1/closed/UntetherAI/results/h13_u3_slim/resnet50/singlestream"


def wattrig(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def report(path: Path, scratch: Path, *more: str) -> str:
    done = wattrig("report", path, "-o", scratch / "r.html", *more)
    assert done.exit_code == 0, done.output
    assert done.output == f"report: {scratch / 'r.html'}\n"
    return (scratch / "r.html").read_text("utf-8")


class Page(HTMLParser):
    """Collects what a page refers to, and checks that tags are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.refers: list[str] = []
        self.ids: list[str] = []
        self.open: list[str] = []
        self.captions = self.tables = 0
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.refers += [value or "" for name, value in attrs if name in {"href", "src"}]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.tables += tag == "table"
        self.captions += tag == "caption"
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_every_published_session_has_a_whole_page(published: Path, tmp_path: Path) -> None:
    folders = sorted(found.parent.parent for found in published.rglob("power/client.json"))
    assert len(folders) == 10
    for folder in folders:
        text = report(folder, tmp_path)
        page = Page(text)
        assert len(text.encode()) < LARGEST
        assert page.open == []
        assert page.captions == page.tables > 4
        assert len(page.ids) == len(set(page.ids))
        # Nothing is fetched from anywhere, and every link leads to a place in the page.
        assert {link.removeprefix("#") for link in page.refers} <= set(page.ids)
        assert "url(" not in text
        assert "@import" not in text


def test_the_verdict_comes_first_and_the_number_with_its_uncertainty(published: Path, tmp_path: Path) -> None:
    text = report(published / VALID, tmp_path)
    body = text[text.index("<main") :]
    places = [body.index(part) for part in ('class="big">valid<', "29.2390", "&plusmn; 0.16 mJ per query", "<svg")]
    assert places == sorted(places)
    (queries,) = re.findall(r"energy over ([\d\s]+) queries", text)
    assert 138_671 * 1000 / int(re.sub(r"\s", "", queries)) == pytest.approx(29.2390, rel=1e-5)
    assert "138\N{NARROW NO-BREAK SPACE}671 J" in text


def test_findings_lead_to_their_rules(published: Path, tmp_path: Path) -> None:
    text = report(published / "v5.1/closed/Lenovo/results/SR680a_V3_B200SXMx8_TRT/whisper/Offline", tmp_path)
    assert '<a href="#FIL009">' in text
    assert '<details id="FIL009">' in text
    assert "Check UUID" in text
    assert text.count('class="path">run_1/spl.txt') == 1


def test_the_same_session_gives_the_same_bytes(published: Path, tmp_path: Path) -> None:
    assert report(published / VALID, tmp_path) == report(published / VALID, tmp_path)


def broken_copies(source: Path, scratch: Path) -> list[Path]:
    """Get sessions that are damaged each in its own way."""
    copies = []
    for number, names in enumerate(
        (["run_1"], ["ranging"], ["power"], ["power", "ranging"], ["run_1/spl.txt"], ["power/server.json"])
    ):
        copies.append(scratch / f"lost{number}")
        shutil.copytree(source, copies[-1])
        for name in names:
            lost = copies[-1] / name
            shutil.rmtree(lost) if lost.is_dir() else lost.unlink()
    for name, content in (
        ("run_1/spl.txt", b"\x00\xff" * 999),
        ("run_1/spl.txt", b"Time,07-23-2024 11:48:00.000,Watts,1e999,Volts,nan,Amps,-1,PF,9\n" * 3),
        ("run_1/mlperf_log_detail.txt", b":::MLLOG {}\n"),
        (
            "power/server.json",
            b'{"ptd_messages": [{"cmd": "Identify", "reply": ""}], "phases": {"testing": [[1, 2]]}}',
        ),
        ("power/client.json", b"[" * 9999),
    ):
        copies.append(scratch / f"broken{len(copies)}")
        shutil.copytree(source, copies[-1])
        (copies[-1] / name).write_bytes(content)
    return copies


def test_broken_sessions_have_a_page_that_says_so(published: Path, tmp_path: Path) -> None:
    for copy in broken_copies(published / VALID / "performance", tmp_path):
        text = report(copy, tmp_path)
        assert Page(text).open == []
        assert re.search(r'class="big">(invalid|incomplete)<', text), copy


def test_an_aborted_session_says_why(published: Path, tmp_path: Path) -> None:
    copy = tmp_path / "session"
    shutil.copytree(published / VALID / "performance", copy)
    (copy / "wattrig").mkdir()
    state = {"schema": 1, "state": "aborted", "reason": "the <analyzer> fell silent", "phase": "testing"}
    (copy / "wattrig" / "state.json").write_text(json.dumps(state | {"t_utc_ns": 0}))
    done = wattrig("report", copy)
    assert done.output == f"report: {copy / 'wattrig' / 'report.html'}\n"
    text = (copy / "wattrig" / "report.html").read_text("utf-8")
    assert "Aborted in testing at 1970-01-01 00:00:00 UTC: the &lt;analyzer&gt; fell silent" in text
    (copy / "wattrig" / "state.json").write_text(json.dumps(state | {"t_utc_ns": 10**40}))
    assert "Aborted in testing at a time that is none: " in report(copy, tmp_path)


def test_a_half_without_samples_says_where_they_are(published: Path, tmp_path: Path) -> None:
    copy = tmp_path / "session"
    shutil.copytree(published / VALID / "performance", copy)
    mark(copy, "aborted", "the workload failed", "ranging")
    for phase in ("ranging", "run_1"):
        (copy / phase / "spl.txt").unlink()
    text = report(copy, tmp_path)
    assert "in its store, in the folder of the same name" in text
    assert "testing over ranging" not in text


def test_texts_of_a_package_cannot_become_markup(published: Path, tmp_path: Path) -> None:
    copy = tmp_path / "session"
    shutil.copytree(published / VALID / "performance", copy)
    for side in ("client", "server"):
        file = copy / "power" / f"{side}.json"
        record = json.loads(file.read_text())
        record |= {"session_name": "<script>alert(1)</script>\x1b", "version": "</style><img src=x onerror=alert(2)>"}
        file.write_text(json.dumps(record))
    text = report(copy, tmp_path)
    assert "<script>alert" not in text
    assert "<img" not in text
    assert "\x1b" not in text
    assert text.count("<script>") == 1


def test_a_tree_has_a_table_pages_for_systems_and_for_sessions(published: Path, tmp_path: Path) -> None:
    text = report(published, tmp_path)
    page = Page(text)
    links = [tmp_path / link for link in page.refers]
    assert len(links) == 20
    assert all(link.is_file() for link in links)
    assert text.count('data-value="') == 40
    assert "ssd-resnet34 Server: energy against performance" in text
    system = Page((tmp_path / "r" / "AGX_Xavier_TRT_MaxQ" / "index.html").read_text("utf-8"))
    assert len(system.refers) == 2
    assert all((tmp_path / "r" / "AGX_Xavier_TRT_MaxQ" / link).is_file() for link in system.refers)


def test_a_tree_without_sessions_exits_3_and_a_missing_one_2(tmp_path: Path) -> None:
    done = wattrig("report", tmp_path)
    assert done.exit_code == 3
    assert "holds no session" in done.output
    assert wattrig("report", tmp_path / "nowhere").exit_code == 2


def test_a_pdf_is_printed_by_the_browser(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = tmp_path / "chromium"
    browser.write_text(
        '#!/bin/sh\nfor word; do case $word in --print-to-pdf=*) echo %PDF > "${word#*=}";; esac; done\n'
    )
    browser.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    done = wattrig("report", published / VALID, "--format", "pdf", "-o", tmp_path / "r.pdf")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "r.pdf").read_bytes() == b"%PDF\n"
    browser.write_text("#!/bin/sh\necho 'no display' >&2\nexit 1\n")
    done = wattrig("report", published / VALID, "--format", "pdf", "-o", tmp_path / "r.pdf")
    assert done.exit_code == 2
    assert "did not print: no display" in done.output


def test_a_pdf_without_a_browser_ends_with_a_hint(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = wattrig("report", published / VALID, "--format", "pdf", "-o", tmp_path / "r.pdf")
    assert done.exit_code == 2
    assert "try: apt install chromium" in done.output
    assert not (tmp_path / "r.pdf").exists()


def test_a_report_that_cannot_be_written_ends_with_a_hint(published: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = wattrig("report", published / VALID, "-o", tmp_path / "file" / "r.html")
    assert done.exit_code == 2
    assert "give another place with -o" in done.output


def test_the_demo_ends_with_a_report(demo_session: Path) -> None:
    text = (demo_session / "wattrig" / "report.html").read_text("utf-8")
    assert "The analyzer is simulated." in text
    assert "Director&#39;s clock minus the client&#39;s" in text
    assert Page(text).open == []


def test_the_report_tells_what_the_ranges_left(demo_session: Path, published: Path) -> None:
    rows = dict(headroom(view_session(demo_session)))
    wanted = r"ranges 300 V and [\d.]+ A for up to 230\.0 V and .*uncertainty about 0\.\d\d%"
    assert re.search(wanted, rows["room in the ranges"])
    told = [dict(headroom(view_session(path.parent.parent))) for path in sorted(published.glob("**/run_1/spl.txt"))]
    assert len([rows for rows in told if rows]) >= 3
    assert any(not rows for rows in told), "of several channels nothing is told"
