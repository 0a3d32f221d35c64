"""A real server in a process of its own, and clients that speak to it as browsers and programs do."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

from foveal.server.client import Client

PASSWORD = "correct horse battery"
START = """
import sys
from pathlib import Path
from foveal.server.options import Limits, Options, OpenId
from foveal.server.run import prepare, serve
options = Options(Path(sys.argv[1]), port=int(sys.argv[2]), {more})
house, _ = prepare(options)
serve(house)
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Served:
    """A server over a folder; `more` are further options as Python text, `kill` is an unclean end."""

    def __init__(self, folder, more="children=2"):
        self.folder, self._more = Path(folder), more
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._sessions = []
        self.start()

    def start(self):
        self.log = self.folder.parent / f"{self.folder.name}.log"
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", START.format(more=self._more), str(self.folder), str(self.port)],
                env={**os.environ, "FOVEAL_ADMIN_PASSWORD": PASSWORD}, stdout=subprocess.DEVNULL, stderr=log,
            )  # fmt: skip
        wait_until(lambda: self._answers("/healthz"))

    def _answers(self, path):
        try:
            return httpx.get(self.address + path, timeout=2).status_code == 200
        except httpx.HTTPError:
            if self._process.poll() is not None:
                raise AssertionError(f"the server ended: {self.log.read_text()[-2000:]}") from None
            return False

    def ready(self):
        wait_until(lambda: self._answers("/readiness"))
        return self

    def stop(self):
        self.close()
        self._process.terminate()
        self._process.wait(20)

    def close(self):
        while self._sessions:
            self._sessions.pop().close()

    def session(self, **options):
        """Kept until the server stops."""
        one = httpx.Client(base_url=self.address, timeout=60, **options)
        self._sessions.append(one)
        return one

    def kill(self):
        self.close()
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(20)

    def browser(self, name="admin", password=PASSWORD):
        """A signed-in session that sends the page's token with every request."""
        session = self.session()
        answer = session.post("/sign-in", data={"name": name, "password": password})
        assert answer.status_code == 303, answer.text
        token = re.search(r'data-csrf="([^"]+)"', session.get("/").text)[1]
        session.headers["X-CSRF-Token"] = token
        return session

    def key(self, *scopes):
        """A key with these scopes, all of them where none is named."""
        given = {"name": "tests", "scopes": list(scopes) or ["read", "look", "teach", "forget", "admin"]}
        answer = self.browser().post("/v1/keys", json=given)
        assert answer.status_code == 201, answer.text
        return answer.json()["key"]

    def client(self, *scopes):
        return Client(self.address, self.key(*scopes))

    def http(self, key):
        return self.session(headers={"Authorization": f"Bearer {key}"})


def wait_until(condition, seconds=30):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.05)
