"""One labelled picture as the user gave it, before anything was read."""

from dataclasses import dataclass

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Example:
    """A file and what the user says of it.

    `labels` has one entry for single-label work, any number for tags, none when unknown.
    `group` names what must not leak between teaching and testing (a burst, a patient, a site);
    `subject` names the person or thing that may ask to be forgotten.
    """

    path: str  # absolute path of the file, or of a frame: "scan.dcm#3"
    name: str  # short name shown to people, relative to the source
    labels: tuple[str, ...] = ()
    group: str | None = None
    subject: str | None = None
    split: str | None = None  # one of SPLITS
    not_labels: tuple[str, ...] = ()  # what the user says this picture is NOT
