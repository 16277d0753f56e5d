import re

from tiny_verdict import a_suspect, a_verdict, nasty_suspects

from labelscan.gating.formats.github import MOST_ANNOTATIONS, as_annotations


def unescaped(text):
    for code, character in (("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        text = text.replace(code, character)
    return text


def test_the_verdict_comes_first_and_the_worst_suspects_follow():
    lines = as_annotations(a_verdict(tuple(map(a_suspect, range(20)))), top=50).splitlines()
    assert len(lines) == MOST_ANNOTATIONS
    assert lines[0] == (
        "::error title=labelscan gate::FAILED: 20 suspects. pets: 20 of 100 labels are suspects (20 %25)"
    )
    assert lines[1] == (
        "::error file=photos/00.png,title=cat -> dog::"
        "photos/00.png: labelled cat, looks like dog (error probability 0.750)"
    )
    assert len(as_annotations(a_verdict(tuple(map(a_suspect, range(20)))), top=3).splitlines()) == 4


def test_a_verdict_that_passes_is_one_notice():
    (line,) = as_annotations(a_verdict((a_suspect(),), limit=1), top=10).splitlines()
    assert line.startswith("::notice title=labelscan gate::PASSED")


def test_a_label_or_path_can_neither_end_a_property_nor_begin_a_command():
    text = as_annotations(a_verdict(nasty_suspects()), top=10)
    lines = text.splitlines()
    assert len(lines) == 5
    for line in lines:
        command = re.fullmatch(r"::error (?:file=([^,:]*),)?title=([^,:]*)::(.*)", line)
        assert command is not None
        assert not re.search("%(?!25|0A|0D|2C|3A)", line)
    file, title, message = re.fullmatch(r"::error file=([^,:]*),title=([^,:]*)::(.*)", lines[2]).groups()
    assert unescaped(file) == "photos/a\"b'c,d:e%f|g`h&amp;/1.png"
    assert unescaped(title) == "a\"b'c,d:e%f|g`h&amp; -> <script>alert(1)</script>"
    assert "d:e%25f" in message, "a colon in a message is only text"


def test_a_suspect_without_a_file_is_annotated_without_one():
    suspect = a_suspect(7)
    object.__setattr__(suspect, "path", "")
    assert "::error title=cat -> dog::07: labelled cat" in as_annotations(a_verdict((suspect,)), top=1)
