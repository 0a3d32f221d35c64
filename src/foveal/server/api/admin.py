"""Users, keys, settings, and where messages go."""

import asyncio
import secrets
import time
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from foveal.core.errors import InputError
from foveal.server.accounts import ROLES
from foveal.server.api.models import Given
from foveal.server.api.parts import PROBLEMS
from foveal.server.guard import Administrator, HouseDep, Looker, Reader
from foveal.server.house import LOOKED_DAYS
from foveal.server.workspaces import UnknownError

router = APIRouter(prefix="/v1", tags=["administration"], responses=PROBLEMS)
Plain = dict[str, Any]
Role = Literal["viewer", "operator", "teacher", "administrator"]
Password = Annotated[str, StringConstraints(min_length=10, max_length=1024)]


class NewUser(Given):
    """Somebody who may sign in."""

    name: Annotated[str, StringConstraints(pattern="^[a-z0-9][a-z0-9._@-]{0,63}$")]
    role: Role
    password: Password


class ChangedUser(Given):
    """What is to be different."""

    role: Role | None = None
    password: Password | None = None


class NewKey(Given):
    """A key for a program."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    scopes: Annotated[list[Literal["read", "look", "teach", "forget", "admin"]], Field(min_length=1, max_length=5)]
    days: Annotated[float, Field(gt=0, le=3650)] | None = 90


class Choices(Given):
    """How long pictures that were looked at are kept, and whether metadata of uploads is."""

    looked_days: Annotated[float, Field(ge=0, le=3650)] | None = None
    keep_metadata: bool | None = None


class NewTarget(Given):
    """Where alerts and ends of jobs are told: a webhook, an MQTT broker, or any target of Apprise."""

    kind: Literal["webhook", "mqtt", "apprise"]
    address: Annotated[str, StringConstraints(min_length=3, max_length=2000)]


@router.get("/me", response_model=Plain)
async def me(caller: Reader) -> Plain:
    """Who is asking, and what it may do."""
    return {"name": caller.name, "role": caller.role, "scopes": sorted(caller.scopes)}


@router.get("/users", response_model=Plain)
async def users(house: HouseDep, caller: Administrator) -> Plain:
    """Everybody who may sign in."""
    return {"users": house.accounts.users(), "roles": {role: sorted(scopes) for role, scopes in ROLES.items()}}


@router.post("/users", status_code=201, response_model=Plain)
async def add_user(given: NewUser, house: HouseDep, caller: Administrator) -> Plain:
    """Let somebody sign in."""
    await asyncio.to_thread(house.accounts.add_user, caller.name, given.name, given.role, given.password)
    return {"name": given.name, "role": given.role}


@router.patch("/users/{user}", status_code=204)
async def change_user(user: str, given: ChangedUser, house: HouseDep, caller: Administrator) -> None:
    """Set role or password; the user signs in again."""
    _check_user(house, user)
    await asyncio.to_thread(
        lambda: house.accounts.change_user(caller.name, user, role=given.role, password=given.password)
    )


@router.delete("/users/{user}", status_code=204)
async def delete_user(user: str, house: HouseDep, caller: Administrator) -> None:
    """Take somebody away, with sessions and keys."""
    _check_user(house, user)
    house.accounts.delete_user(caller.name, user)


def _check_user(house: HouseDep, user: str) -> None:
    if user not in {one["name"] for one in house.accounts.users()}:
        raise UnknownError("There is no such user.")


@router.get("/keys", response_model=Plain)
async def keys(house: HouseDep, caller: Looker) -> Plain:
    """Keys of programs, without their secrets: all for administrators, one's own for others."""
    return {"keys": [one for one in house.accounts.all_keys() if caller.may("admin") or one["user"] == caller.name]}


@router.post("/keys", status_code=201, response_model=Plain)
async def add_key(given: NewKey, house: HouseDep, caller: Looker) -> Plain:
    """Make a key; it is shown this once."""
    number, key = house.accounts.add_key(caller, given.name, list(dict.fromkeys(given.scopes)), given.days)
    return {"id": number, "key": key}


@router.delete("/keys/{number}", status_code=204)
async def delete_key(number: str, house: HouseDep, caller: Looker) -> None:
    """Take a key away."""
    mine = {one["id"] for one in house.accounts.all_keys() if caller.may("admin") or one["user"] == caller.name}
    if number not in mine:
        raise UnknownError("There is no such key.")
    house.accounts.delete_key(caller.name, number)


@router.get("/settings", response_model=Plain)
async def settings(house: HouseDep, caller: Reader) -> Plain:
    """What the administrator chose."""
    return {
        "looked_days": house.state.choice("looked_days", LOOKED_DAYS),
        "keep_metadata": house.state.choice("keep_metadata", False),
    }


@router.patch("/settings", response_model=Plain)
async def choose(given: Choices, house: HouseDep, caller: Administrator) -> Plain:
    """Choose."""
    house.state.choose(caller.name, **given.model_dump(exclude_none=True))
    return await settings(house, caller)


@router.get("/targets", response_model=Plain)
async def targets(house: HouseDep, caller: Administrator) -> Plain:
    """Where messages go, without secrets."""
    return {"targets": house.list_targets()}


@router.post("/targets", status_code=201, response_model=Plain)
async def add_target(given: NewTarget, house: HouseDep, caller: Administrator) -> Plain:
    """Tell somebody; the secret that a webhook is signed with is shown this once."""
    wanted = {"webhook": ("https://", "http://"), "mqtt": ("mqtt://", "mqtts://"), "apprise": ("",)}[given.kind]
    if not given.address.startswith(wanted) or "://" not in given.address:
        raise InputError(f"An address of this kind begins with {' or '.join(filter(None, wanted)) or 'its scheme://'}.")
    number, secret = secrets.token_hex(6), secrets.token_urlsafe(24)
    with house.state.change(caller.name, "add target", target=number, kind=given.kind) as connection:
        row = (number, given.kind, given.address, secret, time.time())
        connection.execute("INSERT INTO targets VALUES (?, ?, ?, ?, ?)", row)
    return {"id": number, "secret": secret if given.kind == "webhook" else None}


@router.delete("/targets/{number}", status_code=204)
async def delete_target(number: str, house: HouseDep, caller: Administrator) -> None:
    """Tell nobody there any more."""
    if house.state.one("SELECT 1 FROM targets WHERE id = ?", number) is None:
        raise UnknownError("There is no such target.")
    with house.state.change(caller.name, "delete target", target=number) as connection:
        connection.execute("DELETE FROM targets WHERE id = ?", (number,))
