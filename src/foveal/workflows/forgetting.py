"""Forgetting by picture, group or subject, with a certificate; and checking both on another machine."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foveal.core.contracts import Progress, silent
from foveal.core.errors import InputError, StoreError
from foveal.core.inspection import is_inspector
from foveal.memory.moments import Moments
from foveal.store.certificate import fulfils_commitment, read_certificate, verify_certificate
from foveal.store.database import DATABASE
from foveal.store.keys import load_public
from foveal.store.rows import ExampleRow
from foveal.store.workspace import Workspace
from foveal.workflows.inspection.keeping import keep_part
from foveal.workflows.inspection.learned import LearnedInspector, fit_part, hash_taught, open_patch_source
from foveal.workflows.learned import (
    Learned,
    fit_workspace,
    read_choices,
    sum_rows,
    teaching_rows,
)
from foveal.workflows.model_file import open_source, write_moments
from foveal.workflows.sources.archive import delete_unpacked
from foveal.workflows.workspace_model import keep_model, read_kept_moments

BY = ("picture", "group", "subject")


@dataclass(frozen=True, eq=False)
class Forgotten:
    """What forgetting did; `learned` is None where too little is left to decide."""

    n_erased: int
    certificate: dict[str, Any]
    learned: Learned | LearnedInspector | None
    seconds: dict[str, float]


def forget(folder: str | Path, values: Sequence[str], *, by: str = "picture", progress: Progress = silent) -> Forgotten:
    """Erase pictures everywhere in a workspace, certify it, and fit what remains.

    `values` are paths or names of pictures, groups, or subjects, as `by` says. Raises InputError
    naming those that are not known; then nothing is erased.
    """
    begun = time.perf_counter()
    with Workspace.open(folder, writing=True) as workspace:
        ids = find_pictures(workspace, values, by=by)
        rows = workspace.rows()
        memory = _GoodMemory(workspace) if is_inspector(workspace.settings) else _ClassMemory(workspace)
        memory_sha256 = memory.drop(rows, set(ids))
        progress("erasing", 0, 1)
        # First, so that a crash in between leaves a picture without its copy, never a copy without its picture.
        leaving = set(ids)
        delete_unpacked(
            Path(folder),
            [row.path for row in rows if row.id in leaving],
            [row.path for row in rows if row.id not in leaving],
        )
        erased = workspace.erase(
            ids, asked=by, memory_sha256=memory_sha256, settings={"fitted": "", "order": {}}, words=tuple(values)
        )
        memory.keep()
        progress("scanning", 0, 1)
        certificate = workspace.certify(erased)
        certified = time.perf_counter()
        learned = _fit_what_remains(memory, progress)
    done = time.perf_counter()
    return Forgotten(
        len(ids),
        certificate,
        learned,
        {"certified": certified - begun, "fitting": done - certified, "total": done - begun},
    )


def find_pictures(workspace: Workspace, values: Sequence[str], *, by: str) -> list[int]:
    """Ids of pictures by path or name, by group, or by subject.

    Raises InputError naming the values that nothing has.
    """
    if by not in BY:
        raise InputError(f"Pictures are found by {', '.join(BY)}, got {by!r}.")
    found: dict[str, list[int]] = {}
    if by == "picture":
        paths = {value: str(Path(value).absolute()) for value in values}
        by_path = workspace.find("path", [*values, *paths.values()])
        by_name = workspace.find("name", values)
        for value in values:
            found[value] = by_path.get(value) or by_path.get(paths[value]) or by_name.get(value) or []
    else:
        known = workspace.find(by, values)
        found = {value: known.get(value, []) for value in values}
    unknown = [value for value, ids in found.items() if not ids]
    if unknown or not found:
        raise InputError(
            f"No picture in {workspace.folder} has this {by}: {', '.join(unknown) or 'nothing was named'}."
        )
    return sorted({number for ids in found.values() for number in ids})


class _ClassMemory:
    """The moments of classes, from which what leaves is subtracted."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._after: Moments | None = None

    def drop(self, rows: Sequence[ExampleRow], gone: set[int]) -> str:
        """Work out the memory without these pictures, kept sums minus the stored codes, and return its hash."""
        taught = teaching_rows(rows, multi_label=read_choices(self._workspace)[0])
        kept = read_kept_moments(self._workspace)
        if kept is None:
            self._after = sum_rows(self._workspace, [row for row in taught if row.id not in gone])
        else:
            leaving = [row for row in taught if row.id in gone]
            self._after = kept - sum_rows(self._workspace, leaving) if leaving else kept
        return self._after.sha256()

    def keep(self) -> None:
        """Put it where the next fit finds it."""
        if self._after is not None:
            write_moments(self._workspace.model_path, self._after, self._workspace.settings)

    def fit(self, progress: Progress) -> Learned:
        """Fit what remains and keep it."""
        backbone = open_source(self._workspace.settings["backbone"])
        learned = fit_workspace(self._workspace, backbone, self._after, progress)
        keep_model(self._workspace, learned)
        return learned


