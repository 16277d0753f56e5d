"""How a function becomes a command: the flags of its settings come from ``labelscan.config``, and --debug is added.

The first parameter of a command that takes settings is ``given``: flags, ``--set`` texts and the config file, which
``given.resolve()`` joins with environment variables and defaults.
"""

import functools
import inspect
import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, cast

from labelscan.cli.options import OUTPUT, Flag, refuse_both
from labelscan.config import Config, Setting, find_config, resolve, settings
from labelscan.config.sections import RUN
from labelscan.errors import UsageError
from labelscan.files.reading import with_home
from labelscan.registry import read_value

CONFIG = Annotated[
    str | None,
    Flag(RUN, "A TOML file, a run.json, or a name; see labelscan list configs.", "FILE|NAME", completes="configs"),
]
OVERRIDES = Annotated[
    list[str] | None,
    Flag(RUN, "Any setting, such as training.learning_rate=0.01; may be repeated.", "KEY=VALUE", ("--set",)),
]
DEBUG = Annotated[bool, Flag(OUTPUT, "Show tracebacks of errors.")]


@dataclass(frozen=True, slots=True)
class Given:
    """The settings given on the command line."""

    flags: Mapping[str, object] = field(default_factory=dict)
    """By key of the setting; only those that were given."""
    overrides: Sequence[str] = ()
    config: str | None = None

    def resolve(self, data: str = "") -> Config:
        """Return all settings: DATA and flags before ``--set`` before variables before the config file."""
        return resolve(
            flags={**self.flags, "dataset.data": data or None},
            overrides=self.overrides,
            environment=os.environ,
            config_file=None if self.config is None else find_config(str(with_home(self.config))),
        )

    def resolve_with_data(self, data: str, command: str) -> Config:
        """Return all settings, or raise UsageError where neither DATA nor a setting names the data."""
        config = self.resolve(data)
        if not config.dataset.data:
            hint = f"labelscan {command} DATA, DATA being a folder, a file or demo:digits; see --help"
            raise UsageError("no-data", "no data is given", hint=hint)
        return config


def command(
    *, groups: Sequence[str] = (), without: Collection[str] = (), keys: Collection[str] = ()
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that makes a function a command.

    Args:
        groups: headings whose settings become flags, in this order on the help page; ``--config`` and ``--set`` are
            added to them.
        without: keys of settings in these groups that it does not take.
        keys: keys of further settings that it takes.
    """
    taken = [
        *(one for group in groups for one in settings().values() if one.group == group and one.key not in without),
        *(settings()[key] for key in keys),
    ]

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        own = [one for one in inspect.signature(function).parameters.values() if one.name != "given"]
        arguments = [one for one in own if not _is_flag(one.annotation)]
        declared = [(one.name, one.annotation, one.default) for one in arguments]
        declared += [(one.parameter, _annotation(one), None) for one in taken]
        declared += [("config", CONFIG, None), ("overrides", OVERRIDES, None)] if groups else []
        declared += [(one.name, one.annotation, one.default) for one in own if one not in arguments]
        declared += [("debug", DEBUG, False)]

        @functools.wraps(function)
        def run(**values: Any) -> Any:
            values.pop("debug")  # read by labelscan.__main__, which catches errors
            refuse_both("--quiet", values.get("quiet"), "--verbose", values.get("verbose"))
            values = {name: _path(value) if isinstance(value, Path) else value for name, value in values.items()}
            texts = {one: values.pop(one.parameter) for one in taken}
            if not taken:
                return function(**values)
            flags = {one.key: _value(one, text) for one, text in texts.items() if text not in (None, [])}
            return function(Given(flags, values.pop("overrides", None) or (), values.pop("config", None)), **values)

        signature = inspect.Signature([_parameter(*one) for one in declared])
        run.__signature__ = signature  # type: ignore[attr-defined]  # what typer reads
        run.__annotations__ = {name: one.annotation for name, one in signature.parameters.items()}
        return run

    return decorate


def _path(path: Path) -> Path:
    """Return a path with a folder in place of its ``~``, or raise UsageError where it was an address."""
    if address := re.match(r"([a-z][a-z0-9+.-]+:)[/\\]+", str(path)):  # a path has no two slashes in a row
        where = f"{address[1]}//{path.as_posix()[address.end() :]}"
        hint = "give a path of this machine, such as the copy of a run that detect keeps in labelscan-runs/"
        raise UsageError(
            "address-not-path", "this is an address, where a file or folder is needed", where=where, hint=hint
        )
    return with_home(path)


def _is_flag(annotation: Any) -> bool:
    return isinstance(annotation.__metadata__[0], Flag)


def _parameter(name: str, annotation: Any, default: object) -> inspect.Parameter:
    """Return a parameter as typer reads it."""
    if _is_flag(annotation):
        kind = annotation.__origin__
        annotation = Annotated[kind, annotation.__metadata__[0].for_typer(name, kind)]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _annotation(one: Setting) -> object:
    help = f"{one.help} [default: {one.shown_default}]" if one.shown_default else one.help
    flag = Flag(one.group, help, one.metavar or "|".join(one.choices) or None, (one.flag,), one.completes)
    return Annotated[list[str] | None if one.is_list else bool | None if one.is_switch else str | None, flag]


def _value(one: Setting, given: str | bool | list[str]) -> object:
    if isinstance(given, bool):
        return one.switched(given)
    if isinstance(given, list):
        return tuple(chain.from_iterable(cast(tuple[str, ...], read_value(each, one.kind, where="")) for each in given))
    value = read_value(given, one.kind, where=one.option)
    # In a config file 0 leaves it to the model or the machine; on the command line a number is meant.
    if one.kind is int and one.default_is and isinstance(value, int) and value < 1:
        raise UsageError("out-of-range", f"must be at least 1, got {value}", where=one.option)
    one.check(value, where=one.option)
    return value
