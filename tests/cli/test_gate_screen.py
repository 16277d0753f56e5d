from tiny_verdict import a_suspect, a_verdict, nasty_suspects

from labelscan.cli.gate_screen import as_text


def test_it_is_as_reviewed(golden):
    suspects = (a_suspect(1, given_label="\u732b"), a_suspect(2), a_suspect(13, is_new=False))
    golden("gate-file.txt", as_text(a_verdict(suspects, baseline="known.csv"), top=2))


def test_a_verdict_that_passes_is_short():
    text = as_text(a_verdict((a_suspect(),), limit=1), top=0)
    assert text.startswith("PASSED: all limits are met\n")
    assert text.endswith("\nreview  labelscan report 'runs/my pets'\n")
    assert "suggested" not in text


def test_nothing_is_cut_off_and_any_label_stays_on_its_line():
    text = as_text(a_verdict((a_suspect(given_label="x" * 300),)), top=10)
    assert "x" * 300 in text
    nasty = as_text(a_verdict(nasty_suspects()), top=10)
    assert len(nasty.splitlines()) == len(as_text(a_verdict(tuple(map(a_suspect, range(4)))), top=10).splitlines())
    assert not set("\x00\x1b\u202e") & set(nasty)
