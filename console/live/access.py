"""Who may look: this machine, or whoever has the token; and what a browser may do with what it gets."""

import hmac
import http.cookies
import ipaddress
import re
import secrets
from pathlib import Path
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.live.model import Problem
from metrology.errors import ConfigError

TOKEN_FILE = ".live-page-token"  # noqa: S105 - the name of a file
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32,64}")
COOKIE = "wattrig_token"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
DENIED = Problem(error="this page is for who has its token", hint="open the address that the director printed")
STRANGE_HOST = Problem(
    error="the request names a host that is not this machine", hint="open http://127.0.0.1 with the port"
)
FOREIGN = Problem(error="a page of another site may not use this API")


class Access:
    """Lets requests through to an app, or answers them itself.

    Args:
        app: what is guarded.
        token: what a request must show; "" for none. Without a token a request must name this machine as its host: a
            page of another site cannot make a browser on this machine read along under a name of its own.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Content-Security-Policy", POLICY)
            await send(message)

        await self._answer(scope)(scope, receive, guarded)

    def _answer(self, scope: Scope) -> ASGIApp:
        headers = Headers(scope=scope)
        if scope["path"] != "/" and headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return JSONResponse(FOREIGN.model_dump(), 403)
        if not self._token:
            known = names_this_machine(headers.get("host", ""))
            return self._app if known else JSONResponse(STRANGE_HOST.model_dump(), 400)
        asked = parse_qs(scope["query_string"].decode("ascii", "replace")).get("token", [""])[0]
        if scope["path"] == "/" and self._is_token(asked):
            return self._with_cookie()
        shown = (asked, _bearer(headers), _cookie(headers))
        return self._app if any(map(self._is_token, shown)) else JSONResponse(DENIED.model_dump(), 401)

    def _is_token(self, shown: str) -> bool:
        return hmac.compare_digest(shown.encode(), self._token.encode())

    def _with_cookie(self) -> RedirectResponse:
        """Keep the token in a cookie, and take it out of the address that the browser shows."""
        answer = RedirectResponse("/", 303)
        answer.set_cookie(COOKIE, self._token, max_age=30 * 86_400, httponly=True, samesite="strict")
        return answer


def _bearer(headers: Headers) -> str:
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _cookie(headers: Headers) -> str:
    try:
        found = http.cookies.SimpleCookie(headers.get("cookie", ""))
    except http.cookies.CookieError:
        return ""
    return found[COOKIE].value if COOKIE in found else ""


def names_this_machine(host: str) -> bool:
    """Tell whether a Host header names this machine."""
    name = re.sub(r":\d{1,5}$", "", host).removeprefix("[").removesuffix("]")
    return name.lower() == "localhost" or is_loopback(name)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches an address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def token_of(store: Path) -> str:
    """Get the token of a store's page; made once, so that a page open in a browser outlives the director.

    Raises:
        ConfigError: it can be neither read nor kept.
    """
    path = store / TOKEN_FILE
    try:
        store.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.touch(0o600)
            path.write_text(secrets.token_urlsafe(32), "ascii")
        found = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(f"the token of the live page, '{path}', cannot be had: {problem}") from problem
    if _TOKEN.fullmatch(found) is None:
        raise ConfigError(f"'{path}' holds no token", "remove it; a new one is made")
    return found
