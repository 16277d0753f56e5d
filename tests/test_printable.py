import unicodedata
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from labelscan.printable import printable


@given(st.text(st.characters(), max_size=20))
def test_any_text_fits_on_a_line_in_any_encoding_and_in_xml(text):
    shown = printable(text)
    assert len(shown.splitlines()) <= 1
    assert shown.encode("utf-8").decode("utf-8") == shown
    element = ElementTree.Element("a")
    element.text = shown
    assert (ElementTree.fromstring(ElementTree.tostring(element)).text or "") == shown


@given(st.text(st.characters(categories=("L", "N", "P", "S", "Zs", "Mn"), exclude_characters="\ufffe\uffff")))
def test_what_can_be_printed_is_left_alone(text):
    assert all(unicodedata.category(character) != "Cc" for character in text)
    assert printable(text) == text
