"""A small client for programs: nothing but the standard library, and errors that say what the server said."""

import hashlib
import http.client
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, final
from urllib.parse import quote, urlencode

from foveal.core.errors import FovealError

WAIT_S = 60.0
Plain = dict[str, Any]
Picture = str | Path | bytes


class ServerError(FovealError):
    """What the server refused: `status`, the `kind` of problem, and when to come back where it says so."""

    def __init__(self, status: int, problem: Mapping[str, Any], after_s: float | None = None) -> None:
        super().__init__(str(problem.get("detail") or problem.get("title") or f"The server answered {status}."))
        self.status, self.after_s = status, after_s
        self.kind = str(problem.get("type", "")).rpartition(":")[2]
        self.request_id = str(problem.get("request_id", ""))


class JobError(FovealError):
    """A job that failed or was cancelled; `job` says all of it."""

    def __init__(self, job: Plain) -> None:
        super().__init__(f"The job {job['kind']} {job['state']}: {job.get('problem') or 'nothing more is known'}.")
        self.job = job


@final
class Client:
    """Asks a foveal server. Safe to use from several threads.

    client = Client("http://127.0.0.1:8765", key)
    client.upload("shop", ["apple.jpg"], label="apple"); client.teach("shop"); client.look("shop", "new.jpg")
    """

    def __init__(self, address: str, key: str, *, ca: str | Path | None = None, tries: int = 3) -> None:
        """Ask at this address with this key; `ca` is a certificate to trust, `tries` how often while it is busy."""
        self._address, self._key, self._tries = address.rstrip("/"), key, max(1, tries)
        self._context = (
            ssl.create_default_context(cafile=str(ca) if ca else None) if address.startswith("https") else None
        )

    # -- asking -------------------------------------------------------------------------------------------

    def workspaces(self) -> list[Plain]:
        """All workspaces."""
        return list(self._json("GET", "/v1/workspaces")["workspaces"])

    def look(self, workspace: str, picture: Picture, *, evidence: bool = False) -> Plain:
        """Answer for a picture: a path, or the bytes of a file."""
        fields = {"evidence": "true"} if evidence else {}
        return self._post_files(f"/v1/workspaces/{quote(workspace)}/look", [picture], fields)

    def find(self, workspace: str, picture: Picture, **wish: Any) -> Plain:
        """Search a gallery; `wish` are k, where, mirror and cut_off."""
        fields = {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in wish.items()}
        return self._post_files(f"/v1/workspaces/{quote(workspace)}/find", [picture], fields)

    def recommend(self, workspace: str, liked: Sequence[str], *, k: int = 10) -> Plain:
        """Items like the liked ones."""
        query = urlencode([*(("liked", item) for item in liked), ("k", k)])
        return self._json("GET", f"/v1/workspaces/{quote(workspace)}/recommendations?{query}")

    def pictures(self, workspace: str) -> Iterator[Plain]:
        """Taught pictures, page after page."""
        after: str | None = "0"
        while after is not None:
            page = self._json("GET", f"/v1/workspaces/{quote(workspace)}/pictures?after={after}&most=1000")
            yield from page["pictures"]
            after = page["next"]

    # -- changing -----------------------------------------------------------------------------------------

    def create(self, workspace: str, kind: str = "classes") -> Plain:
        """Make an empty workspace of the kind classes, inspector or gallery."""
        return self._json("POST", "/v1/workspaces", {"name": workspace, "kind": kind})

    def upload(self, workspace: str, pictures: Sequence[Picture], *, label: str = "") -> list[Plain]:
        """Take pictures in; tells what became of each."""
        fields = {"label": label} if label else {}
        return list(self._post_files(f"/v1/workspaces/{quote(workspace)}/pictures", pictures, fields)["files"])

    def teach(self, workspace: str, **choices: Any) -> Plain:
        """Teach what was uploaded, and wait; returns the result with its figures."""
        return self._job(f"/v1/workspaces/{quote(workspace)}/teach", choices)

    def correct(
        self, workspace: str, pictures: Sequence[int], *, label: str | None = None, is_not: str | None = None
    ) -> Plain:
        """Set the right label of taught pictures, or say what they are not."""
        given = {"pictures": list(pictures), "label": label, "is_not": is_not}
        return self._job(f"/v1/workspaces/{quote(workspace)}/correct", given)

    def forget(self, workspace: str, values: Sequence[str | int], *, by: str = "picture") -> Plain:
        """Erase everywhere; returns the signed certificate."""
        given = {"by": by, "values": [str(value) for value in values]}
        return dict(self._job(f"/v1/workspaces/{quote(workspace)}/forget", given)["certificate"])

    def _job(self, path: str, given: Plain) -> Plain:
        job = self._json("POST", path, given, prefer=30)
        while job["finished"] is None:
            time.sleep(0.5)
            job = self._json("GET", f"/v1/jobs/{job['id']}")
        if job["state"] != "done":
            raise JobError(job)
        return dict(job["result"])

    # -- inside -------------------------------------------------------------------------------------------

    def _json(self, method: str, path: str, given: Plain | None = None, *, prefer: int = 0) -> Plain:
        body = None if given is None else json.dumps(given).encode()
        headers = {"Content-Type": "application/json"} if body is not None else {}
        return self._send(method, path, body, headers | ({"Prefer": f"wait={prefer}"} if prefer else {}))

    def _post_files(self, path: str, pictures: Iterable[Picture], fields: Mapping[str, str]) -> Plain:
        parts = [(f'name="{name}"', value.encode()) for name, value in fields.items()]
        for picture in pictures:
            name = "picture" if isinstance(picture, bytes) else Path(picture).name.replace('"', "")
            data = picture if isinstance(picture, bytes) else Path(picture).read_bytes()
            parts.append((f'name="file"; filename="{name}"', data))
        # The same files give the same bytes, so that a request that is sent again is known by its key.
        mark = hashlib.sha256(b"".join(data for _, data in parts)).hexdigest()[:40]
        lines = [
            f"--{mark}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + data + b"\r\n"
            for head, data in parts
        ]
        body = b"".join((*lines, f"--{mark}--\r\n".encode()))
        return self._send("POST", path, body, {"Content-Type": f"multipart/form-data; boundary={mark}"})

    def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Plain:
        request = urllib.request.Request(self._address + path, body, method=method)
        for name, value in (("Authorization", f"Bearer {self._key}"), *headers.items()):
            request.add_header(name, value)
        if method != "GET":
            moment = f"{time.time_ns()} {path}".encode() + (body or b"")
            request.add_header("Idempotency-Key", hashlib.sha256(moment).hexdigest())
        for left in reversed(range(self._tries)):
            try:
                with urllib.request.urlopen(request, timeout=WAIT_S, context=self._context) as answer:
                    text = answer.read()
                    return json.loads(text) if text else {}
            except urllib.error.HTTPError as refused:
                problem = _read_problem(refused)
                if not left or problem.status not in (429, 503):
                    raise problem from None
                time.sleep(min(30.0, problem.after_s or 1.0))
            except (
                OSError,
                http.client.HTTPException,
            ) as lost:  # a changing request carries a key: it may be sent again
                if not left:
                    reason = getattr(lost, "reason", None) or lost
                    raise ServerError(0, {"detail": f"{self._address} does not answer: {reason}."}) from None
                time.sleep(0.5)
        raise ServerError(0, {"detail": f"{self._address} does not answer."})


def _read_problem(refused: urllib.error.HTTPError) -> ServerError:
    try:
        problem = json.loads(refused.read())
    except ValueError:
        problem = {}
    after = refused.headers.get("Retry-After", "")
    return ServerError(
        refused.code, problem if isinstance(problem, dict) else {}, float(after) if after.isdigit() else None
    )
