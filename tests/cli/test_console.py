import io

from hypothesis import given
from hypothesis import strategies as st

from labelscan.cli.console import (
    ELLIPSIS,
    Console,
    cells,
    elide,
    fitting,
    is_live,
    message,
    table,
    text,
)
from labelscan.cli.problems import show_problems
from labelscan.errors import Problem
from labelscan.wording.tables import Column, Table
from labelscan.wording.words import printable

any_text = st.text(st.characters())


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_what_is_harmless_is_kept():
    assert printable("Käfer 鳥 [red] 👩‍🔬") == "Käfer 鳥 [red] 👩‍🔬"
    assert printable("a\x1b[31m\n\u202eb\udcff") == "a\\x1b[31m\\n\\u202eb\\udcff"


@given(any_text, st.integers(0, 30))
def test_elided_text_fits(value, width):
    assert cells(elide(value, width)) <= width or width == 0


def test_the_middle_of_a_path_is_left_out():
    assert elide("photos/cats/tabby/0001.jpg", 30) == "photos/cats/tabby/0001.jpg"
    assert elide("photos/cats/tabby/0001.jpg", 19) == f"photos{ELLIPSIS}bby/0001.jpg"
    assert elide("鳥" * 10, 9) == f"鳥{ELLIPSIS}鳥鳥鳥"


def test_a_table_keeps_to_its_widths_and_leaves_no_blanks_behind():
    stream = io.StringIO()
    rows = [{"name": "[bold]" + "x" * 30, "n": 1}, {"name": "鳥", "n": 20}]
    shown = Table.of([Column("", "name", "name"), Column("n", "n", "count")], rows)
    Console(file=stream, width=16, markup=False).show(table(shown, 16, title="T"))
    assert stream.getvalue().splitlines() == ["T              n", f"[bo{ELLIPSIS}xxxxxxxx   1", "鳥            20"]


def test_a_name_gets_shorter_before_a_column_goes_and_a_number_is_never_cut():
    columns = [Column("a", "a", "name"), Column("b", "b", "name", spare=1), Column("c", "c", "count", spare=2)]
    shown = Table.of(columns, [{"a": "a" * 30, "b": "b" * 30, "c": 1234}])
    assert [len(fitting(shown, width).columns) for width in (100, 33, 32, 26, 25, 3)] == [3, 3, 2, 2, 1, 1]


def test_a_message_wraps_at_words_on_a_terminal_and_stays_one_line_in_a_file():
    line = text(("warning: ", "yellow"), "the quick brown fox")
    terminal = Console(file=Terminal(), width=16, force_terminal=True)
    assert message(terminal, line).plain.splitlines() == ["warning: the", "  quick brown", "  fox"]
    assert message(Console(file=io.StringIO(), width=16), line).plain == line.plain


def test_bars_are_for_people():
    assert is_live(Terminal(), {})
    assert not is_live(Terminal(), {"CI": "true"})
    assert not is_live(Terminal(), {"TERM": "dumb"})
    assert not is_live(io.StringIO(), {})


def test_a_hint_that_several_problems_share_is_written_once(capsys):
    show_problems(
        [
            Problem("of-a-test", "one", "a", "fix"),
            Problem("of-a-test", "two", "b", "fix"),
            Problem("of-a-test", "three\nmore", "", ""),
        ]
    )
    assert capsys.readouterr().err.splitlines() == [
        "error: a: one",
        "error: b: two",
        "  hint: fix",
        "error: three",
        "  more",
    ]
