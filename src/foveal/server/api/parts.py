"""What several routes share: problems in the description, a picture from any request, jobs that may be waited for."""

import base64
import re
from typing import Any

from fastapi import Request, Response
from starlette.datastructures import UploadFile

from foveal.core.errors import InputError
from foveal.server.api import models
from foveal.server.fetching import fetch
from foveal.server.house import House
from foveal.server.problems import MEDIA, TooLargeError

BASE64 = 4 / 3  # bytes of text for each byte
_PREFER = re.compile(r"\bwait=(\d{1,3})\b")


class TypeRefusedError(InputError):
    """The content is of a kind that is not taken here."""


# Entries of the API's description: what any request may get, and what a change that takes its time answers.
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": "A problem", "content": {MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    for status in (400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 503)
}
JOB: dict[int | str, dict[str, Any]] = {202: {"model": models.Job}}

PICTURE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary", "description": "The picture"}},
                }
            },
            "application/json": {"schema": {"$ref": "#/components/schemas/PictureIn"}},
        },
    }
}


async def read_picture(request: Request, house: House, shape: type[Any]) -> tuple[str, bytes, Any]:
    """Name and bytes of the picture in a request, and what came with it as `shape`.

    Raises TypeRefusedError, InputError, or what fetching raises.
    """
    most = house.options.limits.picture_bytes
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > BASE64 * most + (1 << 20):
        raise TooLargeError(f"A picture has at most {most >> 20} MiB.")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        given = shape.model_validate_json(await request.body())
        return *await _from_json(house, given), given
    if kind.startswith("image/") or kind == "application/octet-stream":
        return "picture", await request.body(), shape()
    if kind != "multipart/form-data":
        raise TypeRefusedError("Send a form with a file, JSON, or the picture itself as image/...")
    async with request.form(max_files=1, max_fields=20, max_part_size=1 << 20) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise InputError("The form has no file named file.")
        fields = {key: value for key, value in form.items() if isinstance(value, str)}
        known = {key: value for key, value in fields.items() if key in shape.model_fields}
        given = shape.model_validate(known, strict=False)  # forms hold texts
        return file.filename or "picture", await file.read(), given


async def _from_json(house: House, given: Any) -> tuple[str, bytes]:
    if (given.base64 is None) == (given.url is None):
        raise InputError("Give the picture either as base64 or as url.")
    if given.url is not None:
        return "picture", await fetch(given.url, house.options.url_hosts, house.options.limits.picture_bytes)
    try:
        return "picture", base64.b64decode(given.base64, validate=True)
    except ValueError:  # binascii's, and that of letters beyond ASCII
        raise InputError("base64 is not valid base64 (RFC 4648).") from None


async def finish(request: Request, response: Response, house: House, number: str) -> models.Job:
    """A job that was promised: 202, or 200 where it ended within the time of the header Prefer: wait=SECONDS."""
    found = _PREFER.search(request.headers.get("prefer", ""))
    seconds = min(60, int(found[1])) if found else 0
    job = await house.jobs.wait(number, seconds) if seconds else house.jobs.get(number)
    ended = job is not None and job["finished"] is not None
    response.status_code = 200 if ended else 202
    response.headers["Location"] = f"/v1/jobs/{number}"
    return models.Job(**(job or {}))


def look_limits(house: House) -> dict[str, int]:
    """What a child must refuse."""
    return {"max_pixels": house.options.limits.pixels, "max_bytes": house.options.limits.picture_bytes}
