"""Index a catalogue of pictures, so that it can be searched by picture.

CATALOGUE is a folder (each picture an item, its folder a category; with --item-folders each folder an item), a zip,
or a table (CSV, JSON lines, Parquet) with a column path, and optionally item; all other columns can be filtered by.
Run it again to add what is new. --into takes a folder, or postgresql://... or qdrant://... of a server.
"""

import argparse

from foveal.cli.console import Console
from foveal.cli.exit_codes import ExitCode

EXAMPLE = "foveal index catalogue.csv --into shop-gallery"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be given."""
    parser.add_argument("catalogue", help="folder, zip or table of pictures")
    parser.add_argument("--into", default="foveal-gallery", metavar="GALLERY", help="folder or server that keeps it")
    parser.add_argument("--item-folders", action="store_true", help="each folder is one item with several pictures")
    parser.add_argument("--teach-with", metavar="FOLDER", help="more pictures, a folder per item, to learn from only")
    parser.add_argument("--by", metavar="COLUMN", help="column that says what is alike, instead of the item")
    parser.add_argument("--prune", action="store_true", help="remove items that the catalogue no longer has")
    learning = parser.add_mutually_exclusive_group()
    learning.add_argument("--learn", action="store_true", default=None, help="learn what similar means, now")
    learning.add_argument("--no-learn", dest="learn", action="store_false", help="keep what was learned before")
    parser.add_argument(
        "--text", metavar="CARD", default="", help="card of a text-image pair (ONNX), to search by words"
    )
    parser.add_argument("--backbone", metavar="NAME", help="name, .onnx file or hf:OWNER/REPO/FILE.onnx")
    parser.add_argument("--name", default="", help="what to call it")


def run(options: argparse.Namespace, console: Console) -> int:
    """Index and print what was done."""
    from foveal.backbones.catalog import DEFAULT
    from foveal.workflows.finding.describing import describe_indexed
    from foveal.workflows.finding.gallery import GalleryChoices
    from foveal.workflows.finding.indexing import Plan, index_catalogue

    choices = GalleryChoices(backbone=options.backbone or DEFAULT, text=options.text, name=options.name)
    plan = Plan(
        folders_are_items=options.item_folders,
        teach_with=options.teach_with,
        by=options.by,
        learn=options.learn,
        prune=options.prune,
    )
    indexed = index_catalogue(options.catalogue, options.into, choices, plan, progress=console.progress)
    console.close()
    plain = describe_indexed(indexed, options.into)
    for line in plain.pop("lines"):
        console.print(line)
    console.print_json(plain)
    return ExitCode.OK
