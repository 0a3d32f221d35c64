"""The demonstration: defective solar cells, from nothing to a certificate in a minute."""

import csv
import importlib.util
import random
import shutil
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from foveal.core.contracts import Progress, silent
from foveal.core.errors import InputError, MissingExtraError
from foveal.core.inspection import DEFECT, GOOD
from foveal.store.workspace import Workspace
from foveal.workflows.describing import describe_evaluated, describe_prediction, describe_taught
from foveal.workflows.evaluating import evaluate
from foveal.workflows.forgetting import describe_certificate, forget, verify
from foveal.workflows.inspection.describing import describe_evaluated_part, describe_inspection, describe_part
from foveal.workflows.inspection.evaluating import EvaluatedPart, evaluate_part
from foveal.workflows.inspection.look_files import inspect_and_draw
from foveal.workflows.inspection.report import write_part_report
from foveal.workflows.inspection.teaching import PartChoices, teach_good
from foveal.workflows.learned import fit_workspace
from foveal.workflows.look_files import look_and_draw
from foveal.workflows.model_file import open_source
from foveal.workflows.reporting import write_report
from foveal.workflows.teaching import Choices, teach_workspace

PUBLISHED = "Deitsch et al. 2019, another 75/25 split: SVM 82.44 %, CNN 88.42 %"
LICENSE = "The pictures are CC BY-NC-SA 4.0 (elpv-dataset): for this demonstration, not for commercial use."
GOOD_CELLS = 150  # taught to the inspector, and as many good and defective ones held out
MARK = ".foveal-demo"  # only folders that a demo made are ever replaced


def run_demo(
    output: str | Path, *, seed: int = 0, say: Callable[[str], None] = print, progress: Progress = silent
) -> dict[str, Any]:
    """Teach, evaluate, look, forget and report; returns the figures.

    Raises MissingExtraError without the package of pictures, InputError when the output folder
    holds something else.
    """
    folder = _fresh_folder(Path(output))
    say(LICENSE)
    rows = split_cells(read_cells(), seed)
    table = _write_table(rows, folder / "cells.csv")
    say(
        f"\n1. Teach: {sum(r[2] == 'train' for r in rows)} photographs; {sum(r[2] == 'test' for r in rows)} are held out."
    )
    workspace = folder / "workspace"
    # Cracks sit anywhere in a cell, so the whole picture counts.
    taught = teach_workspace(table, workspace, Choices(name="Solar cells", view="whole", bursts=False), progress)
    for line in describe_taught(taught, workspace)["lines"]:
        say(f"   {line}")
    say("\n2. Evaluate on the quarter held out.")
    evaluated = evaluate(workspace, progress=progress)
    for line in describe_evaluated(evaluated):
        say(f"   {line}")
    say(f"   Published: {PUBLISHED}.")
    say(f"   {_by_module(workspace)}")
    shown = _worth_showing(rows)
    prediction, sheet = look_and_draw(taught.learned, workspace, shown, folder)
    say(
        f"\n3. Look at one that was held out, with the evidence.\n   {describe_prediction(prediction)}\n   Drawn: {sheet}"
    )
    report = write_report(workspace, evaluated, folder / "report.html", progress=progress)
    leaving = next(path for path, _, split in rows if split == "train")
    forgotten = forget(workspace, [leaving], progress=progress)
    certificate = folder / "certificate.json"
    certificate.write_text(describe_certificate(forgotten.certificate) + "\n", "utf-8")
    say(f"\n4. Forget {Path(leaving).name}: certified in {forgotten.seconds['certified']:.2f} s; "
        f"{forgotten.certificate['scan']['n_found']} traces found. Certificate: {certificate}")  # fmt: skip
    problems = verify(workspace).problems + verify(certificate, public_key=workspace / "keys" / "public.pem").problems
    say(f"   Verified: {'; '.join(problems) if problems else 'log, certificate and memory fit together'}.")
    say(f"\n5. Report with the pictures in it, to open in a browser: {report}")
    inspected = _inspect(folder, seed, say, progress)
    return {
        "inspection": inspected.to_dict(),
        "accuracy": evaluated.headline.accuracy,
        "evaluation": evaluated.to_dict(),
        "seconds": taught.seconds,
        "certificate": str(certificate),
        "report": str(report),
        "sheet": str(sheet),
        "problems": list(problems),
    }


