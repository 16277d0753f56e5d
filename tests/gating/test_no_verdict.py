"""Where nothing can be judged, no file says what was judged at an earlier time."""

from xml.etree import ElementTree

import pytest
from tiny_verdict import a_suspect, a_verdict

from labelscan.cli.gate import find_format
from labelscan.gating.formats import FORMATS, RecognisedFormat
from labelscan.gating.no_verdict import withdraw


def written(name, *suspects):
    return find_format(name)(a_verdict(suspects), 10)


@pytest.mark.parametrize("name", ["text", *FORMATS.built_in])
@pytest.mark.parametrize("n_suspects", [0, 1, 3])
def test_the_verdict_of_an_earlier_time_is_withdrawn(tmp_path, name, n_suspects):
    path = tmp_path / "verdict"
    path.write_text(written(name, *map(a_suspect, range(n_suspects))), encoding="utf-8")
    withdraw({name: path}, "the models learned nothing", find_format)
    if name == "junit":
        root = ElementTree.fromstring(path.read_text(encoding="utf-8"))
        assert (root.get("tests"), root.get("errors"), root.get("failures")) == ("1", "1", "0")
        assert root.find(".//error").get("message") == "the models learned nothing"
    else:
        assert not path.exists()


@pytest.mark.parametrize("name", ["text", *FORMATS.built_in, "of another package"])
def test_any_other_file_stays_as_it_is(tmp_path, name):
    others = (b"example_id,label\n1,cat\n", b"", b"<testsuites></testsuites>", b"\xff\xd8", b"FAILED: to call Ann\n")
    mentions = (
        b"12 labels are suspects in my opinion",
        b'{"min_error_probability": 0.5, "passed": true}',
        b'{"runs": [{"tool": {"driver": {"name": "labelscan"}}}, {"tool": {"driver": {"name": "another"}}}]}',
        b"[1]",
        f"about\n{written('text', a_suspect())}".encode(),
    )
    for content in (*others, *mentions):
        (tmp_path / "file").write_bytes(content)
        withdraw({name: tmp_path / "file"}, "the models learned nothing", find_format)
        assert (tmp_path / "file").read_bytes() == content
    (tmp_path / "folder").mkdir()
    withdraw({name: tmp_path / "folder"}, "the models learned nothing", find_format)
    withdraw({name: tmp_path / "missing" / "file"}, "the models learned nothing", find_format)


def test_a_junit_file_is_made_where_none_was(tmp_path):
    withdraw({"junit": tmp_path / "new.xml", "sarif": tmp_path / "new.sarif"}, "it ended early", find_format)
    assert [path.name for path in tmp_path.iterdir()] == ["new.xml"]


def shouted(verdict, top):
    return "FINE!\n" if verdict.passed else "NO!\n"


def is_shouted(text):
    return {"FINE!\n": True, "NO!\n": True}[text]


@pytest.mark.parametrize(
    ("form", "left"),
    [
        (shouted, {"old": "NO!\n", "other": "no!\n"}),
        (RecognisedFormat(shouted, is_shouted), {"other": "no!\n"}),
        (RecognisedFormat(shouted, is_shouted, str.upper), {"old": "GONE", "other": "no!\n", "new": "GONE"}),
    ],
    ids=["a mere function", "recognised", "says what the problem is"],
)
def test_a_format_of_another_package_withdraws_what_it_recognises(tmp_path, form, left):
    (tmp_path / "old").write_text(form(a_verdict([a_suspect()]), 10))
    (tmp_path / "other").write_text("no!\n")
    for name in ("other", "old", "new"):
        withdraw({"shout": tmp_path / name}, "gone", {"shout": form}.__getitem__)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == left
