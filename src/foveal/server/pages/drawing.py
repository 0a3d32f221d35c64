"""Templates filled with texts and values."""

from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

import jinja2
from starlette.responses import HTMLResponse

from foveal.server.accounts import Caller
from foveal.server.pages.texts import read_texts
from foveal.server.workspaces import Place

TABS = {
    "classes": ("teach", "look"),
    "inspector": ("teach", "look", "inspect"),
    "gallery": ("teach", "find"),
}


@cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("foveal.server.pages"), autoescape=True, undefined=jinja2.ChainableUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.filters |= {"percent": _percent, "moment": _moment, "clock": _clock, "day": _day}
    texts = read_texts()
    made.globals |= {"t": texts, "script_texts": texts.for_scripts()}
    return made


def draw_page(
    name: str, caller: Caller | None, place: Place | None = None, *, status: int = 200, **values: Any
) -> HTMLResponse:
    """A page or a part of one."""
    tabs = TABS[place.kind] if place else ()
    template = _environment().get_template(f"{name}.html.j2")
    text = template.render(caller=caller, place=place, tabs=tabs, **values)
    return HTMLResponse(text, status)


def read_static(name: str) -> bytes | None:
    """A file that pages link to; None where there is none of the name."""
    file = resources.files("foveal.server.pages").joinpath("static", name)
    return file.read_bytes() if file.is_file() else None


def _percent(share: float | None) -> str:
    if share is None:
        return "\u2013"
    digits = 1 if 0 < share < 0.1 else 0
    return f"{100 * share:.{digits}f}\u202f%"


def _moment(text: str) -> str:
    """An ISO 8601 time, to the minute, in UTC."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return text


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%H:%M:%S")


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
