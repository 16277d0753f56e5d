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
    ("text", "code"),
    [
        *((text, "unknown-name") for text in ("knive", "zzz", "")),
        *((text, "unknown-option") for text in ("knife:blde=1", "spoon:1", "spoon:size=1", "variadic:parts=1")),
        *((f"knife:{text}", "wrong-type") for text in ("blade=sharp", "length=1.5", "folds=perhaps", "steel=medium")),
        *((f"knife:{text}", "option-twice") for text in ("blade=1,blade=2", "1,blade=2")),
        *((f"knife:{text}", "not-an-option") for text in ("blade=", "folds=yes,0.1", ",")),
        *((f"knife:blade={text}", "not-finite") for text in ("inf", "-inf", "nan", "1e400")),
        *((f"knife:length={number}", "out-of-range") for number in (LARGEST + 1, -LARGEST - 1, 10**400)),
    ],
)
def test_what_cannot_be_read_is_refused(text, code):
    with refuses(ConfigError, code):
        TOOLS.build(text)


words = st.from_regex(r"[a-z][a-z0-9_.-]{0,8}", fullmatch=True)


@given(name=words, options=st.dictionaries(words, words, max_size=3), bare=st.none() | words)
def test_a_spec_reads_back_as_written(name, options, bare):
    spec = PartSpec(name, options, bare)
    assert PartSpec.parse(str(spec)) == spec


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-LARGEST, LARGEST))
def test_numbers_read_back_as_written(number):
    assert read_value(str(number), type(number), where="") == number


def with_plug_in(monkeypatch, value):
    """Have a package installed that adds the tool ``fork``."""
    entries = {"labelscan.tool": [EntryPoint("fork", value, "labelscan.tool")]}
    monkeypatch.setattr("labelscan.registry.entry_points", lambda group: entries.get(group, []))


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
