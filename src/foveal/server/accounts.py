"""Who may do what: users with roles, sessions of browsers, and keys of programs."""

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
from dataclasses import dataclass
from typing import Any, final

from foveal.core.errors import InputError
from foveal.server.state import State

READ, LOOK, TEACH, FORGET, ADMIN = SCOPES = ("read", "look", "teach", "forget", "admin")
ROLES = {
    "viewer": frozenset({READ}),
    "operator": frozenset({READ, LOOK}),
    "teacher": frozenset({READ, LOOK, TEACH, FORGET}),
    "administrator": frozenset(SCOPES),
}
SESSION_S = 12 * 3600.0
LEAST_PASSWORD = 10
# Whoever guesses waits up to an hour; whose name is guessed must not be locked out for so long.
LONGEST_WAIT_ADDRESS_S, LONGEST_WAIT_USER_S = 3600.0, 30.0
OUTSIDE = "outside"  # in place of a password: a provider says who it is
# scrypt as OWASP's password storage cheat sheet advises for 32 MiB: N = 2^15, r = 8, p = 3.
_N, _R, _P = 1 << 15, 8, 3
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")


class SignInError(InputError):
    """Name and password do not fit."""


class WaitError(InputError):
    """Too many failed attempts; `after_s` says when to try again."""

    def __init__(self, after_s: int) -> None:
        super().__init__(f"Too many attempts. Try again in {after_s} s.")
        self.after_s = after_s


@dataclass(frozen=True)
class Caller:
    """Who asks. `csrf` is the token that a browser must repeat with every change; None for programs."""

    name: str
    role: str
    scopes: frozenset[str]
    csrf: str | None = None

    def may(self, scope: str) -> bool:
        """Whether it may do what needs this scope."""
        return scope in self.scopes


def hash_password(password: str) -> str:
    """Salted scrypt (RFC 7914) as text."""
    salt = secrets.token_bytes(16)
    return _format(salt, _scrypt(password, salt, _N, _R, _P))


def _format(salt: bytes, digest: bytes) -> str:
    return f"scrypt${_N}${_R}${_P}${_b64(salt)}${_b64(digest)}"


