"""Shapes of Amazon Rekognition Custom Labels, for programs that leave it: their client needs another address only.

client = boto3.client("rekognition", endpoint_url="http://127.0.0.1:8765/rekognition", region_name="local",
                      aws_access_key_id=KEY, aws_secret_access_key="-")

The access key id is a key of this server. The signature, made of a secret that is not ours, is not looked at.
"""

import base64
import json
import re
import time
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from foveal.core.errors import DecodeError, FovealError, InputError
from foveal.server.accounts import LOOK, READ, Caller
from foveal.server.api.parts import look_limits
from foveal.server.children import FullError
from foveal.server.guard import HouseDep
from foveal.server.house import House
from foveal.server.workspaces import Place, UnknownError, UntaughtError

router = APIRouter(include_in_schema=False)
TARGET = "RekognitionService."
MEDIA = "application/x-amz-json-1.1"
LEAST_CONFIDENCE = 50.0
_CREDENTIAL = re.compile(r"Credential=([^/]+)/")
_PROJECT = re.compile(r"project/([a-z0-9-]{1,48})(/|$)")
Plain = dict[str, Any]


class RefusedError(FovealError):
    """A refusal in Amazon's words."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@router.post("/rekognition")
@router.post("/rekognition/")
async def rekognition(request: Request, house: HouseDep) -> JSONResponse:
    """Answer an operation that is named by the header X-Amz-Target."""
    name = request.headers.get("x-amz-target", "").removeprefix(TARGET)
    try:
        if name not in OPERATIONS:
            raise RefusedError(
                "UnknownOperationException", f"{name or 'Nothing'} is not among {', '.join(OPERATIONS)}."
            )
        scope, act = OPERATIONS[name]
        _check(request, house, scope)
        return JSONResponse(await act(house, _read(await request.body())), media_type=MEDIA)
    except FovealError as problem:
        kind = _kind_of(problem)
        plain = {"__type": kind, "Message": str(problem)}
        status = 503 if isinstance(problem, FullError) else 400
        return JSONResponse(plain, status, headers={"x-amzn-ErrorType": kind}, media_type=MEDIA)


def _kind_of(problem: FovealError) -> str:
    if isinstance(problem, RefusedError):
        return problem.kind
    for raised, kind in (
        (UnknownError, "ResourceNotFoundException"), (UntaughtError, "ResourceNotReadyException"),
        (DecodeError, "InvalidImageFormatException"), (FullError, "ThrottlingException"),
        (InputError, "InvalidParameterException"),
    ):  # fmt: skip
        if isinstance(problem, raised):
            return kind
    return "InternalServerError"


def _check(request: Request, house: House, scope: str) -> Caller:
    found = _CREDENTIAL.search(request.headers.get("authorization", ""))
    caller = house.accounts.caller_of_key(found[1]) if found else None
    if caller is None or not caller.may(scope):
        raise RefusedError(
            "AccessDeniedException", "The access key id must be a key of this server with the right to look."
        )
    return caller


def _read(body: bytes) -> Plain:
    try:
        plain = json.loads(body or b"{}")
    except ValueError:
        plain = None
    if not isinstance(plain, dict):
        raise RefusedError("InvalidParameterException", "The body must be a JSON object.")
    return plain


def _place(house: House, plain: Plain, field: str) -> Place:
    found = _PROJECT.search(str(plain.get(field, "")))
    return house.workspaces.get(found[1] if found else str(plain.get(field, "")), "classes")


def _picture(plain: Plain) -> bytes:
    image = plain.get("Image")
    if not isinstance(image, dict) or not isinstance(image.get("Bytes"), str):
        raise RefusedError("InvalidParameterException", "Send the picture itself as Image.Bytes; there is no S3 here.")
    try:
        return base64.b64decode(image["Bytes"], validate=True)
    except ValueError:  # binascii's, and that of letters beyond ASCII
        raise RefusedError("InvalidParameterException", "Image.Bytes is not valid base64.") from None


async def _detect_custom_labels(house: House, plain: Plain) -> Plain:
    place = _place(house, plain, "ProjectVersionArn")
    if not place.is_taught:
        raise UntaughtError("Nothing was taught yet.")
    least, most = plain.get("MinConfidence", LEAST_CONFIDENCE), plain.get("MaxResults", 1000)
    if not isinstance(least, int | float) or not isinstance(most, int) or not 0 <= least <= 100 or most < 0:
        raise RefusedError("InvalidParameterException", "MinConfidence is 0 to 100, MaxResults is 0 or more.")
    asked = {"task": "look", "folder": place.address, "kind": place.kind, "origin": "Image", **look_limits(house)}
    answer, _ = await house.pool.ask(asked, [_picture(plain)])
    found = [(label, 100.0 * share) for label, share in answer["probabilities"].items() if 100.0 * share >= least]
    return {"CustomLabels": [{"Name": label, "Confidence": share} for label, share in found[:most]]}


def _arn(place: Place) -> str:
    return f"arn:aws:rekognition:local:000000000000:project/{place.name}/1"


async def _describe_projects(house: House, plain: Plain) -> Plain:
    places = [place for place in house.workspaces.every() if place.kind == "classes"]
    return {
        "ProjectDescriptions": [
            {
                "ProjectArn": _arn(place),
                "CreationTimestamp": time.time(),
                "Status": "CREATED",
                "Feature": "CUSTOM_LABELS",
            }
            for place in places
        ]
    }


async def _describe_versions(house: House, plain: Plain) -> Plain:
    place = _place(house, plain, "ProjectArn")
    kept = house.workspaces.figures(place.name)
    figures = (json.loads(kept).get("figures") if kept else None) or {}
    best = figures.get("test") or figures.get("left_out") or {}
    version: Plain = {
        "ProjectVersionArn": _arn(place).replace("/1", "/version/current/1"),
        "Status": "RUNNING" if place.is_taught else "TRAINING_IN_PROGRESS",
    }
    if best:
        version["EvaluationResult"] = {"F1Score": best["macro_f1"]}
    return {"ProjectVersionDescriptions": [version]}


async def _start(house: House, plain: Plain) -> Plain:
    _place(house, plain, "ProjectVersionArn")
    return {"Status": "RUNNING"}  # it always answers; nothing is rented by the hour


OPERATIONS = {
    "DetectCustomLabels": (LOOK, _detect_custom_labels),
    "DescribeProjects": (READ, _describe_projects),
    "DescribeProjectVersions": (READ, _describe_versions),
    "StartProjectVersion": (LOOK, _start),
}
