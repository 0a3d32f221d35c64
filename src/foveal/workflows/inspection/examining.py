"""What is wrong with the good pictures of an inspector."""

from foveal.audits.copies import find_copies
from foveal.audits.finding import Finding
from foveal.audits.looks import find_poor_looks
from foveal.audits.pictures import Pictures
from foveal.store.workspace import Workspace
from foveal.workflows.inspection.describing import find_odd
from foveal.workflows.inspection.keeping import open_part


def examine_good(workspace: Workspace, pictures: Pictures) -> list[Finding]:
    """Copies, poor pictures, and good ones so unlike the others that they may show a defect."""
    copies = [finding for finding in find_copies(pictures, workspace.thumbnail) if finding.kind == "exact copies"]
    findings = copies + find_poor_looks(pictures)  # good parts look alike: that is no finding
    odd = find_odd(open_part(workspace.folder))
    if odd:
        findings.append(
            Finding(
                "odd good picture",
                "warning",
                tuple(name for name, _ in odd),
                f"{len(odd)} good pictures are unlike the others: they may show a defect, and raise the limit.",
                f"Look at them; take a defective one out: foveal forget NAME --workspace {workspace.folder}",
                float(len(odd)),
            )
        )
    return findings
