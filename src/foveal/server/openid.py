"""Signing in with an OpenID Connect provider: authorization code with PKCE (RFC 7636), ID token checked by its keys."""

import asyncio
import base64
import hashlib
import json
import re
import secrets
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Annotated, Any, final
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from foveal.core.errors import MissingExtraError
from foveal.server.accounts import SignInError
from foveal.server.guard import HouseDep
from foveal.server.house import House
from foveal.server.options import OpenId
from foveal.server.pages.routes import keep_session
from foveal.server.workspaces import UnknownError

router = APIRouter(include_in_schema=False)
CALLBACK = "/sign-in/openid/back"
WAIT_S, VALID_S, LEEWAY_S = 10.0, 600.0, 60
MOST_WAITING = 10_000
COOKIE = "foveal-openid"


@dataclass(frozen=True)
class _Begun:
    nonce: str
    verifier: str
    browser: str  # the same browser must come back
    until: float


@final
class Visits:
    """Sign-ins that have begun and not come back yet."""

    def __init__(self) -> None:
        self._begun: dict[str, _Begun] = {}

    def begin(self) -> tuple[str, _Begun]:
        """A new one; returns the state that comes back with it."""
        now = time.time()
        self._begun = {key: one for key, one in self._begun.items() if one.until > now}
        if len(self._begun) >= MOST_WAITING:
            raise SignInError("Too many people are signing in. Try again in a few minutes.")
        state = secrets.token_urlsafe(24)
        nonce, verifier, browser = (secrets.token_urlsafe(32) for _ in range(3))
        one = _Begun(nonce, verifier, browser, now + VALID_S)
        self._begun[state] = one
        return state, one

    def end(self, state: str, browser: str) -> _Begun:
        """The one that comes back; raises SignInError for one that did not begin here, or too long ago."""
        one = self._begun.pop(state, None)
        if one is None or one.until < time.time() or not secrets.compare_digest(one.browser, browser):
            raise SignInError("This sign-in did not begin here, or too long ago. Begin again.")
        return one


VISITS = Visits()


@router.get("/sign-in/openid")
async def begin(request: Request, house: HouseDep) -> Response:
    """Send the browser to the provider."""
    provider = _provider(house)
    about = await asyncio.to_thread(_discover, provider)
    state, one = VISITS.begin()
    challenge = base64.urlsafe_b64encode(hashlib.sha256(one.verifier.encode()).digest()).decode().rstrip("=")
    query = {
        "response_type": "code", "client_id": provider.client_id, "redirect_uri": _callback(request),
        "scope": "openid email profile", "state": state, "nonce": one.nonce, "code_challenge": challenge,
        "code_challenge_method": "S256",
    }  # fmt: skip
    response = RedirectResponse(f"{about['authorization_endpoint']}?{urlencode(query)}", 303)
    response.set_cookie(
        COOKIE, one.browser, max_age=int(VALID_S), httponly=True, secure=house.options.is_secure, samesite="lax"
    )
    return response


@router.get(CALLBACK)
async def back(
    request: Request,
    house: HouseDep,
    state: Annotated[str, Query(max_length=200)] = "",
    code: Annotated[str, Query(max_length=4000)] = "",
) -> Response:
    """Take the browser back, check who it is, and begin a session."""
    provider = _provider(house)
    one = VISITS.end(state, request.cookies.get(COOKIE, ""))
    claims = await asyncio.to_thread(_exchange, provider, code, one, _callback(request))
    name = re.sub(
        r"[^a-z0-9._@-]", "-", str(claims.get("email") or claims.get("preferred_username") or claims["sub"]).lower()
    )
    name = name.lstrip("._@-")[:64] or "somebody"
    house.accounts.take_in(name, provider.role)
    response = keep_session(house, house.accounts.begin_session(name))
    response.delete_cookie(COOKIE)
    return response


def _provider(house: House) -> OpenId:
    if house.options.open_id is None:
        raise UnknownError("Nobody signs in through a provider here.")
    return house.options.open_id


def _callback(request: Request) -> str:
    return str(request.url.replace(path=CALLBACK, query=""))


def _get(url: str, data: dict[str, str] | None = None) -> dict[str, Any]:
    body = urlencode(data).encode() if data is not None else None
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body), timeout=WAIT_S) as answer:
            found = json.loads(answer.read(1 << 20))
    except (urllib.error.URLError, OSError, ValueError):
        raise SignInError("The provider did not answer as it should. Try again.") from None
    return found if isinstance(found, dict) else {}


def _discover(provider: OpenId) -> dict[str, Any]:
    about = _get(f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration")
    if about.get("issuer") != provider.issuer or not {"authorization_endpoint", "token_endpoint", "jwks_uri"} <= set(
        about
    ):
        raise SignInError("The provider's description does not fit its address.")
    return about


def _exchange(provider: OpenId, code: str, one: _Begun, callback: str) -> dict[str, Any]:
    """Claims of a checked ID token (OpenID Connect Core 1.0, section 3.1.3.7)."""
    try:
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet
    except ImportError:
        raise MissingExtraError("Signing in with OpenID Connect", "openid") from None
    about = _discover(provider)
    given = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": callback, "code_verifier": one.verifier,
        "client_id": provider.client_id, "client_secret": provider.client_secret,
    }  # fmt: skip
    token = _get(about["token_endpoint"], given).get("id_token", "")
    try:
        keys = KeySet.import_key_set(_get(about["jwks_uri"]))  # type: ignore[arg-type]
        claims = jwt.decode(token, keys, algorithms=["RS256", "ES256", "EdDSA", "Ed25519"]).claims
        rules = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_S,
            iss={"essential": True, "value": provider.issuer},
            aud={"essential": True, "value": provider.client_id},
            nonce={"essential": True, "value": one.nonce},
            exp={"essential": True},
            sub={"essential": True},
        )
        rules.validate(claims)
    except (JoseError, ValueError, KeyError):
        raise SignInError("The provider's token is not valid.") from None
    return dict(claims)
