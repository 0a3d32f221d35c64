"""Idempotency keys: a change that is asked for twice with one key happens once, and both get the same answer."""

import hashlib
import json
import time
from typing import final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from foveal.server.edges import send_problem
from foveal.server.state import State

KEPT_S = 24 * 3600.0
LARGEST_ANSWER = 1 << 20
CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@final
class Repeats:
    """Keeps the answers to changes that carry the header Idempotency-Key, for a day."""

    def __init__(self, app: ASGIApp, *, state: State) -> None:
        self._app, self._state = app, state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a repeated change from what was kept, and keep the answer to a new one."""
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers({})
        key = headers.get("idempotency-key", "")
        if scope["type"] != "http" or not key or scope["method"] not in CHANGES:
            await self._app(scope, receive, send)
            return
        if len(key) > 255:
            await send_problem(send, 422, "input", "An idempotency key has at most 255 signs.")
            return
        who = hashlib.sha256((headers.get("authorization", "") + headers.get("cookie", "")).encode()).hexdigest()
        request = f"{scope['method']} {scope['path']}?{scope['query_string'].decode('latin-1')}"
        known = self._state.one("SELECT * FROM answers WHERE key = ? AND who = ?", key, who)
        if known is None or known["time"] < time.time() - KEPT_S:
            await self._first(scope, receive, send, (key, who, request))
        elif known["status"] is None and known["time"] > time.time() - 60:
            await send_problem(send, 409, "repeated", "The first request with this key is still being answered.", 1)
        elif known["status"] is None:
            await self._first(scope, receive, send, (key, who, request))  # it never got an answer
        else:
            digest = await _hash_body(receive)
            if (known["request"], known["body"]) != (request, digest):
                await send_problem(send, 422, "repeated", "This idempotency key was used for another request.")
                return
            kept = [(name.encode(), value.encode()) for name, value in json.loads(known["headers"])]
            start = {"type": "http.response.start", "status": known["status"], "headers": kept}
            await send({**start, "headers": [*kept, (b"idempotent-replay", b"true")]})
            await send({"type": "http.response.body", "body": known["answer"]})

    async def _first(self, scope: Scope, receive: Receive, send: Send, named: tuple[str, str, str]) -> None:
        key, who, request = named
        with self._state.note() as connection:
            connection.execute("DELETE FROM answers WHERE time < ?", (time.time() - KEPT_S,))
            row = (key, who, request, "", time.time())
            connection.execute("INSERT OR REPLACE INTO answers (key, who, request, body, time) VALUES (?,?,?,?,?)", row)
        digest, parts = hashlib.sha256(), list[bytes]()
        started: list[Message] = [{}]

        async def receiving() -> Message:
            message = await receive()
            digest.update(message.get("body", b""))
            return message

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                started[0] = dict(message)
            else:
                parts.append(message.get("body", b""))
                if not message.get("more_body"):
                    self._keep(key, who, digest.hexdigest(), started[0], b"".join(parts))
            await send(message)

        await self._app(scope, receiving, sending)

    def _keep(self, key: str, who: str, digest: str, start: Message, answer: bytes) -> None:
        """Keep an answer of what was done, or cannot be; any other is not kept, so that asking again helps."""
        status = int(start.get("status", 500))
        with self._state.note() as connection:
            if not (200 <= status < 300 or status == 422) or len(answer) > LARGEST_ANSWER:
                connection.execute("DELETE FROM answers WHERE key = ? AND who = ?", (key, who))
                return
            headers = [
                (name.decode("latin-1"), value.decode("latin-1"))
                for name, value in start["headers"]
                if name.lower() in (b"content-type", b"location", b"content-length")
            ]
            connection.execute(
                "UPDATE answers SET body = ?, status = ?, headers = ?, answer = ? WHERE key = ? AND who = ?",
                (digest, status, json.dumps(headers), answer, key, who),
            )


async def _hash_body(receive: Receive) -> str:
    digest = hashlib.sha256()
    while True:
        message = await receive()
        digest.update(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return digest.hexdigest()
