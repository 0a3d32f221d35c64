"""Serve a web page for people and an HTTP API for programs.

FOLDER is a workspace, or a folder that keeps several; it is made where it is missing. On the first start an
administrator is made, whose password is printed once (or taken from the environment, FOVEAL_ADMIN_PASSWORD).
The server answers on this machine only, unless --host says otherwise; then it needs TLS or a declared proxy.
"""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from foveal.cli.console import Console
from foveal.cli.exit_codes import ExitCode

EXAMPLE = "foveal serve shop, then open http://127.0.0.1:8765"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be given."""
    parser.add_argument("folder", nargs="?", default="foveal-workspace", help="workspace, or folder of workspaces")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; default: this machine only")
    parser.add_argument("--port", type=int, default=8765, help="port to listen on; default: 8765")
    parser.add_argument("--certificate", metavar="FILE", type=Path, help="TLS certificate (PEM)")
    parser.add_argument("--private-key", metavar="FILE", type=Path, help="its private key (PEM)")
    parser.add_argument("--proxy", action="append", default=[], metavar="ADDRESS", help="reverse proxy that speaks TLS")
    parser.add_argument("--processes", type=int, metavar="N", help="processes that look at pictures; default: cores")
    parser.add_argument(
        "--url-host", action="append", default=[], metavar="HOST", help="let pictures be fetched from this host"
    )
    parser.add_argument("--max-upload", type=int, default=512, metavar="MIB", help="largest request; default: 512")
    single = parser.add_argument_group("single sign-on (OpenID Connect)")
    single.add_argument("--openid", metavar="URL", help="issuer; the secret is read from FOVEAL_OPENID_SECRET")
    single.add_argument("--openid-client", metavar="ID", default="foveal", help="client id at the issuer")
    single.add_argument("--openid-role", default="viewer", help="role of people who sign in this way; default: viewer")


def run(options: argparse.Namespace, console: Console) -> int:
    """Serve until interrupted."""
    from foveal.core.errors import MissingExtraError

    try:
        import fastapi  # noqa: F401
        import httptools  # noqa: F401
        import python_multipart  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError:
        raise MissingExtraError("Serving", "server") from None
    from foveal.server.run import prepare, serve

    house, password = prepare(_read(options))
    scheme = "https" if options.certificate else "http"
    address = f"{scheme}://{options.host}:{options.port}"
    if password is not None:
        console.print(
            f"First start. Sign in as admin with this password, which is shown only once:\n\n    {password}\n"
        )
    console.print(f"foveal serves {options.folder} at {address}  (stop with Ctrl-C)")
    console.print_json({"address": address, "password": password})
    sys.stdout.flush()  # whoever reads it through a pipe must see the password now, not at the end
    serve(house)
    return ExitCode.OK


def _read(options: argparse.Namespace) -> Any:

    from foveal.server.options import MIB, Limits, OpenId, Options

    made = Options(
        folder=Path(options.folder),
        host=options.host,
        port=options.port,
        certificate=options.certificate,
        private_key=options.private_key,
        proxies=tuple(options.proxy),
        url_hosts=tuple(options.url_host),
        limits=Limits(upload_bytes=options.max_upload * MIB, in_flight_bytes=max(options.max_upload, 512) * MIB),
    )
    if options.processes:
        made = replace(made, children=options.processes)
    if options.openid:
        secret = os.environ.get("FOVEAL_OPENID_SECRET", "")
        made = replace(made, open_id=OpenId(options.openid, options.openid_client, secret, options.openid_role))
    return made
