"""Pictures from addresses, off unless the administrator allows hosts, and never from inside the network."""

import asyncio
import http.client
import ipaddress
import socket
import ssl
from collections.abc import Sequence
from urllib.parse import urlsplit

from foveal.core.errors import InputError

WAIT_S = 10.0
Resolved = tuple[str, int]


async def fetch(url: str, hosts: Sequence[str], most: int) -> bytes:
    """The file at an address; raises InputError for hosts that are not allowed, private addresses, and redirects."""
    if not hosts:
        raise InputError("Pictures are not fetched from addresses here. Send the file itself.")
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.hostname not in hosts:
        raise InputError("Pictures are fetched by https from allowed hosts only. Send the file itself.")
    address = await asyncio.to_thread(resolve, parts.hostname)
    path = parts.path or "/"
    target = f"{path}?{parts.query}" if parts.query else path
    return await asyncio.to_thread(_get, parts.hostname, (address, parts.port or 443), target, most)


def resolve(host: str) -> str:
    """The address of a host; raises InputError where any of its addresses is not a public one."""
    try:
        found = {str(row[4][0]) for row in socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)}
    except OSError:
        raise InputError("The host of the address is not known.") from None
    for address in found:
        if not ipaddress.ip_address(address).is_global:
            raise InputError("The host of the address is inside this network, which is refused.")
    return sorted(found)[0]


def _get(host: str, where: Resolved, target: str, most: int) -> bytes:
    """Connect to the very address that was checked, so that a second look-up cannot lead elsewhere."""
    connection = http.client.HTTPSConnection(host, where[1], timeout=WAIT_S)
    try:
        raw = socket.create_connection(where, WAIT_S)
        connection.sock = ssl.create_default_context().wrap_socket(raw, server_hostname=host)
        connection.request("GET", target, headers={"Host": host, "Accept": "image/*"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise InputError(f"The address answered {answer.status}; redirects are not followed.")
        data = answer.read(most + 1)
    except (OSError, http.client.HTTPException) as problem:
        raise InputError(f"The picture could not be fetched: {type(problem).__name__}.") from None
    finally:
        connection.close()
    if len(data) > most:
        raise InputError(f"The picture is larger than {most >> 20} MiB.")
    return data
