"""Group pictures that show the same: distinct items on a batch of photos, or near copies inside a gallery.

SOURCE is a folder, a table or a zip of photos, each of one thing, as cut out of pictures of shelves; how many
different things there are is the number of groups. With --in a gallery decides what is the same and names each group.
Where SOURCE is a gallery, its copies and near copies are listed.
"""

import argparse

from foveal.cli.console import Console
from foveal.cli.exit_codes import ExitCode

EXAMPLE = "foveal group shelf-photos/ --in shop-gallery --draw groups.png"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be given."""
    parser.add_argument("source", help="photos, or a gallery")
    parser.add_argument("--in", dest="gallery", metavar="GALLERY", help="gallery that decides what is the same")
    parser.add_argument("--limit", type=float, help="least mean similarity inside a group, -1 to 1")
    parser.add_argument("--draw", metavar="FILE", help="write a sheet (PNG) with a picture of each group")


def run(options: argparse.Namespace, console: Console) -> int:
    """Group and print."""
    from foveal.imaging.cluster_sheet import draw_clusters
    from foveal.imaging.draw import write_png
    from foveal.workflows.finding.grouping import group

    grouped = group(options.source, options.gallery, limit=options.limit, progress=console.progress)
    console.close()
    what = "groups of near copies" if grouped.limit is None else "distinct items"
    title = f"{len(grouped.clusters)} {what} among {grouped.n_pictures} pictures"
    console.print(f"{title}.")
    for one in grouped.clusters[:20]:
        facts = ", ".join(f"{key} {value}" for key, value in one.facts.items() if value)
        names = ", ".join(one.names[:4]) + (", ..." if one.n > 4 else "")
        console.print(f"  {one.n} pictures{f', {facts}' if facts else ''}: {names}")
    if len(grouped.clusters) > 20:
        console.print(f"  and {len(grouped.clusters) - 20} more")
    for name, reason in grouped.unreadable:
        console.note(f"skipped {name}: {reason}")
    if options.draw:
        write_png(draw_clusters(title, grouped.clusters, str(options.source)), options.draw)
        console.print(f"  drawn: {options.draw}")
    console.print_json(grouped.to_dict())
    return ExitCode.OK
