"""What went wrong, on stderr: problems with their places and hints, and the traceback that ``--debug`` asks for."""

import re
import traceback
from collections.abc import Sequence
from itertools import zip_longest

from labelscan.cli.console import elide, message, stderr, text
from labelscan.errors import Problem
from labelscan.wording.words import printable

ALIKE = 4
"""Problems of one kind from which on they are reported as one."""
MOST_PLACES = 8
"""Places that such a report names."""
MOST_OF_A_LINE = 500
"""Terminal cells of a line of an error: a cell or a name in it can be megabytes."""
_NUMBER = re.compile(r"(?<![\w./\\-])-?\d[\d.,]*(e[+-]?\d+)?(?![\w/\\])")
"""A number that stands alone, unlike one in a file name."""


def show_traceback(error: BaseException) -> None:
    """Write the traceback of an error to stderr, control characters in it written out."""
    for line in "".join(traceback.format_exception(error)).splitlines():
        stderr().out(printable(line), highlight=False)


def show_problems(problems: Sequence[Problem], *, with_codes: bool = False) -> None:
    """Write problems to stderr, each with its place; a hint that several in a row share follows the last of them.

    Args:
        problems: what is wrong.
        with_codes: also write the code of each, which the reference lists.
    """
    console = stderr()
    groups = _alike(problems)
    for group, following in zip_longest(groups, groups[1:]):
        problem = group[0]
        place = f"{problem.where}: " if problem.where else ""
        lines = [elide(line, MOST_OF_A_LINE) for line in f"{place}{problem.problem}".splitlines() if line.strip()]
        lines = lines or [""]
        code = f"[{problem.code}]" if with_codes else ""
        console.print(message(console, text((f"error{code}: ", "bold red"), lines[0])))
        others = [f"also at {_places([one.where for one in group[1:]])}"] if len(group) > 1 else []
        for line in lines[1:] + others:
            console.print(message(console, text(f"  {line}")))
        if problem.hint and (following is None or problem.hint != following[0].hint):
            console.print(message(console, text(("  hint: ", "bold"), elide(problem.hint, MOST_OF_A_LINE))))


def _alike(problems: Sequence[Problem]) -> list[list[Problem]]:
    """Group problems that differ only in place and numbers; where there are few, each stays alone."""
    groups: dict[tuple[str, str, str], list[Problem]] = {}
    for problem in problems:
        groups.setdefault((problem.code, _NUMBER.sub("#", problem.problem), problem.hint), []).append(problem)
    found = []
    for group in groups.values():
        together = len(group) >= ALIKE and all(problem.where for problem in group)
        found += [group] if together else [[problem] for problem in group]
    return found


def _places(places: Sequence[str]) -> str:
    """Return the first ``places``, with what all begin with written once, and how many more there are."""
    begin = places[0].rpartition(" ")[0] + " "
    begin = begin if all(place.startswith(begin) for place in places) else ""
    more = f" and {len(places) - MOST_PLACES} more" if len(places) > MOST_PLACES else ""
    return f"{begin}{', '.join(place.removeprefix(begin) for place in places[:MOST_PLACES])}{more}"
