"""Signing in through a provider: a small real one, with keys, codes and PKCE, that can also lie."""

import base64
import hashlib
import http.server
import json
import threading
import time
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.server.serving import Served, free_port


class Provider:
    """Hands out codes to whoever comes, for one person; `lie` changes the claims of the token."""

    def __init__(self):
        self.key, self.other = (RSAKey.generate_key(2048, {"kid": name}) for name in ("one", "one"))
        self.issuer = f"http://127.0.0.1:{free_port()}"
        self.codes, self.lie, self.signs_with = {}, {}, self.key
        self.person = {"sub": "42", "email": "Ann@Example.org"}
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *arguments):
                pass

            def do_GET(self):
                self.answer(server.get(self.path))

            def do_POST(self):
                form = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self.answer(server.token({key: values[0] for key, values in parse_qs(form).items()}))

            def answer(self, plain):
                body = json.dumps(plain).encode()
                self.send_response(200 if plain else 400)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", urlsplit(self.issuer).port), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def get(self, path):
        if path == "/keys":
            return {"keys": [self.key.as_dict(private=False)]}
        return {"issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys"}  # fmt: skip

    def authorize(self, url):
        """What a person's browser does there: come back with a code."""
        asked = {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}
        code = hashlib.sha256(asked["state"].encode()).hexdigest()
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, form):
        asked = self.codes.pop(form["code"], None)
        if asked is None or form["client_secret"] != "secret" or form["redirect_uri"] != asked["redirect_uri"]:
            return {}
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != asked["code_challenge"]:
            return {}
        claims = {"iss": self.issuer, "aud": asked["client_id"], "nonce": asked["nonce"], "exp": int(time.time()) + 60,
                  **self.person, **self.lie}  # fmt: skip
        return {"id_token": jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.signs_with), "access_token": "x"}

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def provided(tmp_path_factory):
    provider = Provider()
    more = f"open_id=OpenId({provider.issuer!r}, 'foveal', 'secret', 'operator')"
    served = Served(tmp_path_factory.mktemp("openid") / "home", more)
    yield served, provider
    served.stop()
    provider.close()


@pytest.fixture
def visit(provided):
    served, provider = provided
    provider.lie, provider.signs_with, provider.person = {}, provider.key, {"sub": "42", "email": "Ann@Example.org"}
    return served.session(), provider


def go(session, provider):
    there = session.get("/sign-in/openid")
    assert there.status_code == 303
    back = urlsplit(provider.authorize(there.headers["Location"]))
    return session.get(f"{back.path}?{back.query}")


def test_somebody_known_to_the_provider_is_signed_in(visit):
    session, provider = visit
    assert go(session, provider).headers["Location"] == "/"
    assert session.get("/v1/me").json() == {"name": "ann@example.org", "role": "operator", "scopes": ["look", "read"]}
    assert "Sign in with your organization" in httpx.get(f"{session.base_url}/sign-in").text


@pytest.mark.parametrize(
    "lie", [{"aud": "another"}, {"iss": "http://other"}, {"nonce": "old"}, {"exp": 1}, {"exp": None}, {"sub": None}]
)
def test_a_token_that_does_not_fit_is_refused(visit, lie):
    session, provider = visit
    provider.lie = lie
    assert go(session, provider).status_code == 401
    assert session.get("/v1/me").status_code == 401


def test_a_token_signed_with_another_key_is_refused(visit):
    session, provider = visit
    provider.signs_with = provider.other
    assert go(session, provider).status_code == 401


def test_a_code_cannot_be_used_by_another_browser_or_twice(visit, provided):
    session, provider = visit
    back = urlsplit(provider.authorize(session.get("/sign-in/openid").headers["Location"]))
    other = provided[0].session()
    assert other.get(f"{back.path}?{back.query}").status_code == 401
    assert session.get(f"{back.path}?{back.query}").status_code == 401  # the attempt used it up


def test_the_provider_does_not_speak_for_people_with_passwords_here(visit):
    session, provider = visit
    provider.person = {"sub": "1", "email": "admin"}
    assert go(session, provider).status_code == 401
    assert session.get("/v1/me").status_code == 401


def test_nobody_signs_in_with_a_password_as_somebody_of_the_provider(visit, provided):
    session, provider = visit
    go(session, provider)
    answer = httpx.post(f"{provided[0].address}/sign-in", data={"name": "ann@example.org", "password": "outside"})
    assert answer.status_code == 401
