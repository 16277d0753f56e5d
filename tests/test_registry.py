from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refuses

from labelscan.errors import ConfigError
from labelscan.registry import LARGEST, Parts, PartSpec, Registry, read_value


@dataclass(frozen=True)
class Knife:
    blade: float = 0.5
    folds: bool = False
    steel: Literal["soft", "hard"] = "soft"
    length: int | None = None


class Spoon:
    pass


class Variadic:
    def __init__(self, *parts: int, **more: int) -> None:
        self.more = more


TOOLS: Registry[object] = Registry("tool", {"knife": Knife, "spoon": Spoon, "variadic": Variadic})


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("knife", Knife()),
        ("knife:0.1", Knife(0.1)),
        ("knife:blade=1e-3", Knife(0.001)),
        ("knife:0.1,folds=yes", Knife(0.1, True)),
        (" knife : blade = 2 , steel = hard ", Knife(2.0, steel="hard")),
        ("knife:length=none", Knife()),
        ("knife:length=1_000", Knife(length=1000)),
    ],
)
def test_options_are_read_as_their_types(text, made):
    assert TOOLS.build(text) == made


def test_defaults_stand_where_the_text_leaves_them_out():
    assert TOOLS.build("knife:folds=true", blade=0.7, folds=False) == Knife(0.7, True)
    assert isinstance(TOOLS.build("spoon", blade=0.7), Spoon)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("knive", "use knife"),
        ("zzz", "use knife, spoon or variadic"),
        ("", "use knife"),
        ("knife:blde=1", "use blade"),
        ("knife:blade=sharp", "must be a number, got 'sharp'"),
        ("knife:blade=nan", "nan"),
        ("knife:length=1.5", "whole number"),
        ("knife:folds=perhaps", "true or false"),
        ("knife:steel=medium", "soft, hard"),
        ("knife:blade=1,blade=2", "twice"),
        ("knife:1,blade=2", "twice"),
        ("knife:blade=", "cannot read"),
        ("knife:folds=yes,0.1", "cannot read"),
        ("knife:,", "cannot read"),
        ("spoon:1", "takes no options"),
        ("spoon:size=1", "takes none"),
        ("variadic:parts=1", "takes none"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_can(text, named):
    with pytest.raises(ConfigError) as caught:
        TOOLS.build(text)
    assert named in str(caught.value)
    assert caught.value.exit_code == 2


def test_options_have_their_defaults():
    assert [(option.name, option.default) for option in TOOLS.options("knife")] == [
        ("blade", 0.5),
        ("folds", False),
        ("steel", "soft"),
        ("length", None),
    ]
    assert TOOLS.options("variadic") == []


words = st.from_regex(r"[a-z][a-z0-9_.-]{0,8}", fullmatch=True)


@given(name=words, options=st.dictionaries(words, words, max_size=3), bare=st.none() | words)
def test_a_spec_reads_back_as_written(name, options, bare):
    spec = PartSpec(name, options, bare)
    assert PartSpec.parse(str(spec)) == spec


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-LARGEST, LARGEST))
def test_numbers_read_back_as_written(number):
    assert read_value(str(number), type(number), where="") == number


@pytest.mark.parametrize(("text", "kind"), [("inf", float), ("-inf", float), ("nan", float), ("1e400", float)])
def test_numbers_that_are_not_finite_are_refused(text, kind):
    with refuses(ConfigError, "not-finite"):
        read_value(text, kind, where="")


@pytest.mark.parametrize("number", [LARGEST + 1, -LARGEST - 1, 10**400])
def test_whole_numbers_that_fit_into_no_array_are_refused(number):
    with pytest.raises(ConfigError, match=f"must be at most {LARGEST}"):
        read_value(str(number), int, where="")


def with_plug_in(monkeypatch, value):
    """Have a package installed that adds the tool ``fork``."""
    entries = {"labelscan.tool": [EntryPoint("fork", value, "labelscan.tool")]}
    monkeypatch.setattr("labelscan.registry.entry_points", lambda group: entries.get(group, []))


def test_plug_ins_are_found_by_entry_point(monkeypatch):
    with_plug_in(monkeypatch, f"{__name__}:Spoon")
    tools: Registry[object] = Registry("tool", {"knife": Knife})
    assert list(tools) == ["knife", "fork"]
    assert tools.built_in == ("knife",)
    assert isinstance(tools.build("fork"), Spoon)


def test_a_plug_in_that_is_broken_is_named_and_in_the_way_of_no_other(monkeypatch):
    with_plug_in(monkeypatch, "labelscan.nowhere:Fork")
    tools: Registry[object] = Registry("tool", {"knife": Knife})
    assert tools.build("knife") == Knife()
    with refuses(ConfigError, "plug-in-broken"):
        tools.build("fork")


def test_parts_are_imported_when_they_are_asked_for():
    numbers: Parts[object] = Parts("number", {"pi": "math:pi", "all": "math", "nowhere": "labelscan.nowhere"})
    assert list(numbers) == ["pi", "all", "nowhere"]
    assert numbers["pi"] == numbers["all"].pi
    with pytest.raises(ModuleNotFoundError):
        numbers["nowhere"]
