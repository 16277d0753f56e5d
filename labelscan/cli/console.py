"""The terminal: its two streams, how wide they are, and the few shapes that results have.

Results go to stdout, progress and messages to stderr. Labels and paths come from outside: nothing in them is read as
markup, control characters are written out, not sent, and in the log of a CI service nothing in them is a command.

GitHub runs a line that begins with ``::``, and what follows ``##[`` anywhere in a line; Azure does the same with
``##[`` and ``##vso[``, TeamCity with ``##teamcity[``. There, and only there, a backslash breaks such a text up, which a
person still reads.
"""

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Self, TextIO, TypeAlias, cast

import rich.console
from rich.cells import cell_len
from rich.columns import Columns
from rich.console import ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from labelscan.wording import tables
from labelscan.wording.words import as_json, printable

PIPED_WIDTH = 200
"""The width where the output is no terminal; wide, so that names stay whole and can be searched for."""
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"

GAP = 2
"""Cells between the columns of a table."""
LEAST_NAME = 12
"""Cells that every name keeps; where there is no room for them, columns go instead."""
BAR = 16
"""Cells of a bar for a share of 1."""

SERVICES = ("CI", "TF_BUILD", "TEAMCITY_VERSION")
"""Variables of which any CI service sets one: almost all ``CI``, Azure and TeamCity their own."""
_COMMAND = re.compile(r"(^[^\S\n]*(?=::)|##(?=\w*\[))", re.MULTILINE)

Shape: TypeAlias = Table | Text | Columns
"""What can be shown."""


class Console(rich.console.Console):
    """One of the two streams; a reader that goes away ends the output and nothing else."""

    def on_broken_pipe(self) -> None:
        """Write no more: a run must not fail, nor its exit code change, because its reader is gone."""
        self.quiet = True
        discard(self.file)

    def show(self, shape: Shape) -> None:
        """Write a table, or a text wrapped to the width, without trailing blanks."""
        with self.capture() as captured:
            self.print(shape, soft_wrap=False)
        self.out("\n".join(line.rstrip() for line in captured.get().splitlines()), highlight=False)

    def show_step(self, word: str, step: str, style: str = "") -> None:
        """Write a path or a command after the ``word`` that says what it is, not wrapped, so that it can be copied."""
        self.print(text((f"{word:<8}", "dim"), (step, style)))


class CommandFree:
    """A text stream in which nothing is written that a CI service would run; all else is the stream's."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write whole lines, or the end of one, and return how many characters were given."""
        self._stream.write(without_commands(text))
        return len(text)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


def without_commands(text: str) -> str:
    """Return ``text``, which begins a line, with a backslash in whatever a CI service would run."""
    return _COMMAND.sub(r"\1\\", text)


def is_ci(environment: Mapping[str, str]) -> bool:
    """Return whether what is written ends up in the log of a CI service."""
    return any(environment.get(name) for name in SERVICES)


def stdout() -> Console:
    """Return where results go."""
    fixed = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else PIPED_WIDTH  # None leaves it to rich
    return _console(sys.stdout, fixed)


def stderr() -> Console:
    """Return where progress and messages go."""
    return _console(sys.stderr, None)


def _console(stream: TextIO, width: int | None) -> Console:
    # A cast, since only what a console needs of a stream is there.
    file = cast(TextIO, CommandFree(stream)) if is_ci(os.environ) else stream
    return Console(file=file, width=width, highlight=False, markup=False, emoji=False, soft_wrap=True)


def show_annotations(content: str) -> None:
    """Write text to stdout that a CI service is to run, byte for byte."""
    Console(file=sys.stdout, soft_wrap=True).out(content, end="", highlight=False)


def show_formatted(content: str) -> None:
    """Write text in a format of its own to stdout, not wrapped."""
    stdout().out(content, end="", highlight=False)


