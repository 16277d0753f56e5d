"""``labelscan report RUN``: what a run found as one page, to read, to show, and to review labels on."""

import dataclasses
import os
import sys
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from labelscan.cli import options
from labelscan.cli.command import command
from labelscan.cli.options import OUTPUT, Flag, read_formats, refuse_both
from labelscan.errors import UsageError
from labelscan.reporting.formats import FILE_NAMES, FORMATS

if TYPE_CHECKING:
    from labelscan.reporting.page import ReportPage
    from labelscan.results.run import FinishedRun

IN_THE_RUN = ("html", "label-studio")
"""Formats that go into the run folder where no file is named."""
MOST_PORT = 65_535
REVIEW = "Review"


@command()
def report(
    run: options.Run,
    serve: Annotated[bool, Flag(REVIEW, "Serve the page on this machine, and save decisions.csv.")] = False,
    port: Annotated[int | None, Flag(REVIEW, "Port of --serve. [default: a free one]", "N", most=MOST_PORT)] = None,
    browser: Annotated[bool, Flag(REVIEW, "Open the page that is served.", names=("--open/--no-open",))] = True,
    data: options.MovedData = "",
    texts: Annotated[
        list[str] | None,
        Flag(
            OUTPUT,
            "html, label-studio, or markdown, which goes to stdout where no file is named; may be repeated. "
            "[default: html]",
            "FORMAT[=FILE]",
            ("--format",),
        ),
    ] = None,
    output: Annotated[
        Path | None, Flag(OUTPUT, "File of the one format. [default: report.html in RUN]", "FILE", ("-o",))
    ] = None,
    top: options.Top = 200,
    pictures: Annotated[
        bool, Flag(OUTPUT, "Show the examples themselves, as pictures or texts.", names=("--pictures/--no-pictures",))
    ] = True,
    image_root: Annotated[
        str,
        Flag(
            OUTPUT,
            "The document root of Label Studio, to show whole images there. [default: small pictures in the tasks]",
            "FOLDER",
        ),
    ] = "",
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Make one page of a run: pictures, reasons, review by keyboard, and a measurement of how many labels are wrong.

    The page is one file that needs nothing else. The browser keeps decisions until they are exported; with --serve
    they are saved in the run folder as they are made. labelscan apply then writes a corrected copy of the labels.
    """
    formats = _formats(texts or [], output)
    if image_root and "label-studio" not in formats:
        raise UsageError(
            "flag-without-effect",
            "--image-root goes with --format label-studio",
            hint="add it, or leave --image-root out",
        )
    shown = [name for name, path in formats.items() if path is None and name not in IN_THE_RUN]
    refuse_both("--json", as_json, f"--format {''.join(shown)} on stdout", bool(shown))
    for flag, given in (("--format", bool(texts)), ("--output", output is not None), ("--json", as_json)):
        refuse_both("--serve", serve, flag, given)
    if port is not None and not serve:
        raise UsageError(
            "flag-without-effect", "--port goes with --serve", where="--port", hint="add --serve, or leave it out"
        )
    from labelscan.cli import progress, report_screen  # rich and pandas load here, not for --help
    from labelscan.reporting.make_report import make_report_page, write_report
    from labelscan.results.run import FinishedRun

    with progress.shown(quiet=quiet, verbose=False) as listener:
        finished = FinishedRun.read(run)
        page = make_report_page(
            finished,
            top=top,
            data=data,
            pictures=pictures,
            forms=list(formats),
            image_root=image_root,
            notify=listener,
        )
    if serve:
        _serve(finished, page, port=port or 0, browser=browser, quiet=quiet)
        return
    files = {name: path for name, path in formats.items() if name not in shown}
    written = {name: write_report(finished, page, name, path, data=data) for name, path in files.items()}
    report_screen.show(page, written, shown=shown, as_json=as_json, quiet=quiet)


def _formats(texts: list[str], output: Path | None) -> dict[str, Path | None]:
    """Return each format with its file; None is stdout, or the usual file in the run folder."""
    from labelscan.results.protected_paths import refuse_run_file  # for which pandas is loaded

    formats = read_formats(texts or ["html"], list(FORMATS), can_share=IN_THE_RUN, makes=FILE_NAMES)
    if output is None:
        return formats
    if len(formats) > 1 or None not in formats.values():
        hint = "write --format FORMAT=FILE for each"
        raise UsageError(
            "flags-conflict", "--output and --format FORMAT=FILE cannot be used together", where="--output", hint=hint
        )
    refuse_run_file(output, makes=FILE_NAMES)
    return dict.fromkeys(formats, output)


def _serve(run: "FinishedRun", page: "ReportPage", *, port: int, browser: bool, quiet: bool) -> None:
    """Serve the page until it is interrupted, which is its usual end."""
    import webbrowser

    from labelscan.cli import report_screen
    from labelscan.reporting.formats.html import render_html
    from labelscan.reporting.review_server import DecisionsFile, ReviewServer, way_in
    from labelscan.runs.files import DECISIONS_FILE

    decisions = DecisionsFile(run.folder / DECISIONS_FILE, run.given_labels)

    def render(save_to: str) -> str:
        return render_html(dataclasses.replace(page, save_to=save_to))

    with ReviewServer(render, decisions, port=port) as server, ExitStack() as until_the_end:
        try:
            at_hand = report_screen.has_desktop(os.environ, sys.platform)
            report_screen.show_served(server, at_hand=at_hand, quiet=quiet)
            if browser and at_hand:
                with suppress(OSError):  # a run folder that is read-only: the address is on the screen
                    address = until_the_end.enter_context(way_in(run.folder, server.url))
                    # Some browsers block until they are closed, and the page must be served meanwhile.
                    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
            server.serve_forever()
        except KeyboardInterrupt:
            report_screen.show_decisions(run.folder, decisions.path, quiet=quiet)