class _GoodMemory:
    """The set of good pictures' codes."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def drop(self, rows: Sequence[ExampleRow], gone: set[int]) -> str:
        """Hash of the set without these pictures."""
        return hash_taught(self._workspace, [row for row in rows if row.id not in gone])

    def keep(self) -> None:
        """Nothing but the codes is needed."""

    def fit(self, progress: Progress) -> LearnedInspector:
        """Fit what remains and keep it."""
        learned = fit_part(self._workspace, open_patch_source(self._workspace.settings["backbone"]), progress)
        keep_part(self._workspace, learned)
        return learned


def _fit_what_remains(memory: _ClassMemory | _GoodMemory, progress: Progress) -> Learned | LearnedInspector | None:
    try:
        return memory.fit(progress)
    except InputError:
        return None  # nothing, or too little, is left: the next teaching fits again


@dataclass(frozen=True)
class Verdict:
    """What was checked and every problem found; no problem means that everything fits together."""

    checked: tuple[str, ...]
    problems: tuple[str, ...]


def verify(target: str | Path, *, public_key: str | Path | None = None, picture: str | Path | None = None) -> Verdict:
    """Check a workspace or a certificate, with nothing but the public key.

    A workspace: the log's chain and signatures, pictures against the log, certificates, and the
    memory's hash against the codes that remain. A certificate (JSON): its signature and statement,
    and with `picture` whether it was that very file that was forgotten.
    """
    path = Path(target)
    if (path / DATABASE).exists():
        return _verify_workspace(path, public_key)
    if path.is_dir():
        raise StoreError(f"{path} is not a workspace: it has no {DATABASE}.")
    return _verify_certificate(path, public_key, picture)


def _verify_workspace(folder: Path, public_key: str | Path | None) -> Verdict:
    with Workspace.open(folder) as workspace:
        key = load_public(Path(public_key)) if public_key else workspace.public_key
        problems = list(workspace.problems(key))
        records, _ = workspace.log()
        problems += _check_memory(workspace)
        n = len(workspace)
    return Verdict((f"{len(records)} log records", f"{n} pictures", "certificates", "memory hash"), tuple(problems))


def _check_memory(workspace: Workspace) -> list[str]:
    """Sum the codes that remain and compare with the newest hash in the log."""
    logged = workspace.memory_sha256
    if not logged:
        return []
    if is_inspector(workspace.settings):
        found = hash_taught(workspace, workspace.rows())
    else:
        found = sum_rows(workspace, teaching_rows(workspace.rows(), multi_label=read_choices(workspace)[0])).sha256()
    if found == logged:
        return []
    return [f"The memory of the codes that remain is {found[:12]}..., but the log says {logged[:12]}...."]


def _verify_certificate(path: Path, public_key: str | Path | None, picture: str | Path | None) -> Verdict:
    certificate = read_certificate(path)
    if public_key is None:
        beside = path.parent.parent / "keys" / "public.pem"
        if not beside.exists():
            raise InputError("Checking a certificate needs the public key: give it with --key.")
        public_key = beside
    problems = list(verify_certificate(certificate, load_public(Path(public_key))))
    checked = ["signature", "statement"]
    if picture is not None:
        checked.append("picture")
        if not fulfils_commitment(certificate, Path(picture).read_bytes()):
            problems.append(f"{Path(picture).name} is not a picture that this certificate is about.")
    return Verdict(tuple(checked), tuple(problems))


def describe_certificate(certificate: dict[str, Any]) -> str:
    """A certificate as indented JSON."""
    return json.dumps(certificate, indent=2, ensure_ascii=False)