def discard(stream: object) -> None:
    """Discard what is still written to ``stream``, so that closing it at exit cannot fail."""
    try:
        descriptor = stream.fileno()  # type: ignore[attr-defined]  # streams without one raise, as in tests
    except (AttributeError, OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def is_live(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Return whether a moving bar can be drawn: a person is watching, and it is not the log of a CI service."""
    return stream.isatty() and not is_ci(environment) and environment.get("TERM") != "dumb"


def cells(text: str) -> int:
    """Return the number of terminal cells of ``text``; a wide character takes two."""
    return cell_len(printable(text))


def elide(text: str, width: int) -> str:
    """Return ``text`` in at most ``width`` terminal cells, without its middle where it is longer.

    The end keeps two thirds of the room: it is what differs between paths, and rich would cut it.
    """
    text = printable(text)
    if cell_len(text) <= width:
        return text
    if width < 1:
        return ""
    head = _cut(text, (width - 1) // 3)
    tail = _cut(text[::-1], width - 1 - cell_len(head))[::-1]
    return f"{head}{ELLIPSIS}{tail}"


def _cut(text: str, width: int) -> str:
    return text[: sum(end <= width for end in accumulate(map(cell_len, text)))]


@dataclass(frozen=True, slots=True)
class _Elided:
    """A name that loses its middle where rich has too little room for it."""

    text: str
    style: str

    def __rich_measure__(self, console: rich.console.Console, options: ConsoleOptions) -> Measurement:
        return Measurement(1, cells(self.text)).with_maximum(options.max_width)

    def __rich_console__(self, console: rich.console.Console, options: ConsoleOptions) -> RenderResult:
        yield Text(elide(self.text, options.max_width), style=self.style)


def fitting(shown: tables.Table, width: int, titles: Iterable[str] = ()) -> tables.Table:
    """Return the table with the columns that fit into ``width`` cells.

    Names get shorter; other columns go whole, those with the highest ``spare`` first. The first column also has to
    hold ``titles``.
    """
    needed = {column: max(map(cells, [column.title, *shown.cells(column)])) for column in shown.columns}
    first, columns = shown.columns[0], list(shown.columns)
    needed[first] = max([needed[first], *map(cells, titles)])
    least = {column: min(room, LEAST_NAME) if column.can_shrink else room for column, room in needed.items()}
    while sum(least[column] + GAP for column in columns) - GAP > width:
        most = max(column.spare for column in columns)
        if not most:
            break
        columns = [column for column in columns if column.spare < most]
    return replace(shown, columns=columns)


def table(shown: tables.Table, width: int, *, title: str = "") -> Table:
    """Return a table that fits ``width``, with ``title``, if any, in place of its first header."""
    return sections({title: fitting(shown, width, [title])})


def sections(parts: Mapping[str, tables.Table]) -> Table:
    """Return tables of the same columns below each other, each under its title."""
    columns = next(iter(parts.values())).columns
    made = Table(box=None, show_header=False, pad_edge=False, padding=(0, GAP, 0, 0))
    for column in columns:
        made.add_column(justify="right" if column.is_number else "left", no_wrap=not column.can_shrink)
    for title, part in parts.items():
        headers = [_cell(column, column.title, "dim") for column in columns]
        made.add_row(*([_cell(columns[0], title, "bold"), *headers[1:]] if title else headers))
        for row in zip(*(_drawn(part, column) for column in columns), strict=True):
            made.add_row(*row)
    return made


def _drawn(shown: tables.Table, column: tables.Column) -> list[RenderableType]:
    if column.kind == "bar":
        return [ProgressBar(1.0, share, width=BAR, complete_style="bold") for share in shown.values(column)]
    return [_cell(column, cell) for cell in shown.cells(column)]


def _cell(column: tables.Column, words: str, style: str = "") -> RenderableType:
    return _Elided(words, style) if column.can_shrink else Text(printable(words), style=style)


def side_by_side(*shown: Table) -> Shape:
    """Return tables next to each other, or below each other where there is not enough room."""
    return Columns(shown, padding=(1, 4, 1, 0))  # rich leaves one blank line of the two between, none outside


def entries(rows: Iterable[Sequence[str]], *, style: str = "dim", least: int = 0) -> Table:
    """Return rows of a name and the lines to the right of it, which wrap within their column.

    Args:
        rows: each a name, then its lines.
        style: that of the names.
        least: cells for the names, where they need fewer.
    """
    rows = list(rows)
    grid = Table.grid(padding=(0, GAP, 0, 0))
    grid.add_column(width=max([least, *(cells(name) for name, *_ in rows)]), no_wrap=True)
    grid.add_column(overflow="fold")
    for name, *lines in rows:
        for position, line in enumerate(lines):
            grid.add_row(Text(printable(name), style=style) if position == 0 else "", Text(printable(line)))
    return grid


def message(console: Console, line: Text) -> Text:
    """Return ``line`` as stderr gets it: wrapped at words on a terminal, otherwise on one line."""
    if not console.is_terminal:
        return line
    lines = line.wrap(console, max(console.width - 2, 1))
    for one in lines:
        one.rstrip()
    return Text("\n  ").join(lines)


def text(*pieces: str | tuple[str, str]) -> Text:
    """Return one line of texts, each with or without a style."""
    return Text.assemble(
        *(printable(piece) if isinstance(piece, str) else (printable(piece[0]), piece[1]) for piece in pieces)
    )


def warning(words: str) -> Text:
    """Return a warning that stands among the results."""
    return text(("warning: ", "bold yellow"), words)


def show_json(content: Mapping[str, object]) -> None:
    """Write ``content`` to stdout as JSON in ASCII, which every encoding and terminal accepts."""
    show_formatted(as_json(content))


def show_message(words: str, *, kind: str, wrap: bool = True) -> None:
    """Write one line to stderr, as ``kind: words``; unwrapped, it can be copied from a terminal."""
    console = stderr()
    line = text((f"{kind}: ", "bold yellow"), words)
    console.print(message(console, line) if wrap else line)


class Bars:
    """Progress bars in the last lines of a terminal, one a step; where they are not ``live``, nothing is drawn."""

    def __init__(self, console: Console, *, live: bool) -> None:
        self.live = live
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TaskProgressColumn("{task.percentage:>3.0f} %"),
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("{task.fields[note]}", style="dim", markup=False),
            console=console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            disable=not live,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def begin(self, name: str, total: int) -> None:
        """Add a bar called ``name``; with a total of 0 it only shows that something is being done."""
        self._tasks[name] = self._progress.add_task(name, total=total or None, note="")

    def move(self, name: str, done: float, note: str = "") -> None:
        """Set the bar to ``done``, with a note behind it."""
        if name in self._tasks:
            self._progress.update(self._tasks[name], completed=done, note=note)

    def end(self, name: str) -> None:
        """Remove the bar."""
        if name in self._tasks:
            self._progress.remove_task(self._tasks.pop(name))
