"""The live page as a server: a thread and an event loop of its own beside the director's."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import uvicorn

from console.live.access import is_loopback, token_of
from console.live.app import MOST_WATCHERS, Served, make_app
from console.live.feed import Feed, Inbox, looking_into
from console.live.past import Past
from console.live.picture import Picture
from director.events import Observe
from director.station import Station, split_address
from metrology.errors import ConfigError

ADDRESS = "127.0.0.1:8080"
FAREWELL_S = 2
VERDICT_S = 15.0
"""How long the page stays, for who watches it, until the verdict of the session is told."""


class LivePage:
    """A live page that is served.

    Attributes:
        observe: gets the director's events; never waits, never fails.
        url: where the page is, with the token where it needs one.
    """

    def __init__(self, feed: Feed, inbox: Inbox, store: Path, listening: socket.socket, token: str) -> None:
        self.observe: Observe = inbox.observe
        self.url = url_of(listening, token)
        self._feed = feed
        self._socket = listening
        app = make_app(Served(feed, store), token)
        config = uvicorn.Config(
            app, log_config=None, log_level="critical", access_log=False, lifespan="off", server_header=False,
            ws="none", timeout_graceful_shutdown=FAREWELL_S, timeout_keep_alive=5,
            limit_concurrency=MOST_WATCHERS * 2,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="live page", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def _serve(self) -> None:
        asyncio.run(self._serve_and_feed())

    async def _serve_and_feed(self) -> None:
        self._loop = asyncio.get_running_loop()
        feeding = asyncio.create_task(self._feed.run())
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)

    def stop(self) -> None:
        """Serve no more; who watches is told."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._feed.end)
        self._server.should_exit = True
        self._thread.join(FAREWELL_S * 2)

    def wait_for_verdict(self) -> None:
        """Wait until who watches has the verdict of the session that ended, where somebody watches."""
        waited = threading.Event()
        for _ in range(round(VERDICT_S / 0.1)):
            if not self._feed.watchers or not self._feed.past.is_pending:
                break
            waited.wait(0.1)
        else:
            return
        waited.wait(0.5)


@contextlib.contextmanager
def live_page(
    address: str, station: Station, roots: Sequence[Path] = (), expected_s: float | None = None
) -> Iterator[LivePage]:
    """Serve a live page.

    Args:
        address: where to listen, "127.0.0.1:8080".
        station: what is measured with; its store holds sessions.
        roots: further folders of sessions, before the store.
        expected_s: how long each phase should take, seconds; None where nobody knows.

    Raises:
        ConfigError: the address cannot be had.
    """
    store = station.director.store
    listening = listen(address)
    try:
        token = "" if is_loopback(listening.getsockname()[0]) else token_of(store)
        inbox = Inbox()
        picture = Picture(station.analyzer, station.director.interval_ms, looking_into(store), expected_s)
        past = Past([*roots, store], lambda: picture.run is not None and picture.run.outcome == "open")
        page = LivePage(Feed(inbox, picture, past), inbox, store, listening, token)
    except BaseException:
        listening.close()
        raise
    page.start()
    try:
        yield page
    finally:
        page.stop()


def listen(address: str) -> socket.socket:
    """Listen at "HOST:PORT".

    Raises:
        ConfigError: it is no address, or cannot be had.
    """
    try:
        host, port = split_address(address)
    except ValueError as problem:
        raise ConfigError(f"--web: {problem}", f"as in --web {ADDRESS}") from problem
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=64)
    except OSError as problem:
        raise ConfigError(
            f"the live page cannot listen on {address}: {problem.strerror or problem}",
            "give another port, as in --web 127.0.0.1:8081",
        ) from problem


def url_of(listening: socket.socket, token: str) -> str:
    """Get the address of the page."""
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - what is shown, not what is listened on
        host = socket.gethostname()
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/" + (f"?token={token}" if token else "")
