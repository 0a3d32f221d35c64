"""The model card of an inspector."""

from typing import Any

from foveal.core.inspection import INSPECTOR
from foveal.recognizers.inspector import count_needed
from foveal.store.workspace import Workspace
from foveal.workflows.carding import describe_backbone
from foveal.workflows.inspection.learned import LearnedInspector

LIMITS = (
    "False alarms are promised for good pictures taken as the taught ones were: same camera, place and light.",
    "How many defects are found cannot be promised from good pictures; measure it on known defects.",
    "A defect much smaller than the network's patches, 8 pixels of its input, may go unseen.",
    "Erasure reaches everything inside the workspace; backups and files handed out are listed, not reached.",
)


def make_part_card(workspace: Workspace, learned: LearnedInspector) -> dict[str, Any]:
    """Build the card as plain values."""
    inspector, backbone = learned.inspector, learned.backbone.card
    return {
        "name": learned.name,
        "kind": INSPECTOR,
        "pictures": inspector.n_good,
        "decides": {
            "way": inspector.way,
            "size": learned.backbone.side,
            "false_alarms": inspector.false_alarms,
            "promised": inspector.promised,
            "good_pictures_needed": count_needed(inspector.false_alarms),
            "threshold": inspector.threshold,
        },
        **describe_backbone(backbone, learned.backbone.id),
        "hashes": {"memory": workspace.memory_sha256, "state": learned.state, "weights": backbone.sha256},
        "limits": list(LIMITS),
    }


def part_to_markdown(card: dict[str, Any]) -> str:
    """The card as a Markdown page."""
    decides, backbone = card["decides"], card["backbone"]
    lines = [
        f"# {card['name'] or 'Inspector'}",
        "",
        f"An inspector, taught with {card['pictures']} pictures of good parts.",
        "",
        "## How it decides",
        "",
        f"Backbone `{backbone['id']}` ({backbone['source']}), seen at {decides['size']} pixels; parts "
        f"{decides['way']}; false alarms asked for {decides['false_alarms']:.2%}, promised {decides['promised']:.2%} "
        f"({decides['good_pictures_needed']} good pictures are needed for what was asked for).",
        "",
        "## Limits",
        "",
        *(f"- {limit}" for limit in card["limits"]),
        "",
        "## Licenses",
        "",
        *(f"- {part}: {license}" for part, license in card["licenses"].items()),
        "",
        "## Hashes (SHA-256)",
        "",
        *(f"- {part}: `{value}`" for part, value in card["hashes"].items()),
    ]
    return "\n".join(lines) + "\n"
