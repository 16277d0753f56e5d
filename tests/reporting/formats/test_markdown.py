"""A run as Markdown: what GitHub shows is what the data says."""

import html
import re
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt
from tiny_page import a_page, an_estimate

from labelscan.reporting.formats.markdown import MOST_SUSPECTS, render_markdown
from labelscan.wording.words import as_code, in_markdown

NASTY = (
    "a|b",
    "`tick`",
    "``",
    "\\",
    "a\\|b",
    "<script>alert(1)</script>",
    "&lt;",
    "*bold* _it_",
    "[x](http://evil)",
    "two\nlines\r\n| --- |",
    "@somebody",
    "$x$",
    "#1",
    "~~no~~",
    " spaces ",
    "'",
    '"',
    "-",
    "\N{HEBREW LETTER ALEF}",
    "cat\x1b[2J\u202e",
)
PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def cells_of(markdown):
    """Return the text of every cell of the first table that a Markdown parser finds."""
    cells = re.findall(r"<td[^>]*>(.*?)</td>", PARSER.render(markdown), re.DOTALL)
    return [re.sub(r"</?code>", "", cell) for cell in cells]


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("shown", [as_code, in_markdown])
def test_text_from_outside_is_text_and_stays_in_its_cell(text, shown):
    lines = ["| a | b |", "| --- | --- |", f"| {shown(text)} | end |"]
    first, last = cells_of("\n".join(lines))
    assert html.unescape(first) == " ".join(text.split()).replace("\x1b", "\\x1b").replace("\u202e", "\\u202e")
    assert last == "end"


def test_the_report_is_as_reviewed(golden):
    golden("report.md", render_markdown(a_page()))


def test_every_table_keeps_its_shape_whatever_names_are():
    page = a_page()
    suspects = tuple(
        replace(page.suspects[0], rank=rank, example_id=f"{text}{rank}", given_label=text, suggested_label=text)
        for rank, text in enumerate(NASTY, start=1)
    )
    shown = PARSER.render(render_markdown(replace(page, suspects=suspects)))
    assert "<script" not in shown
    assert "href" not in shown
    (table,) = [one for one in re.findall(r"<table>.*?</table>", shown, re.DOTALL) if "P(wrong)" in one]
    rows = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
    assert len(rows) == 1 + len(NASTY)
    assert {row.count("</td>") for row in rows[1:]} == {6}


@pytest.mark.parametrize(("low", "says_so"), [(3.9, True), (4.0, False)])
def test_a_list_of_which_little_is_known_says_so(low, says_so):
    page = a_page(wrong_labels=an_estimate(low=low, high=None, share_high=None))
    assert (
        "\n- the labels are flagged to be looked at: most of them may be right\n" in render_markdown(page)
    ) == says_so


def test_more_than_can_be_read_are_counted():
    page = a_page()
    many = tuple(replace(page.suspects[0], rank=rank) for rank in range(1, MOST_SUSPECTS + 30))
    text = render_markdown(replace(page, suspects=many, n_flagged=1234))
    assert text.count("\n| 5") < MOST_SUSPECTS
    assert f"and {1234 - MOST_SUSPECTS:,} more in issues.csv" in text


def test_a_run_without_suspects_has_no_empty_tables():
    text = render_markdown(a_page(suspects=(), n_flagged=0, wrong_labels=an_estimate(precision=None)))
    assert "most likely wrong\n" not in text
    assert "of the listed" not in text
