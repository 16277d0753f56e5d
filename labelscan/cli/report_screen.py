"""What is said of a report on a screen: where it is, and what to do with it."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from labelscan.cli.console import show_json, stderr, stdout, text
from labelscan.report_page import ReportPage
from labelscan.reports.label_studio_report import interface_path, without_task
from labelscan.reports.markdown_report import render_markdown


def show(page: ReportPage, written: Mapping[str, Path], *, shown: Sequence[str], as_json: bool, quiet: bool) -> None:
    """Write where the reports are to stdout, or the one that goes there, or all of it as JSON.

    Args:
        page: what they show.
        written: files by form.
        shown: the form that goes to stdout.
        as_json: whether a script reads on.
        quiet: whether nothing but paths is written.
    """
    if as_json:
        show_json(_to_json(page, written))
        return
    if shown:
        sys.stdout.write(render_markdown(page))
    console = stderr() if shown else stdout()
    plain = quiet or not console.is_terminal
    for path in written.values():
        console.print(text(str(path)) if plain else text(("report  ", "dim"), (str(path), "bold")))
    for note in page.notes:
        stderr().show(text(("note: ", "dim"), note))
    if "label-studio" in written and (unshown := without_task(page)):
        stderr().show(
            text(
                ("note: ", "dim"),
                f"{len(unshown):,} of {len(page.suspects):,} labels have no task: they have no picture",
            )
        )
    if "label-studio" in written and not plain:
        _show_label_studio(written["label-studio"], shlex.quote(page.run))
    if "html" in written and not plain:
        run = shlex.quote(page.run)
        console.show(text(("review  ", "dim"), f"open it, or have decisions saved: labelscan report {run} --serve"))
        console.show(text(("next    ", "dim"), f"labelscan apply {run}"))


def _show_label_studio(tasks: Path, run: str) -> None:
    """Write what to do with tasks for Label Studio."""
    console = stdout()
    interface = f"paste {interface_path(tasks)} into the labelling interface of a project, then import the tasks"
    console.show(text(("import  ", "dim"), interface))
    console.show(text(("next    ", "dim"), f"export it as JSON: labelscan apply {run} --decisions EXPORT.json"))


def has_desktop(environment: Mapping[str, str], platform: str) -> bool:
    """Return whether a browser opened here can be seen: a text browser would take the terminal instead."""
    if "SSH_CONNECTION" in environment:
        return False
    return platform in ("darwin", "win32") or any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def show_served(url: str, port: int, decisions: Path, *, at_hand: bool, quiet: bool) -> None:
    """Write where a page is served, and at once: a script may wait for it.

    Args:
        url: of the page.
        port: in it.
        decisions: the file that is written.
        at_hand: whether a browser on this machine can be looked at.
        quiet: whether nothing but the url is written.
    """
    console = stdout()
    console.print(text(url) if quiet or not console.is_terminal else text(("review  ", "dim"), (url, "bold")))
    sys.stdout.flush()
    if quiet:
        return
    if not at_hand:
        forward = f"ssh -L {port}:127.0.0.1:{port} THIS-MACHINE"
        stderr().show(text(f"to open it on another machine, run there: {forward}"))
    stderr().show(text(f"decisions are saved in {decisions}; Ctrl-C ends"))


def show_decisions(run: Path, decisions: Path, *, quiet: bool) -> None:
    """Write what has come of a review to stderr."""
    if quiet:
        return
    if decisions.exists():
        stderr().show(text(f"decisions are in {decisions}; next: labelscan apply {shlex.quote(str(run))}"))
    else:
        stderr().show(text("nothing was decided"))


def _to_json(page: ReportPage, written: Mapping[str, Path]) -> dict[str, object]:
    return {
        "run": page.run,
        "reports": {form: str(path) for form, path in written.items()},
        "n_flagged": page.n_flagged,
        "n_shown": len(page.suspects),
        "n_pictures": sum(one.picture is not None for one in page.suspects),
        "notes": list(page.notes),
    }
