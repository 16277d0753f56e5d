"""``labelscan report RUN``: what a run found as one page, to read, to show, and to review labels on."""

import dataclasses
import os
import sys
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from labelscan.cli.option_values import read_count, read_formats, refuse_both
from labelscan.cli.options import DebugUnderNoHeading
from labelscan.errors import UsageError
from labelscan.reporting.formats import FORMATS

if TYPE_CHECKING:
    from labelscan.reporting.page import ReportPage
    from labelscan.results.finished_run import FinishedRun

TOP = "200"
IN_THE_RUN = ("html", "label-studio")
"""Forms that go into the run folder where no file is named."""
MOST_PORT = 65_535
SERVING = "Review"


def report(
    run: Annotated[Path, Argument(metavar="RUN", help="Folder of a finished run of detect or score.")],
    texts: Annotated[
        list[str] | None,
        Option(
            "--format",
            metavar="FORMAT[=FILE]",
            help="html, label-studio, or markdown, which goes to stdout where no file is named. May be repeated. "
            "[default: html]",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        Option("--output", "-o", metavar="FILE", help="Of the one format. [default: report.html in RUN]"),
    ] = None,
    top: Annotated[str, Option(metavar="N", help=f"Suspects shown. [default: {TOP}]")] = TOP,
    data: Annotated[str, Option(metavar="DATA", help="Where the data lies now. [default: where RUN found it]")] = "",
    pictures: Annotated[bool, Option("--pictures/--no-pictures", help="Show the examples. [default: yes]")] = True,
    image_root: Annotated[
        str,
        Option(
            metavar="FOLDER",
            help="Of label-studio: its document root, to show whole images. [default: small pictures in the tasks]",
        ),
    ] = "",
    serve: Annotated[
        bool,
        Option("--serve", help="Serve the page to this machine; saves decisions.csv.", rich_help_panel=SERVING),
    ] = False,
    port: Annotated[
        str | None, Option(metavar="N", help="Of --serve. [default: one that is free]", rich_help_panel=SERVING)
    ] = None,
    browser: Annotated[
        bool, Option("--open/--no-open", help="Open the page served. [default: yes]", rich_help_panel=SERVING)
    ] = True,
    as_json: Annotated[bool, Option("--json", help="Write what was written as JSON to stdout.")] = False,
    quiet: Annotated[bool, Option("--quiet", "-q", help="Write only errors, and the path of the page.")] = False,
    debug: DebugUnderNoHeading = False,
) -> None:
    """Make one page of a run: pictures, reasons, and review by keyboard.

    The page needs nothing but itself. Decisions made on it are kept by the browser and exported, or saved in the run
    folder as they are made where it is served by --serve; labelscan apply puts them into the labels.
    """
    n_shown = read_count(top, where="--top")
    _ = debug  # heeded where errors are caught
    formats = _formats(texts or [], output)
    if image_root and "label-studio" not in formats:
        raise UsageError("--image-root is of --format label-studio", hint="add it, or leave --image-root out")
    shown = [form for form, path in formats.items() if path is None and form not in IN_THE_RUN]
    refuse_both("--json", as_json, f"--format {''.join(shown)} on stdout", bool(shown))
    for option, given in (("--format", bool(texts)), ("--output", output is not None), ("--json", as_json)):
        refuse_both("--serve", serve, option, given)
    number = _port(port, serve=serve)
    from labelscan.cli import progress, report_screen  # rich and pandas load here, not for --help
    from labelscan.reporting.make_report import make_report_page, shows_examples, write_report
    from labelscan.results.finished_run import FinishedRun  # not labelscan.report, for which torch would be loaded

    with progress.shown(quiet=quiet, verbose=False) as listener:
        finished = FinishedRun.read(run)
        page = make_report_page(
            finished,
            top=n_shown,
            data=data,
            pictures=pictures and shows_examples(formats, image_root),
            image_root=image_root,
            notify=listener,
        )
    if serve:
        _serve(finished, page, port=number, browser=browser, quiet=quiet)
        return
    written = {
        form: write_report(finished, page, form, path, data=data) for form, path in formats.items() if form not in shown
    }
    report_screen.show(page, written, shown=shown, as_json=as_json, quiet=quiet)


def _formats(texts: list[str], output: Path | None) -> dict[str, Path | None]:
    """Return each form with its file; None is stdout, or the usual file in the run folder."""
    from labelscan.results.protected_paths import refuse_run_file  # for which pandas is loaded

    formats = read_formats(texts or ["html"], list(FORMATS), beside=IN_THE_RUN, makes=FORMATS.values())
    if output is None:
        return formats
    if len(formats) > 1 or None not in formats.values():
        hint = "write --format FORMAT=FILE for each"
        raise UsageError("--output and files of --format are given at once", where="--output", hint=hint)
    refuse_run_file(output, makes=FORMATS.values())
    return dict.fromkeys(formats, output)


def _port(text: str | None, *, serve: bool) -> int:
    if text is None:
        return 0
    if not serve:
        raise UsageError("--port is of --serve", where="--port", hint="add --serve, or leave it out")
    number = read_count(text, where="--port")
    if number > MOST_PORT:
        raise UsageError(f"must be at most {MOST_PORT}, got {number}", where="--port")
    return number


def _serve(run: "FinishedRun", page: "ReportPage", *, port: int, browser: bool, quiet: bool) -> None:
    """Serve the page until somebody stops it, which is its usual end."""
    import webbrowser

    from labelscan.cli import report_screen
    from labelscan.reporting.formats.html import render_html
    from labelscan.reporting.review_server import DecisionsFile, ReviewServer, way_in
    from labelscan.results.run_files import DECISIONS_FILE

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
