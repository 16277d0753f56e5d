"""``labelscan report RUN``: what a run found as one page, to read, to show, and to review labels on."""

import dataclasses
import os
import sys
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from labelscan.cli import options
from labelscan.cli.command import command
from labelscan.cli.formats import read_formats
from labelscan.cli.options import OUTPUT, refuse_both, whole_number
from labelscan.errors import UsageError
from labelscan.reporting.formats import FORMATS

if TYPE_CHECKING:
    from labelscan.reporting.page import ReportPage
    from labelscan.results.finished_run import FinishedRun

IN_THE_RUN = ("html", "label-studio")
"""Formats that go into the run folder where no file is named."""
MOST_PORT = 65_535
REVIEW = "Review"


@command()
def report(
    run: options.Run,
    serve: Annotated[
        bool,
        Option("--serve", help="Serve the page to this machine, and save decisions.csv.", rich_help_panel=REVIEW),
    ] = False,
    port: Annotated[
        int | None,
        Option(
            metavar="N",
            parser=whole_number("--port", most=MOST_PORT),
            help="Port of --serve. [default: one that is free]",
            rich_help_panel=REVIEW,
        ),
    ] = None,
    browser: Annotated[
        bool, Option("--open/--no-open", help="Open the page that is served.", rich_help_panel=REVIEW)
    ] = True,
    data: options.MovedData = "",
    texts: Annotated[
        list[str] | None,
        Option(
            "--format",
            metavar="FORMAT[=FILE]",
            help="html, label-studio, or markdown, which goes to stdout where no file is named; may be repeated. "
            "[default: html]",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        Option(
            "--output",
            "-o",
            metavar="FILE",
            help="File of the one format. [default: report.html in RUN]",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    top: options.Top = 200,
    pictures: Annotated[
        bool, Option("--pictures/--no-pictures", help="Show the examples.", rich_help_panel=OUTPUT)
    ] = True,
    image_root: Annotated[
        str,
        Option(
            metavar="FOLDER",
            help="The document root of Label Studio, to show whole images there. [default: small pictures in the "
            "tasks]",
            rich_help_panel=OUTPUT,
        ),
    ] = "",
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Make one page of a run: pictures, reasons, and review by keyboard.

    The page needs nothing but itself. Decisions made on it are kept by the browser and exported, or saved in the run
    folder as they are made where it is served by --serve; labelscan apply puts them into the labels.
    """
    formats = _formats(texts or [], output)
    if image_root and "label-studio" not in formats:
        raise UsageError("--image-root goes with --format label-studio", hint="add it, or leave --image-root out")
    shown = [form for form, path in formats.items() if path is None and form not in IN_THE_RUN]
    refuse_both("--json", as_json, f"--format {''.join(shown)} on stdout", bool(shown))
    for option, given in (("--format", bool(texts)), ("--output", output is not None), ("--json", as_json)):
        refuse_both("--serve", serve, option, given)
    if port is not None and not serve:
        raise UsageError("--port goes with --serve", where="--port", hint="add --serve, or leave it out")
    from labelscan.cli import progress, report_screen  # rich and pandas load here, not for --help
    from labelscan.reporting.make_report import make_report_page, shows_examples, write_report
    from labelscan.results.finished_run import FinishedRun  # not labelscan.report, for which torch would be loaded

    with progress.shown(quiet=quiet, verbose=False) as listener:
        finished = FinishedRun.read(run)
        page = make_report_page(
            finished,
            top=top,
            data=data,
            pictures=pictures and shows_examples(formats, image_root),
            image_root=image_root,
            notify=listener,
        )
    if serve:
        _serve(finished, page, port=port or 0, browser=browser, quiet=quiet)
        return
    written = {
        form: write_report(finished, page, form, path, data=data) for form, path in formats.items() if form not in shown
    }
    report_screen.show(page, written, shown=shown, as_json=as_json, quiet=quiet)


def _formats(texts: list[str], output: Path | None) -> dict[str, Path | None]:
    """Return each format with its file; None is stdout, or the usual file in the run folder."""
    from labelscan.results.protected_paths import refuse_run_file  # for which pandas is loaded

    formats = read_formats(texts or ["html"], list(FORMATS), beside=IN_THE_RUN, makes=FORMATS.values())
    if output is None:
        return formats
    if len(formats) > 1 or None not in formats.values():
        hint = "write --format FORMAT=FILE for each"
        raise UsageError("--output and files of --format are given at once", where="--output", hint=hint)
    refuse_run_file(output, makes=FORMATS.values())
    return dict.fromkeys(formats, output)


def _serve(run: "FinishedRun", page: "ReportPage", *, port: int, browser: bool, quiet: bool) -> None:
    """Serve the page until somebody stops it, which is its usual end."""
    import webbrowser

    from labelscan.cli import report_screen
    from labelscan.reporting.formats.html import render_html
    from labelscan.reporting.review_server import DecisionsFile, ReviewServer, way_in
    from labelscan.results.run_folder import DECISIONS_FILE

    decisions = DecisionsFile(run.folder / DECISIONS_FILE, run.given_labels)

    def render(save_to: str) -> str:
        return render_html(dataclasses.replace(page, save_to=save_to))

    with ReviewServer(render, decisions, port=port) as server, ExitStack() as until_the_end:
        try:
            at_hand = report_screen.has_desktop(os.environ, sys.platform)
            report_screen.show_served(server, at_hand=at_hand, quiet=quiet)
            if browser and at_hand:
                with suppress(OSError):  # of a run folder that may only be read: the address has been told
                    address = until_the_end.enter_context(way_in(run.folder, server.url))
                    # Some browsers are waited for until they are closed, and the page must be served meanwhile.
                    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
            server.serve_forever()
        except KeyboardInterrupt:
            report_screen.show_decisions(run.folder, decisions.path, quiet=quiet)
