"""What comes from outside is read, or refused in a few words."""

import tomllib

import pytest

from labelscan.files.reading import parse_json, parsed, read_text, why


def test_text_keeps_its_line_ends_and_loses_its_byte_order_mark(tmp_path):
    (tmp_path / "a.csv").write_bytes("\ufeffgröße\r\nb\n".encode())
    assert read_text(tmp_path / "a.csv") == "größe\r\nb\n"


@pytest.mark.parametrize("parser", [parse_json, lambda text: parsed(tomllib.loads, f"a = {text}")])
def test_what_is_nested_too_deeply_is_a_value_error(parser):
    with pytest.raises(ValueError, match="nested too deeply"):
        parser("[" * 100_000 + "]" * 100_000)


def test_why_says_in_words_what_happened():
    with pytest.raises(ValueError, match="utf-8") as refused:
        b"abc\xff".decode()
    assert why(refused.value) == "not UTF-8: byte 0xff at position 3"
    assert why(MemoryError()) == "it does not fit into memory"
    assert why(ValueError("a\nb")) == "a b"
    assert why(EOFError()) == "EOFError"
