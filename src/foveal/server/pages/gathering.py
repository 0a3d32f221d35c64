"""What the pages show, gathered from workspaces and the server's records."""

import hashlib
import json
from collections import defaultdict
from pathlib import PurePosixPath
from typing import Any

from foveal.core.prediction import FLAGS
from foveal.server.api.trust import list_certificates, list_exports
from foveal.server.house import House
from foveal.server.pages.texts import read_texts
from foveal.server.workspaces import Place
from foveal.store.rows import ExampleRow

PICTURE_FINDINGS = frozenset({"exact copies", "near copies", "copies with different labels", "likely wrong label",
                              "odd picture", "blurred", "tiny", "dark", "bright", "copies between splits", "no label"})  # fmt: skip
SHOWN, ROW = 6, 12
MATRIX = 30  # classes


def gather_waiting(house: House, place: Place) -> dict[str, Any]:
    """Pictures that wait, by class."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    rows = house.intake.staged(place, most=100_000)
    for row in rows:
        said = ", ".join(FLAGS.get(flag, flag) for flag in row["facts"].get("flags", ()))
        groups[row["label"]].append({**row, "short": PurePosixPath(row["name"]).name, "said": said})
    staged = [(label, found[:ROW], len(found)) for label, found in sorted(groups.items())]
    return {"staged": staged, "n_staged": len(rows)}


def gather_figures(house: House, place: Place) -> dict[str, Any]:
    """What was measured last, and the findings that nobody has settled."""
    text = house.workspaces.figures(place.name)
    kept = json.loads(text) if text else None
    settled = {row["finding"] for row in house.state.all("SELECT finding FROM settled WHERE workspace = ?", place.name)}
    found = [] if kept is None else _findings(kept.get("findings", ()), house.workspaces.rows(place), settled)
    return {"kept": kept, "findings": found, "matrix": _matrix(kept)}


def _findings(plain: Any, rows: list[ExampleRow], settled: set[str]) -> list[dict[str, Any]]:
    by_name, texts = {row.name: row for row in rows}, read_texts()
    told = []
    for one in plain:
        key = hashlib.sha256(json.dumps([one["kind"], one["names"]]).encode()).hexdigest()[:16]
        if key in settled:
            continue
        pictured = one["kind"] in PICTURE_FINDINGS
        shown = [(said, _pictures(said, by_name) if pictured else []) for said in one["names"][:SHOWN]]
        advice = texts(f"findings.{one['kind']}") if f"findings.{one['kind']}" in texts else one["remedy"]
        told.append({**one, "key": key, "shown": shown, "n": len(one["names"]), "advice": advice})
    return told


def _pictures(said: str, by_name: dict[str, ExampleRow]) -> list[dict[str, Any]]:
    """The pictures that a line of a finding names, and the class that it thinks is right."""
    rival = said.rpartition(", looks like ")[2].rpartition(" (")[0] if ", looks like " in said else None
    for mark in (" ~ ", " = "):
        if mark in said:
            names = [
                part.rpartition(" (")[0] if part.endswith(")") and part not in by_name else part
                for part in said.split(mark)
            ]
            break
    else:
        names = [said if said in by_name else said.partition(": ")[0]]
    return [
        {"id": row.id, "short": PurePosixPath(row.name).name, "labels": list(row.labels), "rival": rival}
        for name in names
        if (row := by_name.get(name)) is not None
    ]


def _matrix(kept: dict[str, Any] | None) -> list[tuple[str, list[tuple[int, int, bool]]]]:
    """A row per class: its name, and per column the count, a level from 0 to 9, and whether it is right."""
    figures = (kept or {}).get("figures") or {}
    best = figures.get("test") or figures.get("left_out")
    if not best or not best.get("confusion") or len(best["confusion"]) > MATRIX:
        return []
    rows = []
    for i, (label, counts) in enumerate(zip(figures["labels"], best["confusion"], strict=True)):
        total = max(1, sum(counts))
        rows.append((label, [(n, min(9, round(9 * n / total)), i == j) for j, n in enumerate(counts)]))
    return rows


def gather_live(house: House, place: Place) -> dict[str, Any]:
    """What is watched, and what was seen."""
    watches = house.watches.every(place.name)
    return {"watches": [{**one, "seen": house.watches.seen(one["id"], 50)} for one in watches]}


def gather_proofs(house: House) -> list[dict[str, Any]]:
    """Certificates and exports of every workspace that was taught."""
    return [
        {"place": place, "certificates": list_certificates(place), "exports": list_exports(place)}
        for place in house.workspaces.every()
        if place.is_taught and not place.is_remote
    ]


def group_operations(plain: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """The API's description as people read it: by subject."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    schemas = plain["components"]["schemas"]
    for path, methods in plain["paths"].items():
        for method, one in methods.items():
            groups[one.get("tags", ["other"])[0]].append(
                {"method": method, "path": path, "summary": one.get("description") or one.get("summary", ""),
                 "parameters": one.get("parameters", ()), "body": _body(one, schemas)}
            )  # fmt: skip
    return sorted(groups.items())


def _body(operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    content = operation.get("requestBody", {}).get("content", {})
    lines = []
    for kind, one in content.items():
        schema = one.get("schema", {})
        name = schema.get("$ref", "").rpartition("/")[2]
        fields = schemas.get(name, schema).get("properties", {})
        lines.append(f"{kind}\n" + "\n".join(f"  {field}: {_type(about)}" for field, about in fields.items()))
    return "\n\n".join(lines)


def _type(about: dict[str, Any]) -> str:
    if "anyOf" in about:
        return " or ".join(_type(one) for one in about["anyOf"])
    if "enum" in about:
        return " | ".join(map(str, about["enum"]))
    inner = f" of {_type(about['items'])}" if isinstance(about.get("items"), dict) and about["items"] else ""
    return f"{about.get('type', about.get('const', 'value'))}{inner}"
