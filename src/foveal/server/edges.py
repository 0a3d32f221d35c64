"""The edges of every request: its id, its log line, its limits, and the headers that keep browsers safe."""

import asyncio
import json
import secrets
import sys
import time
from collections.abc import Callable
from typing import Any, final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from foveal.server.children import FullError
from foveal.server.counting import Counters
from foveal.server.options import Limits
from foveal.server.problems import MEDIA, TooLargeError, TooSlowError, make_problem

SMALL = 1 << 20  # bytes of a request that is never refused because of others
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SAFE = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


async def send_problem(send: Send, status: int, kind: str, detail: str, after_s: int = 0) -> None:
    """Answer with a problem, outside of any route."""
    body = json.dumps(make_problem(status, kind, detail)).encode()
    headers = [(b"content-type", MEDIA.encode()), (b"content-length", str(len(body)).encode())]
    if after_s:
        headers.append((b"retry-after", str(after_s).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@final
class Outside:
    """The outermost edge: request ids, a log line without personal data, figures, safe headers, last resort."""

    def __init__(self, app: ASGIApp, *, counters: Counters, secure: bool, log: Callable[[str], None]) -> None:
        self._app, self._counters, self._log = app, counters, log
        self._safe = SAFE | ({"Strict-Transport-Security": "max-age=31536000"} if secure else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), [0]
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if given.isalnum() and len(given) <= 64 else secrets.token_hex(8)
        scope["foveal.request_id"] = request_id

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                status[0] = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in self._safe.items():
                    headers.setdefault(name, value)
                headers["X-Request-Id"] = request_id
            await send(message)

        self._counters.active += 1
        try:
            await self._app(scope, receive, sending)
        finally:
            self._counters.active -= 1
            seconds = time.perf_counter() - begun
            route = getattr(scope.get("route"), "path", "other")
            self._counters.count(scope["method"], route, status[0], seconds)
            self._log(_line(request_id, scope["method"], route, status[0], seconds))


def _line(request_id: str, method: str, route: str, status: int, seconds: float) -> str:
    """The route's pattern rather than the path: names of people may stand in a path."""
    plain: dict[str, Any] = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "event": "request", "id": request_id,
        "method": method, "route": route, "status": status, "ms": round(1000 * seconds, 1),
    }  # fmt: skip
    return json.dumps(plain)


def write_log(line: str) -> None:
    """Write a line of the structured log to standard error."""
    sys.stderr.write(line + "\n")


@final
class Bodies:
    """Bodies of requests: none too large, none too slow, and not too many bytes at once."""

    def __init__(self, app: ASGIApp, *, limits: Limits, counters: Counters) -> None:
        self._app, self._limits, self._counters = app, limits, counters
        self._most = f"At most {limits.upload_bytes >> 20} MiB in one request."

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, counting."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        said = Headers(scope=scope).get("content-length", "0")
        n_said = int(said) if said.isdecimal() else 0
        if n_said > self._limits.upload_bytes:
            await send_problem(send, 413, "too-large", self._most)
            return
        if self._counters.bytes_in_flight + n_said > self._limits.in_flight_bytes:
            await send_problem(send, 503, "busy", "Too much is being uploaded at the moment.", after_s=2)
            return
        await self._pass(scope, receive, send)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        got, ended, begun = [0], [False], time.monotonic()

        async def receiving() -> Message:
            if ended[0]:
                return await receive()  # waits for the client to go away, which may take its time
            # So long for nothing at all, and for every byte that came as long as the slowest line that is served needs.
            until = begun + self._limits.body_seconds + got[0] / self._limits.slowest_rate
            try:
                message = await asyncio.wait_for(receive(), max(0.001, until - time.monotonic()))
            except TimeoutError:
                raise TooSlowError("The request came too slowly.") from None
            n = len(message.get("body", b""))
            ended[0] = message["type"] != "http.request" or not message.get("more_body")
            got[0] += n
            self._counters.bytes_in_flight += n
            if got[0] > self._limits.upload_bytes:
                raise TooLargeError(self._most)
            if self._counters.bytes_in_flight > self._limits.in_flight_bytes and got[0] > SMALL:
                raise FullError(2)
            return message

        try:
            await self._app(scope, receiving, send)
        finally:
            self._counters.bytes_in_flight -= got[0]
