"""kill -9 at random moments of teaching and forgetting loses nothing acknowledged and leaves nothing half-done."""

import random
import signal
import subprocess
import sys
import time

import pytest
from tests.pictures import make_folder
from tests.tiny_network import write_network

from foveal.store.workspace import Workspace
from foveal.workflows.forgetting import forget, verify
from foveal.workflows.teaching import Choices, teach_workspace
from foveal.workflows.workspace_model import open_workspace_model

MOMENTS = 50
CHILD = """
import sys
import foveal.workflows.teaching as teaching
from foveal.workflows.forgetting import forget
from foveal.store.workspace import Workspace
teaching.BATCH = 5
folder, photos, more = sys.argv[1:4]
print("ready", flush=True)
with Workspace.open(folder) as kept:
    names = [row.name for row in kept.rows() if len(row.name.split()[-1]) < 6]
for name in names[:2]:
    forget(folder, [name])
    print("forgot", name, flush=True)
teaching.teach_workspace(more, folder)
with Workspace.open(folder) as kept:
    print("taught", len(kept), flush=True)
forget(folder, ["disc/disc 33.png"])
print("forgot disc/disc 33.png", flush=True)
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    root = tmp_path_factory.mktemp("kill")
    make_folder(root / "photos", each=5)
    make_folder(root / "more", each=6, start=30)
    network = str(write_network(root / "tiny.onnx"))
    teach_workspace(root / "photos", root / "w", Choices(network, view="whole", bursts=False))
    return root


def test_fifty_kills(prepared):
    """One workspace is killed again and again; each time it must open, verify and go on."""
    chance = random.Random(7)
    acknowledged: set[str] = set()
    reached = set()
    for moment in range(MOMENTS):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, *(str(prepared / part) for part in ("w", "photos", "more"))],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert child.stdout.readline() == "ready\n", child.stderr.read()
        time.sleep(chance.uniform(0.0, 1.0))
        child.send_signal(signal.SIGKILL)
        said, _ = child.communicate()
        forgotten = {line.split(" ", 1)[1] for line in said.splitlines() if line.startswith("forgot")}
        if "\ntaught" not in said:  # the child may have been teaching again what it forgot
            forgotten = {name for name in forgotten if not (prepared / "more" / name).exists()}
        with Workspace.open(prepared / "w", writing=True) as kept:  # finishes an erasure that was cut short
            names = {row.name for row in kept.rows()}
            counts = (len(names), len(kept.measures()), len(kept.codes([row.id for row in kept.rows()])))
        assert len(set(counts)) == 1, (moment, counts)
        assert not forgotten & names, (moment, forgotten)
        problems = verify(prepared / "w").problems
        assert not problems, (moment, problems)
        learned = open_workspace_model(prepared / "w")
        assert len(learned.taught) == len(names), moment
        acknowledged |= forgotten
        reached.add(len(forgotten))
        teach_workspace(prepared / "photos", prepared / "w")  # put back what was forgotten and go on
    assert acknowledged, "no kill came after an acknowledged erasure: choose longer moments"
    assert len(reached) > 1
    forget(prepared / "w", ["disc/disc 1.png"])
    assert verify(prepared / "w").problems == ()
