"""What ``labelscan report`` writes to the terminal: where the page is, and what to do with it."""

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from labelscan.cli.console import show_formatted, show_json, show_message, stderr, stdout, text
from labelscan.reporting.formats.label_studio import interface_path, without_task
from labelscan.reporting.formats.markdown import render_markdown
from labelscan.reporting.page import ReportPage
from labelscan.reporting.review_server import HOST, ReviewServer
from labelscan.results.wrong_labels import OFFER

WORDS = {"html": "page", "label-studio": "tasks", "markdown": "report"}
"""The word before the path of each format."""


def show(page: ReportPage, written: Mapping[str, Path], *, shown: Sequence[str], as_json: bool, quiet: bool) -> None:
    """Write where the reports are and what to do with them, as text or JSON; the format ``shown`` goes to stdout."""
    if as_json:
        show_json(_to_json(page, written))
        return
    if shown:
        show_formatted(render_markdown(page))
    console = stderr() if shown else stdout()
    for name, path in written.items():
        if quiet:
            console.print(text(str(path)))
            continue
        console.show_step(WORDS[name], str(path), "bold")
        for word, step in _next_steps(name, path, page):
            console.show_step(word, step)
    for note in page.notes:
        stderr().show(text(("note: ", "dim"), note))
    if "label-studio" in written and (unshown := without_task(page)):
        n_labels = len(page.suspects)
        words = f"{len(unshown):,} of {n_labels:,} labels have no task: they have no picture"
        stderr().show(text(("note: ", "dim"), words))


def _next_steps(name: str, path: Path, page: ReportPage) -> Iterator[tuple[str, str]]:
    """Yield what to do with a report, each a word and a step."""
    run = shlex.quote(page.run)
    if name == "html":
        yield "next", f"open it, or labelscan report {run} --serve"
        if page.measurement and not page.summary.wrong_labels.is_measured:
            yield "measure", f'"{OFFER}" on it tells how many are wrong'
        yield "then", f"labelscan apply {run} --decisions decisions.csv"
    elif name == "label-studio":
        yield "paste", f"{interface_path(path)} into the labelling settings of a project, then import the tasks"
        yield "then", f"export it as JSON; labelscan apply {run} --decisions EXPORT.json"


def has_desktop(environment: Mapping[str, str], platform: str) -> bool:
    """Return whether a browser opened here can be seen: a text browser would take the terminal instead."""
    if "SSH_CONNECTION" in environment:
        return False
    return platform in ("darwin", "win32") or any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def show_served(server: ReviewServer, *, at_hand: bool, quiet: bool) -> None:
    """Write where a page is about to be served, unbuffered: a script may wait for it.

    ``at_hand`` says whether the user can see a browser on this machine.
    """
    console = stdout()
    bare = quiet or not console.is_terminal
    if bare:
        console.print(text(server.url))
    else:
        console.show_step("review", server.url, "bold")
    sys.stdout.flush()
    decisions = server.decisions
    if not decisions.can_be_written:
        words = f"cannot write to {decisions.path.parent}, so decisions are not saved: save a copy from the page"
        show_message(words, kind="warning")
    if quiet:
        return
    if server.usual_port_is_taken:
        words = "the usual port of this run is in use: perhaps another labelscan report --serve is already showing it"
        show_message(words, kind="note")
    if not at_hand:
        forward = f"ssh -L {server.port}:{HOST}:{server.port} THIS-MACHINE"
        stderr().print(text(f"to open it on another machine, run there: {forward}"))
    saved = f"decisions are saved in {decisions.path}; " if decisions.can_be_written else ""
    stderr().print(text(f"{saved}Ctrl-C ends"))


def show_decisions(run: Path, decisions: Path, *, quiet: bool) -> None:
    """Write the result of a review to stderr."""
    if quiet:
        return
    if decisions.exists():
        stderr().print(text(f"decisions are in {decisions}; next: labelscan apply {shlex.quote(str(run))}"))
    else:
        stderr().show(text("nothing was decided"))


def _to_json(page: ReportPage, written: Mapping[str, Path]) -> dict[str, object]:
    return {
        "run": page.run,
        "reports": {name: str(path) for name, path in written.items()},
        "n_flagged": page.n_flagged,
        "n_shown": len(page.suspects),
        "n_pictures": sum(one.picture is not None for one in page.suspects),
        "notes": list(page.notes),
    }
