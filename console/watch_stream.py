"""The events of a director's live page, as they come; the connection is made anew where it breaks."""

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from metrology.errors import ConfigError, PeerError, PeerGoneError, PeerRefusedError

SILENCE_S = 30.0
"""A page tells something every 10 s at least."""
RETRY_S = 1.0
LONGEST_LINE = 8 << 20


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
