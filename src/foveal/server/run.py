"""Running a server: the first password, the address, TLS, and connections that come too slowly."""

import asyncio
import os
import resource
from contextlib import suppress
from typing import Any, final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from foveal.server.app import make_app
from foveal.server.house import House
from foveal.server.options import Options, check_options

FIRST_REQUEST_S = 20.0
MOST_FILES = 65_536
PASSWORD = "FOVEAL_ADMIN_PASSWORD"


@final
class PatientProtocol(HttpToolsProtocol):
    """HTTP/1.1 that ends connections whose first request does not come."""

    def connection_made(self, transport: Any) -> None:
        """Begin to wait."""
        super().connection_made(transport)
        self._patience = self.loop.call_later(FIRST_REQUEST_S, self._give_up)

    def _give_up(self) -> None:
        if getattr(self, "cycle", None) is None:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._patience.cancel()
        super().connection_lost(exc)


def prepare(options: Options) -> tuple[House, str | None]:
    """Check the options and open the records; returns the administrator's first password where it was just made."""
    check_options(options)
    house = House(options)
    given = os.environ.get(PASSWORD, "")
    made = house.first_password(given)
    return house, None if given else made


def serve(house: House) -> None:
    """Serve until interrupted."""
    options = house.options
    with suppress(ValueError, OSError):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, MOST_FILES), most))
    config = uvicorn.Config(
        make_app(house),
        host=options.host,
        port=options.port,
        http=PatientProtocol,
        loop="uvloop",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=10,
        backlog=4096,
        proxy_headers=bool(options.proxies),
        forwarded_allow_ips=list(options.proxies) or None,
        ssl_certfile=options.certificate,
        ssl_keyfile=options.private_key,
    )
    asyncio.run(uvicorn.Server(config).serve())
