"""`wattrig watch`: what a director's live page shows, in the terminal."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from console.plain import plain
from console.watch_stream import Told, following, page_of

if TYPE_CHECKING:
    from rich.console import RenderableType

ANALYZERS_SHOWN, WARNINGS_SHOWN = 20, 5


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
