"""What comes from outside is read, or refused in a few words."""

import os
import tomllib

import pytest

from labelscan.files.reading import CANNOT_READ, check_is_file, open_text, parse_json, parsed, read_text, why


def test_text_keeps_its_line_ends_and_loses_its_byte_order_mark(tmp_path):
    (tmp_path / "a.csv").write_bytes("\ufeffgröße\r\nb\n".encode())
    assert read_text(tmp_path / "a.csv") == "größe\r\nb\n"


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
