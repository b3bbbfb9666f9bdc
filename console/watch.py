"""`wattrig watch`: what a director's live page shows, in the terminal."""

import http.client
import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import click

from console.plain import plain
from metrology.errors import ConfigError, PeerError, PeerGoneError, PeerRefusedError

if TYPE_CHECKING:
    from rich.console import RenderableType

SILENCE_S = 30.0
"""A page tells something every 10 s at least."""
RETRY_S = 1.0
LONGEST_LINE = 8 << 20
ANALYZERS_SHOWN, WARNINGS_SHOWN = 20, 5


class Told(NamedTuple):
    """An event of the stream: its name, its id, and its data."""

    kind: str
    id: str
    data: dict[str, Any]


class Page(NamedTuple):
    """Where a live page is."""

    host: str
    port: int
    token: str


@click.command()
@click.argument("url", default="http://127.0.0.1:8080/")
@click.option("--format", "form", type=click.Choice(["text", "jsonl"]), default="text", show_default=True,
              help="jsonl: a line of JSON for each update, as the API's stream has it")  # fmt: skip
@click.option("--until-end", is_flag=True, help="end with the session; exit code 1 where it is broken off")
def watch(url: str, form: str, until_end: bool) -> None:
    """Follow the director whose live page is at URL (wattrig director --web prints it).

    It comes back by itself when the director is started anew; ^C ends it, which the director does not notice.

    \b
    Examples:
      wattrig watch
      wattrig watch 'http://192.0.2.7:8080/?token=...'
      wattrig watch --format jsonl --until-end > session.jsonl

    \b
    Exit codes: 0 ended, 1 the session was broken off (--until-end), 2 the tool failed.
    """
    updates = following(page_of(url))
    try:
        raise SystemExit(_print_json(updates, until_end) if form == "jsonl" else _draw(updates, url, until_end))
    except KeyboardInterrupt:
        raise SystemExit(0) from None


def page_of(url: str) -> Page:
    """Read the address of a page.

    Raises:
        ConfigError: it is none.
    """
    try:
        found = urlsplit(url if "://" in url else f"http://{url}")
        host, port = found.hostname or "", found.port or 80
    except ValueError as problem:
        raise ConfigError(
            f"got {url[:80]!r}, which is no address: {problem}", "as in http://127.0.0.1:8080/"
        ) from problem
    if found.scheme != "http" or not host:
        raise ConfigError(f"got {url[:80]!r}, expected an address as http://127.0.0.1:8080/")
    return Page(host, port, parse_qs(found.query).get("token", [""])[0])


def following(page: Page) -> Iterator[Told]:
    """Get the events of a page; where the connection breaks, one called `lost`, and those of the next connection.

    Raises:
        PeerRefusedError: nobody may watch without the token, or no live page is there.
        PeerGoneError: nobody answers, and nobody did before.
    """
    last_id, answered = "", False
    while True:
        try:
            for told in _stream(page, last_id):
                answered, last_id = True, told.id or last_id
                yield told
        except PeerGoneError as problem:
            if not answered:
                raise
            yield Told("lost", "", {"reason": problem.message})
        else:
            yield Told("lost", "", {"reason": "the director was stopped"})
        time.sleep(RETRY_S)


def _stream(page: Page, last_id: str) -> Iterator[Told]:
    connection = http.client.HTTPConnection(page.host, page.port, timeout=SILENCE_S)
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_id} if last_id else {})
    headers |= {"Authorization": f"Bearer {page.token}"} if page.token else {}
    try:
        connection.request("GET", "/api/v1/events", headers=headers)
        answer = connection.getresponse()
        if answer.status != http.HTTPStatus.OK:
            raise PeerRefusedError(
                f"{page.host}:{page.port} answers {answer.status} {answer.reason}",
                "give the address with its token, as the director prints it" if answer.status == 401 else "",
            )
        yield from _events(answer)
    except (OSError, http.client.HTTPException) as problem:
        raise PeerGoneError(
            f"no live page answers at {page.host}:{page.port}: {problem}", "start it: wattrig director -c FILE --web"
        ) from problem
    finally:
        connection.close()


def _events(answer: http.client.HTTPResponse) -> Iterator[Told]:
    fields: dict[str, str] = {}
    while line := answer.readline(LONGEST_LINE):
        name, _, value = line.decode("utf-8", "replace").rstrip("\r\n").partition(": ")
        if name:
            fields[name] = value
            continue
        if "data" in fields:
            yield Told(fields.get("event", ""), fields.get("id", ""), _json(fields["data"]))
        fields = {}


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise PeerError("what answers is no live page: its events are no JSON") from problem
    return found if isinstance(found, dict) else {}


