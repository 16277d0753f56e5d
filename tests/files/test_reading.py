"""What comes from outside is read, or refused in a few words."""

import os
import tomllib
from dataclasses import dataclass
from typing import Literal, NamedTuple

import pytest

from labelscan.files.reading import CANNOT_READ, check_is_file, fits, open_text, parse_json, parsed, read_text, why


@dataclass(frozen=True)
class Knife:
    name: str
    length: float
    owners: tuple[str, ...] = ()
    handle: "Knife | None" = None


def test_text_keeps_its_line_ends_and_loses_its_byte_order_mark(tmp_path):
    (tmp_path / "a.csv").write_bytes("\ufeffgröße\r\nb\n".encode())
    assert read_text(tmp_path / "a.csv") == "größe\r\nb\n"


class Named(NamedTuple):
    name: str
    length: float


@pytest.mark.parametrize("parser", [parse_json, lambda text: parsed(tomllib.loads, f"a = {text}")])
def test_what_is_nested_too_deeply_is_a_value_error(parser):
    with pytest.raises(ValueError, match="nested too deeply"):
        parser("[" * 100_000 + "]" * 100_000)


def test_only_files_are_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    check_is_file(tmp_path / "link")
    cases = {
        "pipe": "a pipe, not a file: save what comes out of it in one",
        "folder": "a folder",
        "loop": "symbolic links",
        "gone": "No such file",
        "a" * 300: "long",
    }
    cases["/dev/null"] = "a device"
    for name, words in cases.items():
        with pytest.raises(CANNOT_READ) as refused:
            open_text(tmp_path / name)
        assert words in why(refused.value)


def test_why_says_in_words_what_happened():
    with pytest.raises(ValueError, match="utf-8") as refused:
        b"abc\xff".decode()
    assert why(refused.value) == "not UTF-8: byte 0xff at position 3"
    assert why(MemoryError()) == "it does not fit into memory"
    assert why(ValueError("a\nb")) == "a b"
    assert why(EOFError()) == "EOFError"


@pytest.mark.parametrize(
    ("value", "kind", "does"),
    [
        (1, int, True),
        (True, int, False),
        (1, float, True),
        (True, float, False),
        (float("nan"), float, False),
        (10**400, float, False),
        ("a", Literal["a", "b"], True),
        ("c", Literal["a", "b"], False),
        (["a", 1], Named, True),
        (["a"], Named, False),
        (None, float | None, True),
        ("a", float | None, False),
        (["a"], tuple[str, ...], True),
        ([1], tuple[str, ...], False),
        ("a", tuple[str, ...], False),
        ({"a": 1}, dict[str, int], True),
        ({"a": "b"}, dict[str, int], False),
        ([[0.5]], list[list[float]] | None, True),
        ({"name": "a", "length": 1, "more": 2}, Knife, True),
        ({"name": "a", "length": 1, "owners": [], "handle": {"name": "b", "length": 0.5}}, Knife, True),
        ({"name": "a", "length": 1, "handle": {"name": "b"}}, Knife, False),
        ({"name": "a"}, Knife, False),
        ([], Knife, False),
    ],
)
def test_json_is_compared_with_an_annotation(value, kind, does):
    assert fits(value, kind) is does
