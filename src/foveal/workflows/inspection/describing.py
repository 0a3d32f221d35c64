"""Results of inspecting in plain words, for people who read a terminal."""

from pathlib import Path
from typing import Any

import numpy as np

from foveal.core.inspection import GOOD, Inspection
from foveal.core.prediction import FLAGS
from foveal.imaging.inspection_sheet import describe_region, say_verdict
from foveal.recognizers.oddness import tail_p_values
from foveal.store.workspace import Workspace
from foveal.workflows.describing import passed_over
from foveal.workflows.inspection.evaluating import EvaluatedPart
from foveal.workflows.inspection.learned import LearnedInspector
from foveal.workflows.inspection.teaching import TaughtPart

ODD_BELOW = 0.01  # tail p-value under which a taught good picture is worth a second look
MOST_ODD = 5  # named
POINTS = (0.005, 0.01, 0.02, 0.05, 0.1)  # rates of false alarms at which known defects are counted
WAYS = {"aligned": "parts that lie alike in every picture", "anywhere": "parts or textures that lie anywhere"}


def describe_part(taught: TaughtPart, folder: str | Path) -> dict[str, Any]:
    """What teaching did, as plain values; "lines" are for people."""
    learned, inspector = taught.learned, taught.learned.inspector
    lines = [
        f"Learned what good looks like from {inspector.n_good} pictures ({taught.n_new} new, {taught.n_known} known), "
        f"{taught.seconds['total']:.1f} s: {WAYS[inspector.way]}, seen at {learned.backbone.side} pixels.",
    ]
    if taught.needed:
        lines.append(
            f"False alarms: {inspector.false_alarms:.2%} cannot be promised yet; {inspector.promised:.1%} is what "
            f"{inspector.n_good} pictures allow. Add {taught.needed} more good pictures."
        )
    else:
        lines.append(
            f"False alarms: at most {inspector.promised:.2%} of good pictures, as far as they come as these did."
        )
    odd = find_odd(learned)
    if odd:
        lines.append(f"Look again at {len(odd)} good pictures that are least like the others; do they show a defect?")
        lines += [f"  {name}" for name, _ in odd[:MOST_ODD]]
        lines.append(f"  To take one out: foveal forget NAME --workspace {folder}")
    if learned.kinds is not None:
        lines.append(f"Kinds of defects it can name: {', '.join(learned.kinds.classes)}.")
    points = measure_points(learned)
    if points:
        told = ", ".join(f"{found:.0%} at {rate:.1%}" for rate, found in points)
        lines.append(f"Of {taught.n_defects} known defects it finds {told} false alarms; choose with --false-alarms.")
        lines.append(f"All figures: foveal evaluate --workspace {folder}")
    lines += passed_over("unreadable", taught.unreadable) + passed_over("skipped", taught.skipped)
    lines.append(f"Kept in {folder}.")
    return {
        "lines": lines,
        "workspace": str(folder),
        "good": inspector.n_good,
        "new": taught.n_new,
        "known": taught.n_known,
        "held_out": taught.n_defects,
        "operating_points": [{"false_alarms": rate, "found": found} for rate, found in points],
        "kinds": [] if learned.kinds is None else list(learned.kinds.classes),
        "way": inspector.way,
        "size": learned.backbone.side,
        "false_alarms": inspector.false_alarms,
        "promised": inspector.promised,
        "more_needed": taught.needed,
        "odd": [{"name": name, "p_value": p} for name, p in odd],
        "unreadable": [{"name": name, "reason": reason} for name, reason in taught.unreadable],
        "skipped": [{"name": name, "reason": reason} for name, reason in taught.skipped],
        "backbone": learned.backbone.id,
        "seconds": taught.seconds,
    }


def measure_points(learned: LearnedInspector) -> list[tuple[float, float]]:
    """Rates of false alarms that can be promised, with the share of held-out defects found at each; none without any."""
    if learned.folder is None:
        return []
    with Workspace.open(learned.folder) as workspace:
        ids = [row.id for row in workspace.rows({"test"}) if row.labels != (GOOD,)]
        blocks = workspace.code_blocks(ids, rows=16)
        p_values = np.array([learned.inspector.inspect(code).p_value for _, codes in blocks for code in codes])
    least = 1.0 / (learned.inspector.n_good + 1)
    return [(rate, float((p_values <= rate).mean())) for rate in POINTS if rate >= least and len(p_values)]


def find_odd(learned: LearnedInspector) -> list[tuple[str, float]]:
    """Taught good pictures least like the others, with how rarely a good one is as far out; oddest first."""
    scores = learned.inspector.left_out
    p_values = tail_p_values(np.sort(scores), scores)
    order = np.argsort(-scores, kind="stable")
    return [(learned.names[i], float(p_values[i])) for i in order if learned.names and p_values[i] < ODD_BELOW]


def describe_inspection(inspection: Inspection, name: str = "") -> str:
    """One verdict in a few lines; `name` in place of where the picture came from."""
    lines = [f"{name or inspection.origin}: {say_verdict(inspection)} (p = {inspection.p_value:.2g})"]
    lines += [f"  {describe_region(region)}" for region in inspection.regions[:3]]
    if len(inspection.regions) > 3:
        lines.append(f"  and {len(inspection.regions) - 3} more regions")
    if inspection.nearest is not None:
        lines.append(f"  should look like {inspection.nearest.name}")
    if inspection.flags:
        lines.append(f"  note: {'; '.join(FLAGS[flag] for flag in inspection.flags)}")
    return "\n".join(lines)


def describe_evaluated_part(evaluated: EvaluatedPart) -> list[str]:
    """The figures, the ones to quote first."""
    n_good = sum(one.kind == GOOD for one in evaluated.judged)
    lines = [f"On {n_good} good and {len(evaluated.judged) - n_good} defective pictures that were not taught:"]
    if evaluated.auroc is not None and evaluated.auprc is not None:
        lines.append(f"  image AUROC {evaluated.auroc:.4f}, AUPRC {evaluated.auprc:.4f}")
    if evaluated.pixel_auroc is not None and evaluated.aupro is not None:
        lines.append(
            f"  where, on {evaluated.n_masks} masks: pixel AUROC {evaluated.pixel_auroc:.4f}, AUPRO {evaluated.aupro:.4f}"
        )
    for row in evaluated.rates:
        low, high = row.expected_range
        kept = "kept" if row.is_kept else "NOT kept"
        found = "" if row.found is None else f"; finds {row.found:.1%} of defective ones"
        lines.append(
            f"  false alarms promised {row.promised:.2%}, measured {row.measured:.2%} "
            f"({kept}; 95 % of such measurements: {low:.1%} to {high:.1%}){found}"
        )
    for kind in evaluated.kinds:
        told = "" if kind.auroc is None else f", AUROC {kind.auroc:.3f}"
        lines.append(f"  {kind.kind}: finds {kind.found:.0%} of {kind.n}{told}")
    n_found, n_named, n_right = evaluated.named
    if n_named:
        lines.append(f"  of {n_found} found defects {n_named} are named, {n_right / n_named:.1%} of them rightly")
    return lines + passed_over("unreadable", evaluated.unreadable)
