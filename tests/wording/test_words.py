import json
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelscan.wording.words import as_json, duration, file_size, printable


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (12, "12 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")],
)
def test_durations_read_as_people_say_them(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [
        *[(0, "0 kB"), (12_345, "12 kB"), (999_499, "999 kB"), (999_600, "1.0 MB"), (3_400_000, "3.4 MB")],
        *[(9_960_000, "10 MB"), (20 * 10**9, "20 GB"), (5 * 10**15, "5000 TB")],
    ],
)
def test_sizes_of_files_read_as_people_say_them(n_bytes, text):
    assert file_size(n_bytes) == text


@given(st.text(st.characters(), max_size=20))
def test_any_text_fits_on_a_line_in_any_encoding_and_in_xml(text):
    shown = printable(text)
    assert len(shown.splitlines()) <= 1
    assert shown.encode("utf-8").decode("utf-8") == shown
    element = ElementTree.Element("a")
    element.text = shown
    assert (ElementTree.fromstring(ElementTree.tostring(element)).text or "") == shown


@given(st.text("#\\[x", max_size=20))
def test_json_has_no_pair_of_number_signs_and_is_read_as_the_same(text):
    written = as_json({text: text})
    assert "##" not in written
    assert json.loads(written) == {text: text}
