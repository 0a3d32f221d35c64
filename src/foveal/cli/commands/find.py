"""Search a gallery by picture or by words: the most similar items, how probably the same, and why.

PICTURES are files or folders. Hits less probable than --cut-off are told apart; "nothing similar here" is an answer.
"""

import argparse

from foveal.cli.console import Console
from foveal.cli.exit_codes import ExitCode
from foveal.cli.rates import parse_rate

EXAMPLE = "foveal find photo.jpg --in shop-gallery --where \"price < 50 and brand = 'x'\" --draw found/"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be given."""
    parser.add_argument("pictures", nargs="*", help="files or folders")
    parser.add_argument("--in", dest="gallery", default="foveal-gallery", metavar="GALLERY", help="folder or server")
    parser.add_argument("--text", metavar="WORDS", help="search by words, where a text-image pair was indexed with")
    parser.add_argument("-k", type=int, default=10, help="number of hits (default 10)")
    parser.add_argument(
        "--where", metavar="FILTER", help="only items that pass, such as \"price < 50 and brand = 'x'\""
    )
    parser.add_argument("--crop", metavar="BOX", help="left,top,right,bottom in pixels, or auto for what stands out")
    parser.add_argument("--mirror", action="store_true", help="also search for the mirrored picture")
    parser.add_argument("--like", action="append", default=[], metavar="ITEM", help="more like this item")
    parser.add_argument("--not", dest="unlike", action="append", default=[], metavar="ITEM", help="not this item")
    parser.add_argument("--without", action="append", default=[], metavar="ITEM", help="leave this item out")
    parser.add_argument("--cut-off", type=parse_rate, default=0.5, metavar="SHARE", help="least probability of a hit")
    parser.add_argument("--draw", metavar="FOLDER", help="write a sheet (PNG) for every search, with what matches")
    parser.add_argument("--customer", metavar="NAME", help="who asks, kept with the query where queries are kept")


def run(options: argparse.Namespace, console: Console) -> int:
    """Search for every picture; unreadable ones are reported and passed over."""
    from foveal.workflows.finding.describing import describe_found
    from foveal.workflows.finding.find_files import Errand, find_files
    from foveal.workflows.finding.searching import Wish

    wish = Wish(
        k=options.k,
        where=options.where,
        crop=_parse_box(options.crop),
        mirror=options.mirror,
        like=tuple(options.like),
        unlike=tuple(options.unlike),
        without=tuple(options.without),
        cut_off=options.cut_off,
    )
    errand = Errand(tuple(options.pictures), options.text, options.draw, options.customer)
    answers, unreadable = find_files(options.gallery, errand, wish, console.progress)
    console.close()
    for found, sheet in answers:
        console.print(describe_found(found) + (f"\n  drawn: {sheet}" if sheet else ""))
    for name, reason in unreadable:
        console.note(f"skipped {name}: {reason}")
    console.print_json(
        {
            "answers": [found.to_dict() | ({"sheet": str(sheet)} if sheet else {}) for found, sheet in answers],
            "unreadable": [{"name": name, "reason": reason} for name, reason in unreadable],
        }
    )
    return ExitCode.OK if answers else ExitCode.INPUT


def _parse_box(text: str | None) -> tuple[int, int, int, int] | str | None:
    from foveal.core.errors import InputError

    if text is None or text == "auto":
        return text
    try:
        left, top, right, bottom = (int(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"A crop is left,top,right,bottom in pixels, or auto, got {text!r}.") from None
    return left, top, right, bottom
