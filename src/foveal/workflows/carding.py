"""The model card: what a recognizer was taught, what it reaches, its limits, licenses and hashes."""

from collections import Counter
from typing import Any

from foveal.audits.evaluation import Evaluation
from foveal.core.card import BackboneCard
from foveal.recognizers.classifier import Classifier
from foveal.recognizers.conformal import least_for
from foveal.store.workspace import Workspace
from foveal.workflows.kinds import kind_of
from foveal.workflows.learned import Learned, teaching_rows

LIMITS = (
    "Answers hold for pictures taken as the taught ones were; the left-out estimate cannot see a new camera or place.",
    "Coverage is promised for new pictures that are exchangeable with the taught groups.",
    "Codes recomputed on another kind of processor may differ in the last bit; stored codes are never recomputed.",
    "Erasure reaches everything inside the workspace; backups and files handed out are listed, not reached.",
)


def make_card(workspace: Workspace, learned: Learned, evaluation: Evaluation | None = None) -> dict[str, Any]:
    """Build the card of a workspace's recognizer as plain values."""
    readout, backbone = learned.readout, learned.backbone.card
    rows = teaching_rows(workspace.rows(), multi_label=bool(workspace.settings["multi_label"]))
    counts = Counter(label for row in rows for label in row.labels)
    groups = learned.taught.groups.tolist() if learned.taught is not None else []
    return {
        "name": learned.name,
        "kind": kind_of(readout).name,
        "pictures": len(rows),
        "classes": {label: counts.get(label, 0) for label in readout.classes},
        "groups": len(set(groups)),
        "figures": evaluation.to_dict() if evaluation is not None else None,
        "decides": {
            "shrinkage": readout.shrinkage.level,
            "sharpness": readout.sharpness,
            "coverage": readout.settings.coverage,
            "priors": readout.settings.priors,
            "too_few_to_promise": _too_few(learned),
            "least_left_out_pictures": least_for(readout.settings.coverage),
        },
        **describe_backbone(backbone, learned.backbone.id),
        "hashes": {"memory": workspace.memory_sha256, "state": learned.state, "weights": backbone.sha256},
        "limits": list(LIMITS),
    }


def describe_backbone(backbone: BackboneCard, identity: str) -> dict[str, Any]:
    """What a card says of the backbone: provenance, licenses, and whether commercial use is allowed."""
    return {
        "backbone": {**backbone.to_dict(), "id": identity},
        "licenses": {
            "foveal": "Apache-2.0",
            f"{backbone.name} (code)": backbone.license_code,
            f"{backbone.name} (weights)": backbone.license_weights,
        },
        "commercial_use": backbone.commercial_use,
    }


def _too_few(learned: Learned) -> list[str]:
    readout = learned.readout
    conformal = readout.conformal if isinstance(readout, Classifier) else readout.present
    promised = conformal.promised(readout.settings.coverage)
    return [label for label, enough in zip(readout.classes, promised, strict=True) if not enough]


def to_markdown(card: dict[str, Any]) -> str:
    """The card as a Markdown page."""
    lines = [f"# {card['name'] or 'Recognizer'}", "", f"A {card['kind']} of {len(card['classes'])} classes, taught with "
             f"{card['pictures']} pictures in {card['groups']} independent groups.", ""]  # fmt: skip
    lines += ["| class | pictures |", "|---|---|"] + [f"| {label} | {n} |" for label, n in card["classes"].items()]
    figures = card["figures"]
    if figures:
        low, high = figures["accuracy_interval"]
        coverage = figures["coverage"]
        lines += [
            "",
            f"On {figures['n']} {figures['how']}: accuracy {figures['accuracy']:.1%} ({low:.1%} to {high:.1%}), "
            f"macro F1 {figures['macro_f1']:.3f}; could-be sets promised {coverage['promised']:.0%}, "
            f"measured {coverage['measured']:.1%}.",
        ]
    backbone = card["backbone"]
    decides = card["decides"]
    lines += [
        "",
        "## How it decides",
        "",
        f"Backbone `{backbone['id']}` ({backbone['source']}); closed-form read-out, shrinkage {decides['shrinkage']}, "
        f"priors {decides['priors']}, could-be sets at {decides['coverage']:.0%}.",
    ]
    if decides["too_few_to_promise"]:
        lines.append(f"Too few left-out pictures to promise coverage each: {', '.join(decides['too_few_to_promise'])}.")
    lines += ["", "## Limits", ""] + [f"- {limit}" for limit in card["limits"]]
    lines += ["", "## Licenses", ""] + [f"- {part}: {license}" for part, license in card["licenses"].items()]
    lines += ["", "## Hashes (SHA-256)", ""] + [f"- {part}: `{value}`" for part, value in card["hashes"].items()]
    return "\n".join(lines) + "\n"
