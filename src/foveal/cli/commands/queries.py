"""What people searched for: how often something was found, what most, and the groups of what was not.

Queries are kept only after --keep-days, each for so many days; older ones are forgotten, with a certificate, whenever
this runs. To forget those of one customer: foveal forget --subject NAME --workspace GALLERY/queries.
"""

import argparse

from foveal.cli.console import Console
from foveal.cli.exit_codes import ExitCode

EXAMPLE = "foveal queries shop-gallery --csv unmet.csv --draw unmet.png"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be given."""
    parser.add_argument("gallery", nargs="?", default="foveal-gallery", help="folder of the gallery")
    parser.add_argument(
        "--keep-days", type=float, metavar="DAYS", help="keep queries from now on, each so long; 0: none"
    )
    parser.add_argument("--csv", metavar="FILE", help="write the groups of unmet queries as a table")
    parser.add_argument("--draw", metavar="FILE", help="write a sheet (PNG) with a picture of each group")


def run(options: argparse.Namespace, console: Console) -> int:
    """Forget what is too old, then report."""
    from foveal.imaging.cluster_sheet import draw_clusters
    from foveal.imaging.draw import write_png
    from foveal.workflows.finding.insight import review_queries, write_csv

    report = review_queries(options.gallery, keep_days=options.keep_days, progress=console.progress)
    console.close()
    if report.expired:
        console.print(f"{report.expired} queries older than {report.days:g} days were forgotten, with a certificate.")
    kept = f"each kept for {report.days:g} days" if report.days else "none is kept from now on"
    console.print(f"{report.n} queries, {kept}: {report.n_found} found something, {report.n - report.n_found} did not.")
    for item, times in report.popular:
        console.print(f"  found {times} times: {item}")
    for one in report.unmet[:10]:
        nearest = f", nearest {one.facts['nearest']}" if one.facts["nearest"] else ""
        console.print(f"  not found {one.n} times, such as {one.representative}{nearest}")
    if options.csv:
        write_csv(report, options.csv)
        console.print(f"  wrote {options.csv}")
    if options.draw:
        title = f"{len(report.unmet)} things searched for and not found"
        write_png(draw_clusters(title, report.unmet, str(options.gallery)), options.draw)
        console.print(f"  drawn: {options.draw}")
    console.print_json(report.to_dict())
    return ExitCode.OK
