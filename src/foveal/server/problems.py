"""Errors as problem details (RFC 9457): one table from what foveal raises to what HTTP says."""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Match, Route

from foveal.core.errors import (
    BusyError,
    DecodeError,
    FovealError,
    InputError,
    IntegrityError,
    MissingExtraError,
    ModelError,
    StoreError,
)
from foveal.server.accounts import SignInError, WaitError
from foveal.server.children import FullError, LostError
from foveal.server.workspaces import UnknownError, UntaughtError

MEDIA = "application/problem+json"


class TooSlowError(FovealError):
    """The body of a request did not come."""


class TooLargeError(FovealError):
    """The body of a request is larger than is allowed."""


# Most specific class first: status, the last part of the problem's type, and its title.
TABLE: tuple[tuple[type[FovealError], int, str, str], ...] = (
    (UnknownError, 404, "unknown", "There is nothing of that name"),
    (UntaughtError, 409, "untaught", "It cannot answer this yet"),
    (SignInError, 401, "sign-in", "Name and password do not fit"),
    (WaitError, 429, "wait", "Too many attempts"),
    (FullError, 503, "busy", "The server is busy"),
    (TooSlowError, 408, "slow", "The request did not come"),
    (TooLargeError, 413, "too-large", "Too large"),
    (LostError, 409, "interrupted", "It was interrupted"),
    (BusyError, 409, "busy-workspace", "The workspace is being written to"),
    (StoreError, 409, "workspace", "The workspace cannot be used"),
    (DecodeError, 422, "picture", "The picture cannot be read"),
    (InputError, 422, "input", "What was given cannot be used"),
    (ModelError, 409, "model", "The recognizer cannot be used"),
    (IntegrityError, 409, "integrity", "Something was altered"),
    (MissingExtraError, 409, "missing", "An optional part is not installed"),
)
TITLES = {400: "The request cannot be read", 401: "Sign in first", 403: "Not allowed", 404: "Not found",
          405: "Not this method", 408: "The request did not come", 409: "Not now", 411: "Say how long it is",
          413: "Too large", 415: "Not this kind of content", 422: "What was given cannot be used",
          429: "Too many requests", 500: "Something went wrong here", 503: "The server is busy"}  # fmt: skip


def make_problem(status: int, kind: str, detail: str, request_id: str = "", **more: Any) -> dict[str, Any]:
    """The fields of a problem."""
    title = next((row[3] for row in TABLE if row[2] == kind), TITLES.get(status, "Not possible"))
    plain = {"type": f"urn:foveal:problem:{kind}", "title": title, "status": status, "detail": detail}
    return plain | ({"request_id": request_id} if request_id else {}) | more


def respond(status: int, kind: str, detail: str, request: Request | None = None, **more: Any) -> JSONResponse:
    """A problem as a response; where `after_s` is given, it says when to come back."""
    after = more.pop("after_s", None)
    headers = {"Retry-After": str(after)} if after else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    request_id = "" if request is None else str(request.scope.get("foveal.request_id", ""))
    plain = make_problem(status, kind, detail, request_id, **more)
    return JSONResponse(plain, status, headers=headers, media_type=MEDIA)


def on_foveal_error(request: Request, problem: Exception) -> JSONResponse:
    """What foveal raises on purpose."""
    for kind, status, name, _ in TABLE:
        if isinstance(problem, kind):
            after = getattr(problem, "after_s", 1 if status == 503 or isinstance(problem, BusyError) else None)
            return respond(status, name, str(problem), request, after_s=after)
    return respond(409, "failed", str(problem), request)


def on_http_error(request: Request, problem: Exception) -> JSONResponse:
    """What the framework raises: unknown paths, wrong methods, unreadable forms."""
    if not isinstance(problem, HTTPException):
        return respond(500, "failure", "Something went wrong here; the log says what.", request)
    response = respond(problem.status_code, "http", str(problem.detail), request)
    for name, value in (problem.headers or {}).items():
        response.headers[name] = value
    if problem.status_code == 405:
        response.headers["Allow"] = ", ".join(sorted(_methods(request)))
    return response


def _methods(request: Request) -> set[str]:
    """Every method that the path has, whatever route it belongs to."""
    return {
        method
        for route in request.app.routes
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
        for method in route.methods or ()
    }


def on_invalid(request: Request, problem: Any) -> JSONResponse:
    """What does not fit the description of the API; names the fields, never repeats what was sent."""
    errors = [{"field": ".".join(map(str, one["loc"])), "message": one["msg"]} for one in problem.errors()]
    told = "; ".join(f"{one['field']}: {one['message']}" for one in errors[:5])
    return respond(422, "invalid", told or "The request does not fit the API.", request, errors=errors)
