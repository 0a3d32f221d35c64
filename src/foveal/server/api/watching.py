"""Folders and cameras that are watched: begin, follow, acknowledge, end."""

import asyncio
import time
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field, StringConstraints

from foveal.server.api.models import Given, Number
from foveal.server.api.parts import PROBLEMS
from foveal.server.guard import Administrator, HouseDep, Looker, Reader
from foveal.server.workspaces import UnknownError

router = APIRouter(prefix="/v1/watches", tags=["watching"], responses=PROBLEMS)
Plain = dict[str, Any]


class NewWatch(Given):
    """What is to be watched: a folder of the server's machine, or the address of a camera."""

    workspace: Annotated[str, StringConstraints(max_length=48)]
    source: Annotated[str, StringConstraints(min_length=1, max_length=1000)]
    name: Annotated[str, StringConstraints(max_length=100)] = ""
    every: Annotated[float, Field(ge=0.1, le=3600)] = 1.0


class Acknowledged(Given):
    """Alerts that somebody has seen."""

    alerts: Annotated[list[Number], Field(min_length=1, max_length=1000)]


@router.get("", response_model=Plain)
async def watches(house: HouseDep, caller: Reader, workspace: Annotated[str, Query(max_length=48)] = "") -> Plain:
    """What is watched."""
    return {"watches": house.watches.every(workspace)}


@router.post("", status_code=201, response_model=Plain)
async def add_watch(given: NewWatch, house: HouseDep, caller: Administrator) -> Plain:
    """Begin to watch."""
    number = house.watches.add(caller.name, given.workspace, given.source, given.name, given.every)
    return {"id": number}


@router.get("/{number}/seen", response_model=Plain)
async def seen(number: str, house: HouseDep, caller: Reader, most: Annotated[int, Query(ge=1, le=1000)] = 100) -> Plain:
    """The newest verdicts, the trend as SVG, and alerts nobody has answered."""
    return await asyncio.to_thread(house.watches.seen, number, most)


@router.get("/{number}/latest", response_class=Response, responses={200: {"content": {"image/jpeg": {}}}})
async def latest(number: str, house: HouseDep, caller: Reader, heat: bool = False) -> Response:
    """The newest picture, or with `heat` the same with what differs from good ones warm."""
    data = await asyncio.to_thread(lambda: house.watches.latest(number, heat=heat))
    if data is None:
        raise UnknownError("No picture has arrived yet.")
    return Response(data, media_type="image/jpeg")


@router.get(
    "/{number}/alerts/{alert}/picture", response_class=Response, responses={200: {"content": {"image/png": {}}}}
)
async def evidence(number: str, alert: Number, house: HouseDep, caller: Reader) -> Response:
    """The evidence of an alert."""
    data = await asyncio.to_thread(house.watches.evidence, number, alert)
    if data is None:
        raise UnknownError("There is no such alert, or no picture of it.")
    return Response(data, media_type="image/png")


@router.post("/{number}/acknowledge", response_model=Plain)
async def acknowledge(number: str, given: Acknowledged, house: HouseDep, caller: Looker) -> Plain:
    """Note that somebody has seen alerts."""
    n = await asyncio.to_thread(house.watches.acknowledge, caller.name, number, given.alerts, time.time())
    return {"acknowledged": n}


@router.put("/{number}/running", status_code=204)
async def set_running(number: str, house: HouseDep, caller: Administrator, running: bool) -> None:
    """Stop a watch, or let it go on."""
    await house.watches.set_running(caller.name, number, running=running)


@router.delete("/{number}", status_code=204)
async def delete_watch(number: str, house: HouseDep, caller: Administrator) -> None:
    """End a watch for good, with its journal."""
    await house.watches.delete(caller.name, number)
