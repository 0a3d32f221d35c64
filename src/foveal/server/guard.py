"""Who is asking, and whether they may: sessions of browsers with CSRF tokens, and keys of programs."""

import hmac
from collections.abc import Awaitable, Callable
from typing import Annotated, cast
from urllib.parse import urlsplit

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from foveal.core.errors import FovealError
from foveal.server.accounts import Caller
from foveal.server.house import House

COOKIE, SECURE_COOKIE = "foveal", "__Host-foveal"
CSRF = "x-csrf-token"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

_bearer = HTTPBearer(auto_error=False, description="A key made under Settings or with POST /v1/keys.")
_cookie = APIKeyCookie(name=COOKIE, auto_error=False, description="The session of a browser that signed in.")


class NobodyError(FovealError):
    """Nobody is signed in, and no valid key was given."""


class ForbiddenError(FovealError):
    """Whoever asks may not do this."""


def house_of(request: Request) -> House:
    """The server's parts."""
    return cast(House, request.app.state.house)


def caller_of(request: Request, bearer: str | None) -> Caller | None:
    """Who asks, by key or by session; None for nobody."""
    house = house_of(request)
    if bearer is not None:
        return house.accounts.caller_of_key(bearer)
    token = request.cookies.get(SECURE_COOKIE if house.options.is_secure else COOKIE)
    return house.accounts.caller_of_session(token) if token else None


def _check_csrf(request: Request, caller: Caller) -> None:
    """A browser must show that the page it changes something from is ours."""
    if request.method in SAFE or caller.csrf is None:
        return
    origin = request.headers.get("origin")
    if origin and urlsplit(origin).netloc != request.headers.get("host"):
        raise ForbiddenError("This came from another page.")
    if not hmac.compare_digest(request.headers.get(CSRF, ""), caller.csrf):
        raise ForbiddenError("The token of the page is missing or old. Load the page again.")


def asking(scope: str) -> Callable[..., Awaitable[Caller]]:
    """A dependency: the caller, who has this scope. Raises NobodyError or ForbiddenError otherwise."""

    async def check(
        request: Request,
        bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
        cookie: Annotated[str | None, Security(_cookie)],
    ) -> Caller:
        caller = caller_of(request, bearer.credentials if bearer else None)
        if caller is None:
            raise NobodyError("Sign in, or give a key as Authorization: Bearer KEY.")
        _check_csrf(request, caller)
        if not caller.may(scope):
            raise ForbiddenError(f"This needs the right to {scope}, which {caller.role}s or this key do not have.")
        return caller

    return check


HouseDep = Annotated[House, Depends(house_of)]
Reader = Annotated[Caller, Depends(asking("read"))]
Looker = Annotated[Caller, Depends(asking("look"))]
Teacher = Annotated[Caller, Depends(asking("teach"))]
Forgetter = Annotated[Caller, Depends(asking("forget"))]
Administrator = Annotated[Caller, Depends(asking("admin"))]
