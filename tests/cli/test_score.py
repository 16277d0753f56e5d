import json

from labelscan.cli.console import cells


def test_markup_and_control_characters_in_labels_are_only_text(command, probs):
    ended = command("score", "probs.npz")
    assert ended.code == 0
    assert "[red]cat[/red]" in ended.out
    assert "dog\\x1b[2J" in ended.out
    assert "\x1b" not in ended.out + ended.err


def test_the_screen_is_as_reviewed(command, probs, golden):
    golden("score.txt", command("score", "probs.npz", "-o", "run").out)


def test_known_labels_measure_the_detectors(command, probs):
    ended = command("score", "probs.npz")
    assert "2 labels are known wrong" in ended.out
    content = json.loads(command("score", "probs.npz", "--json").out)
    assert content["against_truth"]["quality"]["noise-posterior"]["f1"] == 1.0


def test_the_leading_detector_can_be_chosen(command, probs, monkeypatch):
    assert "noise-posterior (leads)" in command("score", "probs.npz", "--detector", "noise-posterior").out
    monkeypatch.setenv("LABELSCAN_DETECTION_DETECTOR", "noise-posterior:kappa=3")
    assert "noise-posterior (leads)" in command("score", "probs.npz").out


def test_the_default_folder_is_named_after_the_file(command, probs):
    ended = command("score", "probs.npz", "-q")
    assert ended.err == ""
    folder, name, file = ended.out.strip().split("/")
    assert (folder, file) == ("labelscan-runs", "issues.csv")
    assert name.startswith("probs-")
    assert len(name) == len("probs-") + 8


def test_as_many_suspects_as_wanted_are_listed(command, probs):
    assert "suspects" not in command("score", "probs.npz", "--top", "0").out
    one = command("score", "probs.npz", "--top", "1").out.splitlines()
    two = command("score", "probs.npz", "--top", "2").out.splitlines()
    assert len(two) == len(one) + 1


def test_a_wide_terminal_shows_more_of_long_names(command, probs, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    ended = command("score", "probs.npz")
    assert max(map(cells, ended.out.splitlines())) <= 160
