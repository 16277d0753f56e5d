"""Help pages: options under headings, drawn without rich, which would take half of the time."""

import inspect
from typing import Any

from typer.core import TyperCommand, TyperGroup

from labelscan.cli.options import OUTPUT
from labelscan.config import settings
from labelscan.config.sections import DATA, LIMITS, MODEL, RUN, TRAINING

ARGUMENTS = "Arguments"
OTHERS = "Other options"
COMMANDS = "Commands"
HEADINGS = (ARGUMENTS, "", LIMITS, TRAINING, MODEL, DATA, RUN, OUTPUT)
"""The order of the headings; the empty one stands for those of a single command."""
OWN_WORDS = {
    "--help": "Show this page and exit.",
    "--install-completion": "Let the shell complete options and names.",
    "--show-completion": "Show what --install-completion would add.",
}
"""Help for the options that typer adds, whose words change with its version."""


class GroupedCommand(TyperCommand):
    """A command whose help page shows options under the headings that they declare as ``rich_help_panel``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Write the default value to a flag that may stand without one: click would take the next argument for it."""
        bare = {one.flag: f"{one.flag}={one.bare}" for one in settings().values() if one.bare is not None}
        end = args.index("--") if "--" in args else len(args)
        return super().parse_args(ctx, [bare.get(arg, arg) for arg in args[:end]] + args[end:])

    # Context and formatter are click's, or typer's own copies of them, depending on the version of typer.
    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments first, then the groups of options: a command's own, then those that several share."""
        _write_options(self, ctx, formatter)


class GroupedGroup(TyperGroup):
    """A group whose help page shows the first line of each command."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the commands first: they are what a reader looks for."""
        helps = {name: inspect.cleandoc(command.help or "") for name, command in self.commands.items()}
        _write(formatter, COMMANDS, [(name, help.partition("\n")[0]) for name, help in helps.items()])
        _write_options(self, ctx, formatter)


def _write_options(command: Any, ctx: Any, formatter: Any) -> None:
    groups: dict[str, list[tuple[str, str]]] = {ARGUMENTS: []}
    others: list[tuple[str, str]] = []
    for parameter in command.get_params(ctx):
        if parameter.param_type_name == "argument":
            groups[ARGUMENTS].append((parameter.metavar or parameter.name.upper(), parameter.help or ""))
        elif not parameter.hidden:
            heading = getattr(parameter, "rich_help_panel", None)
            (groups.setdefault(heading, []) if heading else others).append((_names(parameter), _words(parameter)))
    for heading in sorted(groups, key=lambda one: HEADINGS.index(one) if one in HEADINGS else 1):
        _write(formatter, heading, groups[heading])
    _write(formatter, OTHERS, others)


def _words(option: Any) -> str:
    words = next((OWN_WORDS[name] for name in option.opts if name in OWN_WORDS), option.help or "")
    if "[default: " in words or option.default is False or option.default in (None, "") or callable(option.default):
        return words
    return f"{words} [default: {'yes' if option.default is True else option.default}]"


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
