"""Peak memory while teaching 100,000 pictures, the real ones repeated: python -m benchmarks.growth [N]."""

import resource
import sys
import tempfile
from pathlib import Path

from benchmarks.sets import elpv_rows
from foveal.workflows.teaching import Choices, teach_workspace


def peak_mb() -> float:
    """Largest resident size of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def repeat(rows: list[tuple[str, str, str]], n: int, folder: Path) -> Path:
    """One folder per class with n links to the pictures, taken again and again."""
    for number in range(n):
        path, label, _ = rows[number % len(rows)]
        there = folder / label
        there.mkdir(parents=True, exist_ok=True)
        (there / f"{number:06d}{Path(path).suffix}").symlink_to(path)
    return folder


def main() -> None:
    """Print the peak after 5,000 pictures, after the last was seen, and after the fit."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    rows = [(path, label, "train") for path, label, _ in elpv_rows(0)]
    marks: dict[str, float] = {}

    def note(stage: str, done: int, total: int) -> None:
        if stage == "seeing" and done in (5_000, n):
            marks[f"after {done} seen"] = peak_mb()

    with tempfile.TemporaryDirectory() as folder:
        pictures = repeat(rows, n, Path(folder) / "pictures")
        taught = teach_workspace(pictures, Path(folder) / "w", Choices(view="whole", bursts=False), note)
        marks["after the fit"] = peak_mb()
    for name, value in marks.items():
        print(f"{name}: {value:.0f} MB")
    print(f"{taught.n_new} pictures, {taught.seconds}")


if __name__ == "__main__":
    main()
