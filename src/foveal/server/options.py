"""How a server is run, and what it refuses."""

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

from foveal.core.errors import InputError
from foveal.workflows.seeing import count_threads

PORT = 8765
MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What is refused, so that nobody can use the server up."""

    upload_bytes: int = 512 * MIB  # of one request
    picture_bytes: int = 64 * MIB
    pixels: int = 150_000_000
    files: int = 1000  # of one request
    seconds: float = 20.0  # for one picture
    child_memory: int = 3 << 30  # bytes of a process that decodes
    waiting: int = 64  # questions that wait for a free process
    body_seconds: float = 30.0  # for a request without a body; its bytes give it more
    slowest_rate: float = 10_000.0  # bytes a second
    in_flight_bytes: int = 512 * MIB  # of all requests together


@dataclass(frozen=True)
class OpenId:
    """An OpenID Connect provider that signs people in; `role` is what its users get."""

    issuer: str
    client_id: str
    client_secret: str
    role: str = "viewer"


@dataclass(frozen=True)
class Options:
    """`proxies` are addresses of declared reverse proxies, which speak TLS to the world."""

    folder: Path
    host: str = "127.0.0.1"
    port: int = PORT
    certificate: Path | None = None
    private_key: Path | None = None
    proxies: tuple[str, ...] = ()
    children: int = field(default_factory=count_threads)
    url_hosts: tuple[str, ...] = ()  # pictures may be fetched from these; none by default
    open_id: OpenId | None = None
    limits: Limits = field(default_factory=Limits)

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach it through TLS only."""
        return self.certificate is not None or bool(self.proxies)


def check_options(options: Options) -> None:
    """Raise InputError for an address that others can reach without TLS or a declared proxy."""
    if (options.certificate is None) != (options.private_key is None):
        raise InputError("TLS needs both a certificate and its private key: --certificate FILE --private-key FILE.")
    if is_loopback(options.host) or options.is_secure:
        return
    raise InputError(
        f"{options.host} can be reached from outside this machine, and passwords and pictures would travel in the clear. "
        "Give --certificate and --private-key for TLS, or --proxy ADDRESS of a reverse proxy that speaks TLS."
    )


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
