"""Recommend items of a gallery for one or several liked ones: similar, varied, and not what was bought."""

import argparse

from foveal.cli.console import Console
from foveal.cli.exit_codes import ExitCode

EXAMPLE = "foveal recommend shoe-12 lamp-3 --in shop-gallery --bought shoe-7"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be given."""
    parser.add_argument("items", nargs="+", help="liked items, as find shows them")
    parser.add_argument("--in", dest="gallery", default="foveal-gallery", metavar="GALLERY", help="folder or server")
    parser.add_argument("--bought", action="append", default=[], metavar="ITEM", help="leave out what was bought")
    parser.add_argument("-k", type=int, default=10, help="number of recommendations (default 10)")
    parser.add_argument("--where", metavar="FILTER", help='only items that pass, such as "price < 50"')
    parser.add_argument("--draw", metavar="FILE", help="write a sheet (PNG) of what is recommended")


def run(options: argparse.Namespace, console: Console) -> int:
    """Recommend and print."""
    from foveal.imaging.draw import write_png
    from foveal.workflows.finding.describing import describe_found
    from foveal.workflows.finding.gallery import open_gallery
    from foveal.workflows.finding.recommending import draw_recommended, recommend

    with open_gallery(options.gallery) as gallery:
        found = recommend(gallery, options.items, bought=options.bought, k=options.k, where=options.where)
        if options.draw:
            write_png(draw_recommended(gallery, found), options.draw)
    console.print(describe_found(found, options.k))
    if options.draw:
        console.print(f"  drawn: {options.draw}")
    console.print_json(found.to_dict())
    return ExitCode.OK