def _inspect(folder: Path, seed: int, say: Callable[[str], None], progress: Progress) -> EvaluatedPart:
    """Find defects after seeing only good cells, and draw one."""
    say(f"\n6. Inspect: defects found after seeing only {GOOD_CELLS} good cells, and none that is defective.")
    table = _write_table(pick_cells(list_cells(), seed), folder / "good-cells.csv")
    taught = teach_good(
        table, folder / "inspector", PartChoices(name="Solar cells", false_alarms=0.05), progress=progress
    )
    for line in describe_part(taught, folder / "inspector")["lines"]:
        say(f"   {line}")
    evaluated = evaluate_part(folder / "inspector", progress=progress)
    for line in describe_evaluated_part(evaluated):
        say(f"   {line}")
    found = [one for one in evaluated.judged if one.inspection.verdict == DEFECT] or list(evaluated.judged)
    shown = max(found, key=lambda one: one.inspection.score)
    inspection, sheet = inspect_and_draw(taught.learned, Path(shown.path), folder)
    told = describe_inspection(inspection).replace("\n", "\n   ")
    say(f"   {told}\n   Drawn: {sheet}\n   Report: {write_part_report(evaluated, folder / 'inspection.html')}")
    return evaluated


def pick_cells(cells: list[tuple[str, float, str]], seed: int) -> list[tuple[str, str, str]]:
    """Good cells of one kind to teach, and others, good and surely defective, to test."""
    chosen = random.Random(seed)
    good = chosen.sample([path for path, chance, kind in cells if (chance, kind) == (0.0, "mono")], 2 * GOOD_CELLS)
    bad = chosen.sample([path for path, chance, kind in cells if (chance, kind) == (1.0, "mono")], GOOD_CELLS)
    return [
        *((path, GOOD, "train") for path in good[:GOOD_CELLS]),
        *((path, GOOD, "test") for path in good[GOOD_CELLS:]),
        *((path, "defective", "test") for path in bad),
    ]


def _write_table(rows: list[tuple[str, str, str]], path: Path) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "label", "split"), *rows])
    return path


def list_cells() -> list[tuple[str, float, str]]:
    """Path, probability of a defect and kind of module ("mono" or "poly") of every cell.

    Raises MissingExtraError when the package of pictures is not installed.
    """
    spec = importlib.util.find_spec("elpv_dataset")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError("The demonstration", "demo")
    data = Path(spec.submodule_search_locations[0]) / "data"
    lines = (data / "labels.csv").read_text("utf-8").split("\n")
    cells = [line.split() for line in lines if line.strip()]
    return [(str(data / name), float(chance), kind) for name, chance, kind in cells]


def read_cells() -> list[tuple[str, str]]:
    """Path and label of every cell: defective from a probability of one half on.

    Raises MissingExtraError when the package of pictures is not installed.
    """
    return [(path, "defective" if chance >= 0.5 else "fine") for path, chance, _ in list_cells()]


def split_cells(cells: list[tuple[str, str]], seed: int) -> list[tuple[str, str, str]]:
    """Hold out a quarter of each class, chosen by the seed."""
    by_label = defaultdict(list)
    for path, label in cells:
        by_label[label].append(path)
    chosen = random.Random(seed)
    held_out = {path for paths in by_label.values() for path in chosen.sample(paths, round(len(paths) / 4))}
    return [(path, label, "test" if path in held_out else "train") for path, label in cells]


def _by_module(folder: Path) -> str:
    """The estimate when neighbouring cells, mostly of one module, are left out together."""
    with Workspace.open(folder) as workspace:
        learned = fit_workspace(workspace, open_source(workspace.settings["backbone"]), bursts=True)
    left_out = learned.left_out
    if left_out is None:
        return ""
    right = left_out.probabilities.argmax(axis=1) == left_out.truth.argmax(axis=1)
    return (
        f"Neighbouring cells resemble each other, and such a split has them on both sides. With runs of them left "
        f"out together it is {right[left_out.valid].mean():.1%}: what to expect on a new module."
    )


def _worth_showing(rows: list[tuple[str, str, str]]) -> Path:
    return Path(next(path for path, label, split in rows if split == "test" and label == "defective"))


def _fresh_folder(folder: Path) -> Path:
    """Make the output folder, replacing what an earlier demo left and nothing else."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARK).exists():
            raise InputError(f"{folder} holds something else. Choose another folder with --output.")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).touch()
    return folder