def _print_json(updates: Iterator[Told], until_end: bool) -> int:
    seen_open = False
    for told in updates:
        click.echo(json.dumps({"event": told.kind, **told.data}))
        outcome = _outcome(told)
        seen_open = seen_open or outcome == "open"
        if until_end and seen_open and outcome in ("complete", "aborted"):
            return int(outcome == "aborted")
    return 0


def _outcome(told: Told) -> str:
    session = (told.data.get("state") or {}).get("session") or {}
    return str(session.get("outcome", ""))


def _draw(updates: Iterator[Told], url: str, until_end: bool) -> int:
    from rich.console import Console
    from rich.live import Live

    state: dict[str, Any] = {}
    seen_open = False
    with Live(console=Console(), auto_refresh=False) as live:
        for told in updates:
            state = told.data.get("state") or state
            live.update(picture(state, url, str(told.data.get("reason", ""))), refresh=True)
            outcome = _outcome(told)
            seen_open = seen_open or outcome == "open"
            if until_end and seen_open and outcome in ("complete", "aborted"):
                return int(outcome == "aborted")
    return 0


def picture(state: dict[str, Any], url: str, lost: str = "") -> "RenderableType":
    """Draw a state.

    Args:
        state: as the API tells it.
        url: where it comes from.
        lost: why nothing comes any more; empty while it does.
    """
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [Text(f"{plain(lost)}; trying again ({plain(url)})", "red")] if lost else []
    if not state:
        return Group(*parts, Text("waiting for the director"))
    parts += [Text(line) for line in _session_lines(state)]
    parts.append(_table(state))
    for each in state["warnings"][:WARNINGS_SHOWN]:
        times = f" ({each['count']} times)" if each["count"] > 1 else ""
        parts.append(Text(f"! {plain(each['text'])}{times}", "red" if each["level"] == "error" else "yellow"))
    return Group(*parts)


def _session_lines(state: dict[str, Any]) -> Iterator[str]:
    session = state["session"]
    if session is None:
        yield f"ready for a client at {plain(state['listening'])}" if state["listening"] else "the director starts"
        return
    name, outcome = plain(session["name"]), session["outcome"]
    if outcome != "open":
        yield f"{name}  {outcome}  {plain(session['reason'])}"
    elif session["measuring"]:
        left = f", about {duration(session['left_s'])} left" if session["left_s"] else ""
        yield f"{name}  {session['phase']}: {duration(session['elapsed_s'])} measured{left}"
    else:
        yield f"{name}  {session['phase'] or 'begins'}"
    client, clock = session["client"] or {}, session["clock"]
    offset = f"  clock offset {clock['offset_ms']:+.3f} +- {clock['uncertainty_ms']:.3f} ms" if clock else ""
    yield f"{plain(client.get('peer', ''))}{offset}"


def _table(state: dict[str, Any]) -> "RenderableType":
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0))
    table.add_column("analyzer", no_wrap=True)
    for name in ("W", "V", "A", "PF", "range A", "left %", "u %", "samples", "bad", "missed"):
        table.add_column(name, justify="right", no_wrap=True)
    analyzers = state["analyzers"]
    for each in analyzers[:ANALYZERS_SHOWN]:
        range_text = f"{each['current_range_a']:g}" if each["current_range_a"] else plain(each["ranges"])
        left = percent(each["current_headroom"], 0)
        name = plain(each["name"] or each["model"] or each["number"])
        table.add_row(name, *_reading(each["latest"]), range_text, left, *_counts(each), style=_style(each, state))
    if len(analyzers) > 1:
        total = state["total"]
        table.add_row("all", *_reading(total["latest"]), "", "", *_counts(total), style=_style(total, state))
    return table


def _reading(latest: dict[str, Any] | None) -> list[str]:
    if latest is None or latest["validity"] != "good":
        return [latest["validity"] if latest else "-", "-", "-", "-"]
    shown = (
        ("power_w", "{:.2f}"),
        ("voltage_v", "{:.1f}"),
        ("current_a", "{:.4g}"),
        ("power_factor", "{:.3f}"),
    )
    return ["-" if latest[name] is None else form.format(latest[name]) for name, form in shown]


def _counts(found: dict[str, Any]) -> list[str]:
    counts = found["counts"]
    return [percent(found["uncertainty"], 2), *(str(counts[name]) for name in ("samples", "bad", "missed"))]


def _style(found: dict[str, Any], state: dict[str, Any]) -> str:
    above = found["uncertainty"] is not None and found["uncertainty"] > state["limit"]
    return "red" if above else "yellow" if found["latest"] and found["latest"]["validity"] != "good" else ""


def percent(part: float | None, digits: int) -> str:
    """Write a fraction as percent, without the sign."""
    return "-" if part is None else f"{part * 100:.{digits}f}"


def duration(seconds: float) -> str:
    """Write seconds as `m:ss` or `h:mm:ss`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
