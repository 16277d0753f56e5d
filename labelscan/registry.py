"""Named tables of interchangeable parts, and the text that names one: ``blurry:gamma=0.4,delay=4``.

A part is a class whose constructor takes its options by keyword, each with a default; parts without options, such as
readers, are used as they are. Other packages add parts by an entry point in the group ``labelscan.<kind>``, such as
``labelscan.loss`` or ``labelscan.gate_format``.
"""

import inspect
import math
import types
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from labelscan.errors import ConfigError, nearest_name

T = TypeVar("T")
LARGEST = 2**63 - 1
"""Whole numbers above it are no number of anything, and fit into no array."""


@dataclass(frozen=True, slots=True)
class PartSpec:
    """A part's name and the options written after it, still as text."""

    name: str
    options: Mapping[str, str]
    bare: str | None = None
    """A value without a name, for the part's first option."""

    @classmethod
    def parse(cls, text: str, *, where: str = "") -> "PartSpec":
        """Read ``name:option=value,...`` or ``name:value``."""
        name, colon, rest = text.strip().partition(":")
        options: dict[str, str] = {}
        bare: str | None = None
        for position, item in enumerate(part.strip() for part in rest.split(",")) if colon else ():
            key, equals, value = (piece.strip() for piece in item.partition("="))
            if not equals and position == 0 and key:
                bare = key
            elif not equals or not key or not value:
                hint = "write name:option=value,option=value"
                raise ConfigError("not-an-option", f"cannot read option {item!r} in {text!r}", where=where, hint=hint)
            elif key in options:
                raise ConfigError(
                    "option-twice", f"option {key!r} is given twice in {text!r}", where=where, hint="keep one of them"
                )
            else:
                options[key] = value
        return cls(name.strip(), options, bare)

    def __str__(self) -> str:
        items = [self.bare] if self.bare is not None else []
        items += [f"{key}={value}" for key, value in self.options.items()]
        return f"{self.name}:{','.join(items)}" if items else self.name


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a part: its name, annotated type and default."""

    name: str
    type: object
    default: object


class Parts(Generic[T]):
    """The parts of one kind by name, in the order given; those of other packages come last.

    Args:
        kind: what messages call the parts: ``loss``, ``reader``, ``gate format``.
        parts: by name; a text is the address of one that is imported on first use: ``package.module`` or
            ``package.module:name``.
    """

    def __init__(self, kind: str, parts: Mapping[str, T | str]) -> None:
        self.kind = kind
        self.built_in = tuple(parts)
        """Names of the parts that come with labelscan, known without a search for plug-ins."""
        group = f"labelscan.{kind.replace(' ', '_')}"
        self._parts: dict[str, T | EntryPoint] = {
            name: EntryPoint(name, part, group) if isinstance(part, str) else part for name, part in parts.items()
        }
        self._group = group
        self._plug_ins_found = False

    def __iter__(self) -> Iterator[str]:
        yield from self.built_in
        self._find_plug_ins()  # only now: to search the installed packages takes a moment
        yield from [name for name in self._parts if name not in self.built_in]

    def __getitem__(self, name: str) -> T:
        if name not in self._parts:
            self._find_plug_ins()
        if name not in self._parts:
            raise ConfigError(
                "unknown-name", f"no {self.kind} is called {name!r}", hint=f"use {nearest(name, list(self))}"
            )
        part = self._parts[name]
        return self._load(part) if isinstance(part, EntryPoint) else part

    def __contains__(self, name: object) -> bool:
        return name in list(self)

    def _load(self, entry: EntryPoint) -> T:
        try:
            part: T = entry.load()
        except Exception as error:  # whatever another package's code raises
            if entry.name in self.built_in:
                raise
            raise ConfigError(
                "plug-in-broken",
                f"the {self.kind} {entry.name!r} cannot be loaded ({type(error).__name__}: {error})",
                where=entry.value,
                hint="fix the package that it comes from, or uninstall it",
            ) from error
        return part

    def _find_plug_ins(self) -> None:
        if not self._plug_ins_found:
            self._plug_ins_found = True
            for entry in entry_points(group=self._group):
                self._parts.setdefault(entry.name, entry)


class Registry(Parts[Callable[..., T]], Generic[T]):
    """Parts that are made with options: classes, or functions that return one."""

    def options(self, name: str) -> list[Option]:
        """Return the options of the part called ``name``."""
        constructor = self[name]
        initialiser = constructor.__init__ if inspect.isclass(constructor) else constructor
        hints = get_type_hints(initialiser)
        return [
            Option(parameter.name, hints.get(parameter.name, str), parameter.default)
            for parameter in inspect.signature(constructor).parameters.values()
            if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)  # nn.Module's, where it has none
        ]

    def build(self, text: str, **defaults: object) -> T:
        """Make the part that ``text`` names, or raise ConfigError naming the nearest one.

        Args:
            text: a name, with or without options.
            defaults: options that hold where ``text`` leaves them out; those that the part does not have are ignored.
        """
        return self.build_spec(PartSpec.parse(text, where=self.kind), **defaults)

    def build_spec(self, spec: PartSpec, **defaults: object) -> T:
        """Make the part that ``spec`` names; see ``build``."""
        values = self.values(spec, **defaults)
        try:
            return self[spec.name](**values)
        except OptionError as error:
            problem = error.problems[0]
            raise ConfigError(
                problem.code, problem.problem, where=f"{self.kind} {spec.name}, {problem.where}", hint=problem.hint
            ) from None

    def values(self, spec: PartSpec, **defaults: object) -> dict[str, object]:
        """Return every option of the part that ``spec`` names, with the value that ``build`` gives it."""
        known = {option.name: option for option in self.options(spec.name)}
        given = dict(spec.options)
        if spec.bare is not None:
            if not known:
                raise ConfigError("unknown-option", f"{spec.name} takes no options, got {spec.bare!r}", where=self.kind)
            first = next(iter(known))
            if first in given:
                problem = f"option {first!r} is given twice in {str(spec)!r}"
                raise ConfigError("option-twice", problem, where=self.kind, hint="keep one of them")
            given[first] = spec.bare
        values = {name: defaults.get(name, option.default) for name, option in known.items()}
        for key, value in given.items():
            if key not in known:
                raise ConfigError(
                    "unknown-option",
                    f"{spec.name} has no option {key!r}",
                    where=self.kind,
                    hint=f"use {nearest(key, known)}" if known else "it takes none",
                )
            values[key] = read_value(value, known[key].type, where=f"{self.kind} {spec.name}, option {key}")
        return values


def nearest(name: str, known: Collection[str]) -> str:
    """Return the name that resembles ``name``, else all of them: ``a, b or c``."""
    if resembling := nearest_name(name, known):
        return resembling
    *names, last = sorted(known)
    return f"{', '.join(names)} or {last}" if names else last


def read_value(text: str, kind: object, *, where: str) -> object:
    """Return ``text`` as a value of the annotated type ``kind``, or raise ConfigError.

    Knows str, int, float, bool, Literal, unions of these with None (``none`` in text), and tuples of texts, which are
    written with ``;`` in between.
    """
    origin = get_origin(kind)
    if origin is tuple:
        return tuple(filter(None, map(str.strip, text.split(";"))))
    if origin is Literal:
        for choice in get_args(kind):
            if text == str(choice):
                return choice
        named = list(filter(None, choices_of(kind)))
        wanted = f"one of {', '.join(named)}" if len(named) > 1 else f"{named[0]} or nothing"
        raise ConfigError("wrong-type", f"must be {wanted}, got {text!r}", where=where)
    if origin in (Union, types.UnionType):
        members = get_args(kind)
        if type(None) in members and text.lower() == "none":
            return None
        return read_value(text, next(member for member in members if member is not type(None)), where=where)
    if kind is bool:
        if text.lower() in ("true", "yes", "on", "1"):
            return True
        if text.lower() in ("false", "no", "off", "0"):
            return False
        raise ConfigError("wrong-type", f"must be true or false, got {text!r}", where=where)
    if kind is int or kind is float:
        try:
            value = int(text.replace("_", "")) if kind is int else float(text)
        except ValueError:
            wanted = "whole number" if kind is int else "number"
            raise ConfigError(
                "wrong-type", f"must be a {wanted}, got {text!r}", where=where, hint=as_share(text)
            ) from None
        if isinstance(value, int) and abs(value) > LARGEST:
            raise ConfigError("out-of-range", f"must be at most {LARGEST}", where=where)
        if not math.isfinite(value):
            raise ConfigError("not-finite", f"must be a finite number, got {value}", where=where)
        return value
    return text


def as_share(text: str) -> str:
    """Return a hint how to write a number of per cent; empty for any other text."""
    try:
        return f"write {float(text.removesuffix('%')) / 100:g}" if text.endswith("%") else ""
    except ValueError:
        return ""


def choices_of(kind: object) -> tuple[str, ...]:
    """Return the values of a Literal as text; empty for other types."""
    return tuple(map(str, get_args(kind))) if get_origin(kind) is Literal else ()


def shown(value: object) -> str:
    """Return the value of an option as text that ``read_value`` reads back."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and float(f"{value:g}") == value:
        return f"{value:g}"
    if isinstance(value, tuple):
        return "; ".join(value)
    return str(value)


class OptionError(ConfigError):
    """An option that a part cannot have; the registry adds the part, which does not know what it is called."""

    def __init__(self, code: str, problem: str, option: str, *, hint: str = "") -> None:
        super().__init__(code, problem, where=f"option {option}", hint=hint)


def check_option(allowed: bool, value: float, option: str, must: str) -> None:
    """Raise OptionError unless the value of an option is ``allowed``: it ``must`` be, such as ``above 0``."""
    if not allowed:
        raise OptionError("out-of-range", f"must be {must}, got {value:g}", option)
