from tiny_verdict import a_suspect, a_verdict, nasty_suspects

from labelscan.gating.formats.markdown import as_markdown


def test_the_page_is_as_reviewed(golden):
    suspects = (a_suspect(1), a_suspect(2, is_new=False), a_suspect(3, is_new=False))
    golden("gate.md", as_markdown(a_verdict(suspects, baseline="known.csv"), top=2))


def test_any_label_stays_in_its_cell_and_is_no_markup():
    text = as_markdown(a_verdict(nasty_suspects()), top=10)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    suspects = rows[4:]
    assert len(suspects) == 2 + 4
    assert {line.replace("\\|", "").count("|") for line in suspects} == {5}
    assert "`<script>alert(1)</script>`" in text, "as code, in which it is text"
    assert not set("\x00\x1b\u202e") & set(text)


def test_a_verdict_that_passes_is_short():
    text = as_markdown(a_verdict((a_suspect(),), limit=1), top=0)
    assert "suggested" not in text
    assert "accept" not in text
    assert "- review: `labelscan report 'runs/my pets'`" in text


def test_a_verdict_that_passes_without_suspects_lists_none():
    text = as_markdown(a_verdict(), top=10)
    assert text.startswith("## labelscan gate: passed\n")
    assert "suggested" not in text
    assert "labelscan report" not in text
