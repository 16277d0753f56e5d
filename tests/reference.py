"""The reference, written from code: help pages, settings, files, columns, keys, parts. ``make golden`` renews it."""

import ast
import dataclasses
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any, get_type_hints

from hostile.corpus import CORPUS

import labelscan
from labelscan.cli import app
from labelscan.cli.listing import listed_parts
from labelscan.config import settings
from labelscan.correction.corrections import COLUMNS as LOG_COLUMNS
from labelscan.correction.decisions import COLUMNS as DECISION_COLUMNS
from labelscan.detection.decisions.measured_sample import COLUMNS as MEASURE_COLUMNS
from labelscan.detection.detectors import DETECTORS
from labelscan.noise.plant import NOISES
from labelscan.registry import shown
from labelscan.results.issues import MEANINGS
from labelscan.results.summary import Summary
from labelscan.runs.files import OWN_FILES, OWN_FOLDERS
from labelscan.training.losses import LOSSES
from labelscan.training.models import MODELS

OPENING = """\
# Reference

Made from the code of labelscan and from tests/reference_texts.md: `make golden` rewrites it, and a test fails where
it is stale.
"""
PROSE = (Path(__file__).parent / "reference_texts.md").read_text(encoding="utf-8")
"""What is written by hand, because no code says it; its commands and its Python are run as those of the README are."""
SOURCE = Path(labelscan.__file__).parent
EXIT_CODES = {
    "0": "done; a gate passed",
    "1": "a gate failed, and nothing else",
    "2": "bad usage, settings or data, or a gate that cannot judge: the message says what to do",
    "3": "the run failed",
    "130": "interrupted, by Ctrl-C, another signal or `--max-time`; the command that resumes is printed",
}
PARTS = {"losses": LOSSES, "models": MODELS, "detectors": DETECTORS, "noises": NOISES}


def reference(help_pages: Mapping[str, str]) -> str:
    """Return the whole page, in Markdown, given the text of ``labelscan COMMAND --help`` by command."""
    files = [*OWN_FILES.items(), *((f"{pattern}/", words) for pattern, words in OWN_FOLDERS.items())]
    sections = [OPENING, PROSE, "## Commands"]
    sections += [f"### labelscan {name}\n\n```text\n{page.rstrip()}\n```" for name, page in help_pages.items()]
    sections += ["## Exit codes\n\n" + table(("code", "meaning"), EXIT_CODES.items())]
    sections += ["## Codes of errors\n\n" + CODES_ARE, table(("code", "what it says, for example"), codes())]
    sections += ["## Settings\n\n" + SETTINGS_ARE, table(("setting", "flag", "default", "meaning"), setting_rows())]
    sections += ["## Files of a run\n\n" + table(("file", "content"), files)]
    sections += ["## Columns\n\n" + COLUMNS_ARE, table(("column", "meaning"), MEANINGS.items())]
    sections += ["## decisions.csv\n\n" + DECISIONS_ARE, table(("column", "meaning"), DECISION_COLUMNS.items())]
    sections += ["## measure.csv\n\n" + MEASURE_IS, table(("column", "meaning"), MEASURE_COLUMNS.items())]
    sections += ["## The log of apply\n\n" + LOG_IS, table(("column", "meaning"), LOG_COLUMNS.items())]
    sections += ["## summary.json\n\n" + JSON_IS, table(("key", "meaning"), summary_keys())]
    sections += ["## Parts\n\nIn more detail, with options and sources: `labelscan list losses` and so on."]
    sections += [f"### {kind.capitalize()}\n\n" + table(("name", "what it is"), parts(kind)) for kind in PARTS]
    configs = [(one.name, one.purpose) for one in listed_parts("configs")]
    sections += ["### Configs\n\n" + table(("name", "what it is for"), configs)]
    sections += ["## Hostile input\n\n" + HOSTILE_IS]
    sections += [f"### Hostile {group}\n\n" + hostile(group) for group in CORPUS]
    return "\n\n".join(section.strip() for section in sections) + "\n"


CODES_ARE = """\
Shown with `--debug`, and `error.code` in Python. A code stays the same when the words of its errors change."""
SETTINGS_ARE = """\
By `--set KEY=VALUE`, in TOML by section, or as a variable: `training.epochs` is `LABELSCAN_TRAINING_EPOCHS`. 0
leaves a number to the model or the machine (-1 that of `training.weight_decay`), `auto` a name."""
COLUMNS_ARE = """\
Of `issues.csv` up to `fold`; `scores.csv` has all of them. UTF-8, RFC 4180, numbers with 6 significant digits."""
DECISIONS_ARE = """\
What the review saves, `apply` takes, and a spreadsheet may edit. UTF-8, RFC 4180; columns are read by name, and others
are left alone. A cell that a spreadsheet would run as a formula has an apostrophe in front, which reading takes off."""
MEASURE_IS = """\
Labels drawn so that decisions on them, from the first down to any other, tell how many of all labels are wrong: of
every four, three where a decision says most and one at random. The same data, settings and seed draw the same labels,
in whatever order rows are read and whatever has been decided."""
LOG_IS = "Every change of a corrected copy, in the file beside it that is called like it with `.changes.csv` behind."
JSON_IS = """\
`format_version` goes up when a key changes its meaning or goes away; new keys may come at any time. JSON schemas of it
and of run.json: [summary.schema.json](summary.schema.json), [run.schema.json](run.schema.json)."""


HOSTILE_IS = """\
What is wrong, and what happens: `refused` is an error with the file, its row and what to do, exit code 2 and nothing
written; a row that is `kept` has the reason in `status`. Made from the tests, which try each of them."""


