"""A zip taught, and a picture of it forgotten: no copy may stay."""

import zipfile

from tests.pictures import make_folder

from foveal.core.hashing import hash_bytes, hash_file
from foveal.workflows.forgetting import forget
from foveal.workflows.sources.archive import UNPACKED
from foveal.workflows.teaching import Choices, teach_workspace


def test_forgetting_deletes_the_copy_that_came_out_of_the_zip(tmp_path):
    photos = make_folder(tmp_path / "photos", each=6)
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for path in sorted(photos.rglob("*.png")):
            archive.write(path, path.relative_to(tmp_path))
    workspace = tmp_path / "w"
    taught = teach_workspace(tmp_path / "photos.zip", workspace, Choices(view="whole", bursts=False))
    assert taught.n_new == 18
    gone = hash_bytes((photos / "disc" / "disc 3.png").read_bytes())

    def copies():
        return {hash_file(path) for path in (workspace / UNPACKED).rglob("*.png")}

    assert gone in copies()
    assert forget(workspace, ["disc/disc 3.png"]).certificate["scan"]["n_found"] == 0
    assert gone not in copies()
    assert len(copies()) == 17
    again = teach_workspace(tmp_path / "photos.zip", workspace, Choices(view="whole", bursts=False))
    assert (again.n_new, again.n_known) == (0, 17)
