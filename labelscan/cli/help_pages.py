"""Help pages: options in groups, by their plain names, drawn without rich, which would take half of the time."""

import inspect
from typing import Any

from typer.core import TyperCommand, TyperGroup

ARGUMENTS = "Arguments"
OTHERS = "Other options"
COMMANDS = "Commands"
OWN_WORDS = {
    "--help": "Show this page and leave.",
    "--install-completion": "Let the shell complete options and names.",
    "--show-completion": "Show what --install-completion would add.",
}
"""For the options that typer adds, whose words change with its version."""


class GroupedCommand(TyperCommand):
    """A command whose help page shows options under the headings given as ``rich_help_panel``."""

    # Context and formatter are click's, or typer's own copies of them, depending on the version of typer.
    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments first, then each group of options in the order of its first one."""
        _write_options(self, ctx, formatter)


class GroupedGroup(TyperGroup):
    """Several commands, of which the help page tells the first line each."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the commands first: they are what a reader looks for."""
        rows = []
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None:
                rows.append((name, inspect.cleandoc(command.help or "").partition("\n")[0]))
        _write(formatter, COMMANDS, rows)
        _write_options(self, ctx, formatter)


def _write_options(command: Any, ctx: Any, formatter: Any) -> None:
    groups: dict[str, list[tuple[str, str]]] = {ARGUMENTS: []}
    others: list[tuple[str, str]] = []
    for parameter in command.get_params(ctx):
        if getattr(parameter, "hidden", False):
            continue
        if parameter.param_type_name == "argument":
            groups[ARGUMENTS].append((parameter.metavar or parameter.name.upper(), parameter.help or ""))
            continue
        heading = getattr(parameter, "rich_help_panel", None)
        (groups.setdefault(heading, []) if heading else others).append((_names(parameter), _words(parameter)))
    for heading, rows in groups.items():
        _write(formatter, heading, rows)
    _write(formatter, OTHERS, others)


def _words(option: Any) -> str:
    return next((OWN_WORDS[name] for name in option.opts if name in OWN_WORDS), option.help or "")


def _names(option: Any) -> str:
    names = sorted(option.opts, key=len)
    short = "" if len(names[0]) == 2 else "    "
    off = "".join(f" / {name}" for name in option.secondary_opts)
    value = "" if option.is_flag or not option.metavar else option.metavar
    value = f" {value}" if value and not value.startswith("[=") else value
    return f"{short}{', '.join(names)}{off}{value}"


def _write(formatter: Any, heading: str, rows: list[tuple[str, str]]) -> None:
    if rows:
        with formatter.section(heading):
            formatter.write_dl(rows, col_max=26)
