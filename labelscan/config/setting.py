"""A setting, declared once: its field gives the flag, the help, the key in TOML, the reference and the schema."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TypeVar, cast, get_args, get_origin, get_type_hints

from labelscan.errors import ConfigError
from labelscan.registry import as_share, choices_of, shown

T = TypeVar("T")
BY_THE_MODEL = "by the model"
"""The default, on help pages, of a setting where 0 or -1 leaves the value to the model."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """One setting, with everything that the program and its documentation say about it."""

    key: str
    """``section.name``, as ``--set`` and TOML files name it."""
    kind: object
    """The annotated type: str, int, float, bool, a Literal, a number or None, or a tuple of texts."""
    default: object
    help: str
    flag: str = ""
    """Such as ``--loss``, or ``--freeze/--no-freeze`` for a switch; empty where only ``--set`` reaches it."""
    metavar: str = ""
    group: str = ""
    """The heading above the flag on help pages."""
    default_is: str = ""
    """What the default means, where its value does not say so."""
    bare: object = None
    """The value of a flag that is given without one; None where it needs one."""
    completes: str = ""
    """The names that a shell completes: ``losses``, ``models``, ``devices`` and so on."""
    minimum: float | None = None
    """0 for numbers that declare no other."""
    maximum: float | None = None
    variable: str = ""
    """A short name of its environment variable, beside the one made from its key."""
    affects_results: bool = True
    """Whether results depend on it, and not only where and how fast they are made."""

    @property
    def option(self) -> str:
        """Return the flag as messages name it; empty without one."""
        return self.flag.partition("/")[0]

    @property
    def parameter(self) -> str:
        """Return the flag as the name of a parameter, such as ``batch_size``; empty without one."""
        return self.option.strip("-").replace("-", "_")

    @property
    def is_switch(self) -> bool:
        """Return whether the flag takes no value."""
        return self.kind is bool or "/" in self.flag

    @property
    def is_list(self) -> bool:
        """Return whether it holds several texts, so that its flag may be repeated."""
        return get_origin(self.kind) is tuple

    @property
    def shown_default(self) -> str:
        """Return the default as people read it; empty where there is none to show."""
        if self.default_is or self.default is None or self.default is False:
            return self.default_is
        return shown(self.default) if self.is_list else str(self.default)

    @property
    def choices(self) -> tuple[str, ...]:
        """Return the values of a Literal; empty for other types."""
        return choices_of(self.kind)

    @property
    def is_automatic(self) -> bool:
        """Return whether 0 or -1 leaves the value to the model."""
        return self.default_is == BY_THE_MODEL

    def switched(self, on: bool) -> object:
        """Return the value that a switch stands for."""
        return on if self.kind is bool else ("yes" if on else "no")

    def check(self, value: object, *, where: str = "") -> None:
        """Raise ConfigError where a number is none or out of bounds; ``where`` names its source, else the setting."""
        kinds = {self.kind, *get_args(self.kind)}
        is_number = isinstance(value, Real if float in kinds else Integral) and not isinstance(value, bool)
        if value is not None and not kinds.isdisjoint((int, float)) and not is_number:
            wanted = "number" if float in kinds else "whole number"
            raise ConfigError(
                "wrong-type", f"must be a {wanted}, got {value!r}", where=where or self.key, hint=as_share(str(value))
            )
        if isinstance(value, bool) or not isinstance(value, Real):
            return
        low, high, number = self.minimum, self.maximum, int(value) if isinstance(value, Integral) else float(value)
        if (low is None or number >= low) and (high is None or number <= high):
            return
        bounds, hint = f"at most {_shown(high)}", ""
        if low is not None and high is not None and high <= 1:  # a share
            bounds, hint = f"between {_shown(low)} and {_shown(high)}", "0.02 stands for 2 %"
        elif low is not None and number < low:
            bounds = f"at least {_shown(low)}"
        raise ConfigError("out-of-range", f"must be {bounds}, got {_shown(number)}", where=where or self.key, hint=hint)


def setting(default: T, help: str, group: str = "", metavar: str = "", **declared: object) -> T:
    """Return a dataclass field for a setting; further arguments are fields of ``Setting``.

    With a group it has a flag, which gets the name of the field where none is given.
    """
    return dataclasses.field(default=default, metadata={"help": help, "group": group, "metavar": metavar, **declared})


def _shown(number: float | None) -> str:
    """Return a number as messages show it; a bound that is not there is not shown."""
    if number is None:
        return ""
    return f"{number:g}" if isinstance(number, float) else f"{number:,}"


def declared_in(section: type, prefix: str = "", **inherited: object) -> Iterator[Setting]:
    """Yield the settings of a dataclass, including those of the sections in it, in order."""
    hints = get_type_hints(section)
    for entry in dataclasses.fields(section):
        kind, declared = hints[entry.name], {**inherited, **entry.metadata}
        if dataclasses.is_dataclass(kind):
            yield from declared_in(cast(type, kind), f"{prefix}{entry.name}.", **declared)
            continue
        if not {kind, *get_args(kind)}.isdisjoint((int, float)):
            declared.setdefault("minimum", 0)
        if declared.get("group"):
            declared.setdefault("flag", f"--{entry.name.replace('_', '-')}")
        yield Setting(key=prefix + entry.name, kind=kind, default=entry.default, **declared)
