"""Proof: certificates of forgetting, the log of who did what, what was handed out, and checks of all of it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import FileResponse

from foveal.server.api import models
from foveal.server.api.parts import JOB, PROBLEMS, finish
from foveal.server.guard import Administrator, HouseDep, Reader, Teacher
from foveal.server.house import SERVER
from foveal.server.workspaces import Place, UnknownError
from foveal.store.certificate import CERTIFICATES, read_certificate
from foveal.store.keys import KEYS, PUBLIC
from foveal.store.workspace import Workspace

router = APIRouter(prefix="/v1", tags=["trust"], responses=PROBLEMS)
Plain = dict[str, Any]


def list_certificates(place: Place) -> list[Plain]:
    """Certificates of a workspace, the newest first."""
    told = []
    for file in sorted(_certificate_files(place), reverse=True):
        found = read_certificate(file)
        told.append(
            {"id": file.stem, "time": str(found.get("time", "")), "pictures": int(found.get("n_erased", 0)),
             "traces": int(found.get("scan", {}).get("n_found", 0))}
        )  # fmt: skip
    return told


def _certificate_files(place: Place) -> Iterator[Path]:
    return (place.folder / CERTIFICATES).glob("forget-*.json")


@router.get("/workspaces/{name}/certificates", response_model=Plain)
async def certificates(name: str, house: HouseDep, caller: Reader) -> Plain:
    """Certificates of forgetting, the newest first."""
    place = house.workspaces.get(name, taught=True)
    return {"certificates": await asyncio.to_thread(list_certificates, place)}


@router.get("/workspaces/{name}/certificates/{number}", response_model=Plain)
async def certificate(name: str, number: str, house: HouseDep, caller: Reader) -> Response:
    """One certificate, as it was signed."""
    place = house.workspaces.get(name, taught=True)
    if number not in {file.stem for file in _certificate_files(place)}:
        raise UnknownError("There is no such certificate.")
    file = place.folder / CERTIFICATES / f"{number}.json"
    return FileResponse(file, media_type="application/json", filename=file.name)


@router.get(
    "/workspaces/{name}/public-key",
    response_class=Response,
    responses={200: {"content": {"application/x-pem-file": {}}}},
)
async def public_key(name: str, house: HouseDep, caller: Reader) -> Response:
    """The key that certificates and the log of a workspace are checked with."""
    place = house.workspaces.get(name, taught=True)
    return Response((place.folder / KEYS / PUBLIC).read_bytes(), media_type="application/x-pem-file")


@router.get("/workspaces/{name}/exports", response_model=Plain)
async def exports(name: str, house: HouseDep, caller: Reader) -> Plain:
    """Files handed out: what forgetting does not reach."""
    place = house.workspaces.get(name, taught=True)
    return {"exports": await asyncio.to_thread(list_exports, place)}


def list_exports(place: Place) -> list[Plain]:
    """Files of a workspace that were handed out, oldest first."""
    with Workspace.open(place.folder) as workspace:
        return [
            {"time": one.time, "file": one.file, "sha256": one.sha256, "pictures": one.n_pictures}
            for one in workspace.exports()
        ]


@router.post("/workspaces/{name}/card", response_model=models.Job, responses=JOB)
async def card(name: str, request: Request, response: Response, house: HouseDep, caller: Teacher) -> models.Job:
    """Measure and write the model card; it is in the result of the job."""
    house.workspaces.get(name, "classes", "inspector", taught=True)
    return await finish(request, response, house, house.jobs.add(caller.name, "card", name, {}))


@router.post("/workspaces/{name}/verify", response_model=models.Job, responses=JOB)
async def verify(name: str, request: Request, response: Response, house: HouseDep, caller: Teacher) -> models.Job:
    """Check the log, the pictures against it, the certificates and the memory."""
    house.workspaces.get(name, "classes", "inspector", taught=True)
    return await finish(request, response, house, house.jobs.add(caller.name, "check", name, {}))


@router.post("/workspaces/{name}/file", response_model=models.Job, responses=JOB)
async def hand_out(
    name: str, request: Request, response: Response, house: HouseDep, caller: Administrator, share: bool = True
) -> models.Job:
    """Write the recognizer as a file, noted in the export register; with `share` without memory, codes and names."""
    house.workspaces.get(name, "classes", "inspector", taught=True)
    target = house.options.folder / SERVER / "files" / f"{name}.foveal"
    arguments = {"target": str(target), "share": share}
    return await finish(request, response, house, house.jobs.add(caller.name, "hand out", name, arguments))


@router.get(
    "/workspaces/{name}/file", response_class=Response, responses={200: {"content": {"application/octet-stream": {}}}}
)
async def get_file(name: str, house: HouseDep, caller: Administrator) -> Response:
    """The file that was written last."""
    house.workspaces.get(name)
    target = house.options.folder / SERVER / "files" / f"{name}.foveal"
    if not target.is_file():
        raise UnknownError("No file was written yet. POST first.")
    return FileResponse(target, media_type="application/octet-stream", filename=target.name)


@router.get("/log", response_model=Plain)
async def log(
    house: HouseDep,
    caller: Reader,
    before: Annotated[int, Query(ge=0, le=2**53, description="`next` of the page before")] = 0,
    most: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Plain:
    """Who did what and when, the newest first."""
    rows = house.state.log(after=before, most=most + 1)
    return {"records": rows[:most], "next": rows[most - 1]["number"] if len(rows) > most else None}


@router.post("/log/verify", response_model=Plain)
async def verify_log(house: HouseDep, caller: Reader) -> Plain:
    """Check the chain and the signatures of the server's log."""
    problems_found = await asyncio.to_thread(house.state.problems)
    return {"problems": problems_found}
