"""Inspecting after good pictures only, against anomalib's PatchCore: python -m benchmarks.inspection [SET...].

Every set is taught as a user would, with everything chosen by foveal itself. The peer runs where anomalib is
installed, on the same pictures, weights and input size; --no-peer leaves it out.
"""

import importlib.util
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.sets import inspection_sets
from foveal.workflows.inspection.evaluating import EvaluatedPart, evaluate_part
from foveal.workflows.inspection.teaching import TaughtPart, teach_good

SPLITS = ("taught", "good", "defective")


def lay_out(folder: Path, pictures: tuple[list[str], list[str], list[str]]) -> Path:
    """Links to the pictures, in a folder each for what is taught, good and defective."""
    for name, paths in zip(SPLITS, pictures, strict=True):
        (folder / name).mkdir(parents=True)
        for number, path in enumerate(paths):
            (folder / name / f"{number:04d}{Path(path).suffix}").symlink_to(path)
    test = folder / "test"
    test.mkdir()
    for name in SPLITS[1:]:
        (folder / name).rename(test / name)
    return folder


def run(pictures: tuple[list[str], list[str], list[str]]) -> tuple[TaughtPart, EvaluatedPart, float]:
    """Teach and evaluate one set; also seconds a look, picture after picture, from the file to the verdict."""
    from foveal.workflows.inspection.looking import inspect_thing

    with tempfile.TemporaryDirectory() as folder:
        source = lay_out(Path(folder) / "set", pictures)
        taught = teach_good(source / "taught", Path(folder) / "part")
        evaluated = evaluate_part(Path(folder) / "part", source / "test")
        begun, shown = time.perf_counter(), pictures[1][:100]
        for path in shown:
            inspect_thing(taught.learned, path)
        return taught, evaluated, (time.perf_counter() - begun) / len(shown)


def main(arguments: list[str]) -> None:
    """Print a Markdown table."""
    with_peer = importlib.util.find_spec("anomalib") is not None and "--no-peer" not in arguments
    wanted = [argument for argument in arguments if not argument.startswith("--")]
    print(
        "| set | taught | way | image AUROC | PatchCore | false alarms at 1 % | at 5 % | teach s | PatchCore s | look ms | PatchCore ms |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for name, pictures in inspection_sets().items():
        if wanted and name not in wanted:
            continue
        taught, evaluated, look = run(pictures)
        peer = ("", "", "")
        if with_peer:
            from benchmarks.patchcore_peer import run_peer

            auroc, teach_s, look_s = run_peer(*pictures)
            peer = (f"{auroc:.4f}", f"{teach_s:.0f}", f"{1000 * look_s:.0f}")
        rates = {row.promised: row for row in evaluated.rates}
        told = [
            f"{100 * rates[r].measured:.1f} %{'' if _is_inside(rates[r]) else ' (outside)'}" if r in rates else ""
            for r in (0.01, 0.05)
        ]
        inspector = taught.learned.inspector
        print(
            f"| {name} | {inspector.n_good} | {inspector.way}, {taught.learned.backbone.side} px | {evaluated.auroc:.4f} | {peer[0]} | "
            f"{told[0]} | {told[1]} | {taught.seconds['total']:.0f} | {peer[1]} | {1000 * look:.1f} | {peer[2]} |",
            flush=True,
        )


def _is_inside(row: object) -> bool:
    low, high = row.expected_range
    return low <= row.measured <= high


if __name__ == "__main__":
    main(sys.argv[1:])
