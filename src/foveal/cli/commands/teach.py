"""Learn classes from pictures, or with --good, what good parts look like.

SOURCE is a folder with one folder per class, a folder with train/val/test folders, an MVTec-like
folder, a table (.csv, .tsv, .jsonl, .parquet) with the columns path and label (or labels, group,
subject, split, not), or a zip of any of these. Teaching an existing workspace adds to it.

--good FOLDER holds pictures of good parts only, or is MVTec-like (train/good, test/KIND, ground_truth):
the workspace then inspects. --bad FOLDER holds known defects; they measure and never teach. --kinds FOLDER holds
defects in a folder per kind, so that a defect that is found is also named.
"""

import argparse
from typing import Any

from foveal.cli.console import Console
from foveal.cli.exit_codes import ExitCode
from foveal.cli.rates import parse_rate
from foveal.core.errors import InputError

EXAMPLE = "foveal teach photos/ --workspace shop --save shop.foveal, foveal teach --good parts/ --workspace part"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be given."""
    parser.add_argument("source", nargs="?", help="folder, table or zip of labelled pictures")
    parser.add_argument("--workspace", "-w", default="foveal-workspace", help="folder that keeps what is learned")
    parser.add_argument("--save", metavar="FILE", help="also write a .foveal file, noted in the export register")
    parser.add_argument("--name", default="", help="name of the recognizer; default: name of the source")
    parser.add_argument(
        "--backbone", help="efficientnet-lite0, -lite1, -lite2, a path of an .onnx file, hf:OWNER/REPO/FILE"
    )
    parser.add_argument(
        "--view", default="auto", help="auto, whole, center or close: the part of a picture that counts"
    )
    parser.add_argument("--runtime", default="onnxruntime", help="onnxruntime or openvino")
    parser.add_argument("--precision", default="fp32", help="fp32, or bf16 with openvino")
    parser.add_argument("--no-bursts", action="store_true", help="file neighbors that look alike are different things")
    parser.add_argument("--tags", action="store_true", help="pictures may have any number of labels")
    parser.add_argument("--coverage", type=float, default=0.9, help="promised share of truths in the could-be set")
    parser.add_argument(
        "--answer-from", type=float, default=0.5, help="where several classes could be, answer from this probability on"
    )
    parser.add_argument("--priors", default="taught", help="taught or equal, or label=weight,label=weight")
    inspecting = parser.add_argument_group("inspecting")
    inspecting.add_argument("--good", metavar="SOURCE", help="pictures of good parts: learn to find defects")
    inspecting.add_argument("--bad", metavar="SOURCE", help="known defects, to measure with; never needed")
    inspecting.add_argument("--kinds", metavar="SOURCE", help="defects in a folder per kind: learn to name them")
    inspecting.add_argument("--false-alarms", type=parse_rate, metavar="RATE", help="promised share; default: 1%%")
    inspecting.add_argument("--way", choices=("aligned", "anywhere"), help="default: chosen by made-up defects")
    inspecting.add_argument("--size", type=int, help="pixels a side that the network sees; default: chosen likewise")


def run(options: argparse.Namespace, console: Console) -> int:
    """Teach, then print the honest figures."""
    if (options.source is None) == (options.good is None):
        raise InputError("Give either a source of labelled pictures, or good ones with --good SOURCE.")
    plain = _teach_good(options, console) if options.good else _teach_classes(options, console)
    for line in plain.pop("lines"):
        console.print(line)
    if options.save:
        console.print(f"Saved {options.save}: it holds codes and names, no pictures.")
    console.print(f"Next: foveal look PICTURE --with {options.workspace}")
    console.print_json(plain)
    return ExitCode.OK


def _teach_classes(options: argparse.Namespace, console: Console) -> dict[str, Any]:
    from foveal.backbones.catalog import DEFAULT
    from foveal.recognizers.settings import Settings
    from foveal.workflows.describing import describe_taught
    from foveal.workflows.saving import save
    from foveal.workflows.teaching import Choices, parse_priors, teach_workspace

    choices = Choices(
        backbone=options.backbone or DEFAULT,
        view=options.view,
        runtime=options.runtime,
        precision=options.precision,
        multi_label=True if options.tags else None,
        bursts=not options.no_bursts,
        settings=parse_priors(options.priors, Settings(coverage=options.coverage, answer_from=options.answer_from)),
        name=options.name,
    )
    taught = teach_workspace(options.source, options.workspace, choices, console.progress)
    console.close()
    plain = describe_taught(taught, options.workspace)
    if options.save:
        plain["file"] = options.save
        plain["file_sha256"], _ = save(options.workspace, options.save, progress=console.progress)
    return plain


def _teach_good(options: argparse.Namespace, console: Console) -> dict[str, Any]:
    from foveal.backbones.catalog import DEFAULT
    from foveal.workflows.inspection.describing import describe_part
    from foveal.workflows.inspection.saving import save_part
    from foveal.workflows.inspection.teaching import PartChoices, teach_good

    choices = PartChoices(
        backbone=options.backbone or DEFAULT,
        runtime=options.runtime,
        precision=options.precision,
        size=options.size,
        way=options.way,
        false_alarms=options.false_alarms,
        name=options.name,
    )
    taught = teach_good(
        options.good, options.workspace, choices, bad=options.bad, kinds=options.kinds, progress=console.progress
    )
    console.close()
    plain = describe_part(taught, options.workspace)
    if options.save:
        plain["file"] = options.save
        plain["file_sha256"] = save_part(options.workspace, options.save)
    return plain
