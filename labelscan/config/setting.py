"""A setting, declared once: from its field come the flag, the help page, the key in TOML, the reference, the schema."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar, cast, get_args, get_origin, get_type_hints

from labelscan.errors import ConfigError

T = TypeVar("T")
BY_THE_MODEL = "by the model"
"""How a help page tells the default of a setting in which 0, or -1, stands for what the model wants."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """One setting, with all that any part of the program or its documentation says about it."""

    key: str
    """``section.name``, as ``--set`` and TOML files name it."""
    kind: object
    """The annotated type: str, int, float, bool, a Literal, or a number or None."""
    default: object
    help: str
    flag: str = ""
    """As in ``--loss``, or ``--freeze/--no-freeze`` for a switch; empty where only ``--set`` reaches it."""
    metavar: str = ""
    group: str = ""
    """The heading of help pages that the flag stands under."""
    default_is: str = ""
    """What the default means, where its value does not say so."""
    bare: object = None
    """The value where the flag is given without one; None where it needs one."""
    completes: str = ""
    """What the shell completes the value with: ``losses``, ``models``, ``devices`` and so on."""
    minimum: float | None = None
    maximum: float | None = None
    affects_results: bool = True
    """Whether results depend on it; False for what decides only where and how fast a run is done."""

    @property
    def option(self) -> str:
        """Return the flag as messages name it; empty without one."""
        return self.flag.partition("/")[0]

    @property
    def parameter(self) -> str:
        """Return what the flag is called as a parameter of a function: ``batch_size``; empty without one."""
        return self.option.strip("-").replace("-", "_")

    @property
    def is_switch(self) -> bool:
        """Return whether the flag takes no value."""
        return self.kind is bool or "/" in self.flag

    @property
    def shown_default(self) -> str:
        """Return the default as people read it; empty where nothing is the default."""
        if self.default_is or self.default is None or self.default is False:
            return self.default_is
        return str(self.default)

    @property
    def choices(self) -> tuple[str, ...]:
        """Return the values that a Literal can take; empty for other types."""
        return tuple(map(str, get_args(self.kind))) if get_origin(self.kind) is Literal else ()

    @property
    def is_automatic(self) -> bool:
        """Return whether 0, or -1, stands for what the model wants."""
        return self.default_is == BY_THE_MODEL

    def check(self, value: object, *, where: str = "") -> None:
        """Raise ConfigError where a number is out of bounds; ``where`` names what gave it, if not the setting."""
        if value is None or isinstance(value, bool) or not isinstance(value, int | float):
            return
        low, high = self.minimum, self.maximum
        if (low is None or value >= low) and (high is None or value <= high):
            return
        if low is not None and high is not None:
            hint = "0.02 stands for 2 %" if high <= 1 else ""
            raise ConfigError(
                f"must be between {low:g} and {high:g}, got {value:g}", where=where or self.key, hint=hint
            )
        bound = f"at least {low:g}" if low is not None else f"at most {high:g}"
        raise ConfigError(f"must be {bound}, got {value:g}", where=where or self.key)


def setting(default: T, help: str, group: str = "", metavar: str = "", **declared: object) -> T:
    """Return a dataclass field for a setting; with a group it has a flag, called as the field where none is given.

    Args:
        default: the value where nobody says otherwise.
        help: what it means, in one sentence or two.
        group, metavar, declared: as the fields of ``Setting``.
    """
    metadata = {"help": help, "group": group, "metavar": metavar, **declared}
    return dataclasses.field(default=default, metadata=metadata)


def declared_in(section: type, prefix: str = "", **inherited: object) -> Iterator[Setting]:
    """Yield the settings of a dataclass of settings, those of sections inside it included, in their order."""
    hints = get_type_hints(section)
    for entry in dataclasses.fields(section):
        kind, declared = hints[entry.name], {**inherited, **entry.metadata}
        if dataclasses.is_dataclass(kind):
            yield from declared_in(cast(type, kind), f"{prefix}{entry.name}.", **declared)
            continue
        if declared.get("group"):
            declared.setdefault("flag", f"--{entry.name.replace('_', '-')}")
        yield Setting(key=prefix + entry.name, kind=kind, default=entry.default, **declared)