def is_password(password: str, kept: str) -> bool:
    """Whether a password is the one that was hashed; takes the same time either way."""
    if kept == OUTSIDE:
        return False
    _, n, r, p, salt, digest = kept.split("$")
    found = _scrypt(password, base64.b64decode(salt), int(n), int(r), int(p))
    return hmac.compare_digest(found, base64.b64decode(digest))


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, maxmem=1 << 27, dklen=32)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@final
class Accounts:
    """Users, sessions and keys of one server."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._failed: dict[str, tuple[int, float]] = {}
        # Checked for names that nobody has, which takes as long; no password gives it.
        self._nobody = _format(secrets.token_bytes(16), secrets.token_bytes(32))

    # -- users --------------------------------------------------------------------------------------------

    def users(self) -> list[dict[str, Any]]:
        """Name, role and time of creation of everybody."""
        return self._state.all("SELECT name, role, created FROM users ORDER BY name")

    def add_user(self, who: str, name: str, role: str, password: str) -> None:
        """Make a user; raises InputError for a name that is taken or a password that is too short."""
        if not _NAME.fullmatch(name):
            raise InputError("A name has 1 to 64 small letters, digits or . _ @ -, and begins with a letter or digit.")
        if self._state.one("SELECT name FROM users WHERE name = ?", name):
            raise InputError(f"There is a user {name} already.")
        _check(role, password)
        with self._state.change(who, "add user", user=name, role=role) as connection:
            connection.execute(
                "INSERT INTO users VALUES (?, ?, ?, ?)", (name, role, hash_password(password), time.time())
            )

    def take_in(self, name: str, role: str) -> None:
        """Make a user who signs in through a provider only, where there is none.

        Raises SignInError for the name of somebody with a password here: the provider must not speak for them.
        """
        user = self._state.one("SELECT password FROM users WHERE name = ?", name)
        if user is None:
            _check(role, None)
            with self._state.change("openid", "add user", user=name, role=role) as connection:
                connection.execute("INSERT INTO users VALUES (?, ?, ?, ?)", (name, role, OUTSIDE, time.time()))
        elif user["password"] != OUTSIDE:
            raise SignInError(f"{name} signs in with a password here.")

    def change_user(self, who: str, name: str, *, role: str | None = None, password: str | None = None) -> None:
        """Set role or password, and end the user's sessions; raises InputError for the last administrator's role."""
        user = self._find(name)
        _check(role or user["role"], password)
        self._keep_an_administrator(user, role or user["role"])
        new = hash_password(password) if password is not None else user["password"]
        with self._state.change(who, "change user", user=name, role=role or user["role"]) as connection:
            connection.execute(
                "UPDATE users SET role = ?, password = ? WHERE name = ?", (role or user["role"], new, name)
            )
            connection.execute("DELETE FROM sessions WHERE user = ?", (name,))

    def delete_user(self, who: str, name: str) -> None:
        """Take a user away with sessions and keys."""
        self._keep_an_administrator(self._find(name), "")
        with self._state.change(who, "delete user", user=name) as connection:
            for table, column in (("sessions", "user"), ("keys", "user"), ("users", "name")):
                connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (name,))
            connection.execute("DELETE FROM answers")

    def _find(self, name: str) -> dict[str, Any]:
        user = self._state.one("SELECT * FROM users WHERE name = ?", name)
        if user is None:
            raise InputError(f"There is no user {name}.")
        return user

    def _keep_an_administrator(self, user: dict[str, Any], role: str) -> None:
        others = self._state.one("SELECT 1 FROM users WHERE role = 'administrator' AND name != ?", user["name"])
        if user["role"] == "administrator" and role != "administrator" and others is None:
            raise InputError(f"{user['name']} is the only administrator. Make another one first.")

    # -- sessions -----------------------------------------------------------------------------------------

    def sign_in(self, name: str, password: str, address: str) -> str:
        """Begin a session and return its token.

        Raises SignInError where name and password do not fit, WaitError after too many attempts.
        """
        keys = {f"user {name}": LONGEST_WAIT_USER_S, f"address {address}": LONGEST_WAIT_ADDRESS_S}
        for key, longest in keys.items():
            self._check_attempts(key, longest)
        user = self._state.one("SELECT password FROM users WHERE name = ? AND password != ?", name, OUTSIDE)
        kept = user["password"] if user else self._nobody
        if not is_password(password, kept) or user is None:
            for key in keys:
                n, _ = self._failed.get(key, (0, 0.0))
                self._failed[key] = (n + 1, time.time())
            raise SignInError("Name and password do not fit.")
        self._failed.pop(f"user {name}", None)
        return self.begin_session(name)

    def begin_session(self, name: str) -> str:
        """A session for a user who has proved who it is."""
        token = secrets.token_urlsafe(32)
        with self._state.change(name, "sign in") as connection:
            connection.execute("DELETE FROM sessions WHERE expires < ?", (time.time(),))
            row = (_hash(token), name, secrets.token_urlsafe(24), time.time() + SESSION_S)
            connection.execute("INSERT INTO sessions VALUES (?, ?, ?, ?)", row)
        return token

    def _check_attempts(self, key: str, longest: float) -> None:
        """After five failures wait, each time twice as long."""
        if len(self._failed) > 10_000:
            self._failed = {k: v for k, v in self._failed.items() if time.time() - v[1] < 3600}
        n, last = self._failed.get(key, (0, 0.0))
        wait = last + min(longest, 2.0 ** min(n - 2, 20)) - time.time() if n >= 5 else 0.0
        if wait > 0:
            raise WaitError(int(wait) + 1)

    def sign_out(self, token: str) -> None:
        """End a session."""
        with self._state.note() as connection:
            connection.execute("DELETE FROM sessions WHERE token = ?", (_hash(token),))

    def caller_of_session(self, token: str) -> Caller | None:
        """Who a browser is signed in as."""
        row = self._state.one(
            "SELECT u.name, u.role, s.csrf FROM sessions s JOIN users u ON u.name = s.user "
            "WHERE s.token = ? AND s.expires > ?",
            _hash(token),
            time.time(),
        )
        return Caller(row["name"], row["role"], ROLES[row["role"]], row["csrf"]) if row else None

    # -- keys ---------------------------------------------------------------------------------------------

    def all_keys(self) -> list[dict[str, Any]]:
        """All keys, without their secrets."""
        rows = self._state.all("SELECT id, name, user, scopes, created, expires FROM keys ORDER BY created")
        return [{**row, "scopes": json.loads(row["scopes"])} for row in rows]

    def add_key(self, caller: Caller, name: str, scopes: list[str], days: float | None) -> tuple[str, str]:
        """Make a key; returns its id and the key itself, which is kept nowhere."""
        beyond = [scope for scope in scopes if scope not in caller.scopes]
        if beyond or not scopes:
            raise InputError(f"A key's scopes are some of {', '.join(sorted(caller.scopes))}; got {', '.join(scopes)}.")
        number, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        expires = None if days is None else time.time() + 86400 * days
        row = (number, name, caller.name, json.dumps(sorted(scopes)), _hash(secret), time.time(), expires)
        with self._state.change(caller.name, "add key", key=number, scopes=sorted(scopes)) as connection:
            connection.execute("INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        return number, f"fv_{number}_{secret}"

    def delete_key(self, who: str, number: str) -> bool:
        """Take a key away; tells whether there was one."""
        if self._state.one("SELECT 1 FROM keys WHERE id = ?", number) is None:
            return False
        with self._state.change(who, "delete key", key=number) as connection:
            connection.execute("DELETE FROM keys WHERE id = ?", (number,))
            connection.execute("DELETE FROM answers")  # kept answers were given to those who may no longer ask
        return True

    def caller_of_key(self, key: str) -> Caller | None:
        """Whom a key speaks for: its scopes, as far as its user still has them."""
        prefix, _, rest = key.partition("_")
        number, _, secret = rest.partition("_")
        row = self._state.one(
            "SELECT k.secret, k.scopes, k.expires, u.name, u.role FROM keys k JOIN users u ON u.name = k.user "
            "WHERE k.id = ?",
            number,
        )
        if prefix != "fv" or row is None or not hmac.compare_digest(row["secret"], _hash(secret)):
            return None
        if row["expires"] is not None and row["expires"] < time.time():
            return None
        return Caller(row["name"], row["role"], ROLES[row["role"]] & set(json.loads(row["scopes"])))


def _check(role: str, password: str | None) -> None:
    if role not in ROLES:
        raise InputError(f"A role is one of {', '.join(ROLES)}, got {role!r}.")
    if password is not None and not LEAST_PASSWORD <= len(password) <= 1024:
        raise InputError(f"A password has at least {LEAST_PASSWORD} letters.")
