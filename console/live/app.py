"""The page and the API as an ASGI app; all it does is read."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from console.live.access import Access
from console.live.curve import curve
from console.live.feed import Feed
from console.live.model import Problem, Record
from console.live.openapi import LARGEST_TIME_MS, LEAST_POINTS, MOST_POINTS, POINTS, openapi
from console.live.prometheus import CONTENT_TYPE, metrics

PAGES = Path(__file__).parent.parent / "pages"
SCRIPTS = ("live-paint.js", "live-chart.js", "live-words.js", "live-figures.js", "live-past.js", "live.js")
ASSETS = {
    "/": ("live.html", "text/html; charset=utf-8"),
    "/palette.css": ("palette.css", "text/css; charset=utf-8"),
    "/live.css": ("live.css", "text/css; charset=utf-8"),
    **{f"/{name}": (name, "text/javascript; charset=utf-8") for name in SCRIPTS},
}
MOST_WATCHERS = 32
REPORT_POLICY = (
    "sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
)
"""A report has its style and script within; it is kept from everything else that this address serves."""
_NUMBER = re.compile(r"\d{1,15}", re.ASCII)


class Served(NamedTuple):
    """What is served: the feed, and the folder of the sessions that it tells of."""

    feed: Feed
    store: Path


def make_app(served: Served, token: str = "") -> Access:
    """Make the app; with a token it serves nobody without."""
    pages = [Route(path, _asset(*asset), methods=["GET"]) for path, asset in ASSETS.items()]
    api = {
        "/api/v1/state": _state,
        "/api/v1/samples": _samples,
        "/api/v1/events": _events,
        "/api/v1/sessions": _sessions,
        "/api/v1/sessions/{id}": _session,
        "/api/v1/sessions/{id}/report": _report,
        "/metrics": _metrics,
        "/openapi.json": _openapi,
    }
    routes = [*pages, *(Route(path, endpoint, methods=["GET"]) for path, endpoint in api.items())]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _problem})
    app.router.redirect_slashes = False
    app.state.served = served
    return Access(app, token)


def _asset(name: str, kind: str) -> Callable[[Request], Awaitable[Response]]:
    content = (PAGES / name).read_bytes()

    async def serve(_request: Request) -> Response:
        return Response(content, headers={"Content-Type": kind})

    return serve


def _served(request: Request) -> Served:
    served: Served = request.app.state.served
    return served


def _json(record: Record, status: int = 200) -> Response:
    return Response(record.model_dump_json(by_alias=True), status, media_type="application/json")


async def _problem(_request: Request, problem: Exception) -> Response:
    status = problem.status_code if isinstance(problem, HTTPException) else 500
    found = problem.detail if isinstance(problem, HTTPException) else "the page failed"
    answer = _json(Problem(error=found), status)
    if isinstance(problem, HTTPException):
        answer.headers.update(problem.headers or {})
    return answer


async def _state(request: Request) -> Response:
    return _json(_served(request).feed.state())


async def _samples(request: Request) -> Response:
    feed, store = _served(request)
    from_ms, to_ms = (_whole(request, name, 0, LARGEST_TIME_MS) for name in ("from", "to"))
    points = _whole(request, "points", LEAST_POINTS, MOST_POINTS)
    return _json(await curve(feed.picture, store, from_ms, to_ms, points or POINTS))


def _whole(request: Request, name: str, least: int, most: int) -> int | None:
    """Get a whole number from the query; None where it is not given."""
    values = request.query_params.getlist(name)
    if not values:
        return None
    if len(values) > 1 or _NUMBER.fullmatch(values[0]) is None or not least <= int(values[0]) <= most:
        raise HTTPException(400, f"got {name}={values[0][:40]!r}, expected one whole number of {least} to {most}")
    return int(values[0])


async def _events(request: Request) -> Response:
    feed = _served(request).feed
    if feed.watchers >= MOST_WATCHERS:
        raise HTTPException(503, f"{MOST_WATCHERS} watch already")
    last_id = request.headers.get("last-event-id", "")[:100]
    return StreamingResponse(feed.follow(last_id), media_type="text/event-stream")


async def _sessions(request: Request) -> Response:
    return _json(await asyncio.to_thread(_served(request).feed.past.sessions))


async def _session(request: Request) -> Response:
    return _json(_served(request).feed.past.session(_name(request)))


async def _report(request: Request) -> Response:
    page = await _served(request).feed.past.report(_name(request))
    if page is None:
        raise HTTPException(503, "no report can be written now; while a session is measured nothing may disturb it")
    return Response(page, media_type="text/html", headers={"Content-Security-Policy": REPORT_POLICY})


def _name(request: Request) -> str:
    name = str(request.path_params["id"])
    if not _served(request).feed.past.has(name):
        raise HTTPException(404, f"there is no session {name[:80]!r}")
    return name


async def _metrics(request: Request) -> Response:
    feed = _served(request).feed
    return Response(metrics(feed.state(), feed.picture), headers={"Content-Type": CONTENT_TYPE})


async def _openapi(_request: Request) -> Response:
    return JSONResponse(openapi(version("wattrig")))