def hostile(group: str) -> str:
    """Return a table of the kinds of hostile input of a group, those with the same end in one row."""
    ends: dict[str, list[str]] = {}
    for kind in CORPUS[group]:
        ends.setdefault(one_line(kind.happens), []).append(one_line(kind.what))
    rows = [("what is wrong", "what happens"), ("---", "---"), *(("; ".join(all_), end) for end, all_ in ends.items())]
    return "\n".join(f"| {what} | {happens} |" for what, happens in rows)


def one_line(text: str) -> str:
    """Return a text as a cell of Markdown."""
    return " ".join(re.sub(r"([|*_<>\\\\])", r"\\\1", text).split())


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table; the first column is set as code."""
    head = tuple(head)
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |"]
    for first, *rest in rows:
        cells = [f"`{first}`", *(" ".join(cell.replace("``", "`").split()) for cell in rest)]
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines)


def commands() -> Iterator[tuple[str, str]]:
    """Yield every command with the first line of its help page."""
    for info in app.registered_commands:
        assert info.name is not None
        yield info.name, (inspect.getdoc(info.callback) or "").partition("\n")[0]


def codes() -> list[tuple[str, str]]:
    """Return the code of every error that the source raises, with the words of those that have it."""
    found: dict[str, list[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for function in functions_in(ast.parse(path.read_text(encoding="utf-8"))):
            inside = (node for part in function.body for node in ast.walk(part))
            lines = (node for node in inside if isinstance(node, ast.expr | ast.stmt))
            nodes = sorted(lines, key=lambda node: node.lineno)
            assigned = [one for node in nodes if isinstance(node, ast.Assign) for one in assigned_by(node)]
            for node in nodes:
                match node:
                    case ast.Call(func=func, args=[ast.Constant(value=str(code)), problem, *_]):
                        is_error = re.fullmatch(r"(\w+\.)?(Problem|\w+Error)", ast.unparse(func))
                        if is_error and re.fullmatch(r"[a-z0-9-]+", code):
                            found.setdefault(code, []).extend(words_of(problem, assigned))
    return [(code, one_line("; ".join(list(dict.fromkeys(found[code]))[:3]))) for code in sorted(found)]


def functions_in(tree: ast.Module) -> Iterator[ast.Module | ast.FunctionDef]:
    """Yield the functions of a module that are in no other function, and what else it holds."""
    outer, seen = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)], set[ast.AST]()
    for function in outer:  # from the outside in
        if function not in seen:
            seen.update(ast.walk(function))
            yield function
    yield ast.Module([node for node in tree.body if not isinstance(node, ast.FunctionDef | ast.ClassDef)], [])


def assigned_by(node: ast.Assign) -> list[tuple[int, str, ast.expr]]:
    """Return the line, the names and the values of an assignment."""
    match node.targets[0], node.value:
        case ast.Name(id=name), value:
            return [(node.lineno, name, value)]
        case ast.Tuple(elts=names), ast.Tuple(elts=values):
            return [(node.lineno, ast.unparse(one), value) for one, value in zip(names, values, strict=False)]
    return []


def words_of(problem: ast.expr, assigned: list[tuple[int, str, ast.expr]]) -> list[str]:
    """Return the text of an expression, with dots for what it fills in; that of a name is what it was last assigned."""
    match problem:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=parts):
            return ["".join(part.value if isinstance(part, ast.Constant) else "..." for part in parts)]
        case ast.IfExp(body=one, orelse=other):
            return words_of(one, assigned) + words_of(other, assigned)
        case ast.Name(id=name):
            before = [(line, value) for line, one, value in assigned if line < problem.lineno and one == name]
            return words_of(max(before, key=itemgetter(0))[1], []) if before else []
    return []


def setting_rows() -> Iterator[tuple[str, str, str, str]]:
    """Yield every setting with its flag, its default and its meaning."""
    for key, one in settings().items():
        default = one.default_is or ("" if one.default in ("", None, ()) else f"`{shown(one.default)}`")
        yield key, f"`{one.flag}`" if one.flag else "", default, one.help


def summary_keys() -> Iterator[tuple[str, str]]:
    """Yield the keys of summary.json in their order, those within another as ``outer.inner``."""
    yield "format_version", "of the file"
    meanings, hints = documented(Summary), get_type_hints(Summary)
    for entry in dataclasses.fields(Summary):
        yield entry.name, meanings[entry.name]
        for inner in dataclasses_in(hints[entry.name]):
            words = documented(inner)
            yield from ((f"{entry.name}.{one.name}", words.get(one.name, "")) for one in dataclasses.fields(inner))


def dataclasses_in(hint: Any) -> Iterator[type]:
    """Yield the dataclasses that an annotation speaks of."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        yield hint
    for inner in getattr(hint, "__args__", ()):
        yield from dataclasses_in(inner)


def parts(kind: str) -> Iterator[tuple[str, str]]:
    """Yield the parts of a registry with the first sentence of each."""
    registry: Any = PARTS[kind]
    for name in registry:
        yield name, (inspect.getdoc(registry[name]) or "").partition("\n\n")[0]


def documented(kind: type) -> dict[str, str]:
    """Return the text below each field of a class that has one, with numbers in place of the names of constants."""
    (tree,) = ast.parse(inspect.getsource(kind)).body
    assert isinstance(tree, ast.ClassDef)
    constants = vars(inspect.getmodule(kind))

    def in_words(text: str) -> str:
        named = re.sub(r"``([A-Z_]+)``", lambda found: str(constants.get(found[1], found[0])), text)
        return re.sub(r"\bNone\b", "null", named)

    return {
        field.target.id: in_words(below.value.value)
        for field, below in pairwise(tree.body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str)
    }
