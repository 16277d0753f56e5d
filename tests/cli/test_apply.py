import json


def decide(folder, *rows):
    (folder / "mine.csv").write_text("\n".join(["example_id,decision,new_label", *rows]) + "\n")


def test_the_screen_is_as_reviewed(command, run, tmp_path, golden):
    decide(tmp_path, "7,drop,", "9,relabel,[red]cat[/red]", "25,keep,", "30,unsure,")
    ended = command("apply", "run", "--decisions", "mine.csv", "--relabel", "--min-error-probability", "0")
    assert ended.code == 0, ended.err
    assert "models that learned the wrong labels: compute them again" in ended.err
    assert "\x1b" not in ended.out
    golden("apply.txt", ended.out)


def test_json_is_as_reviewed(command, run, tmp_path, golden):
    decide(tmp_path, "7,drop,", "9,relabel,[red]cat[/red]")
    golden("apply.json", command("apply", "run", "--decisions", "mine.csv", "--json").out)


def test_quiet_writes_only_where_the_copy_is(command, run):
    assert command("apply", "run", "--drop", "-q").out == "run/corrected.npz\n"
    assert command("apply", "run", "--drop", "-q", "-o", "mine.npz").out == "mine.npz\n"


def test_the_command_that_it_names_reads_the_copy(command, run, tmp_path):
    written = json.loads(command("apply", "run", "--drop", "--json").out)
    assert written["n_dropped"] == 2
    ended = command(*written["command"].split()[1:], "-o", "again", "--json")
    assert json.loads(ended.out)["n_examples"] == 38
    assert json.loads(command("diff", "run", "again", "--json").out)["counts"]["only_in_first"] == 2


def test_reading_is_reported_unless_quiet(command, photos, monkeypatch):
    assert command("detect", "photos", "--folds", "2", "--epochs", "1", "-o", "run", "-q").code == 0
    (photos.parent / "made.csv").write_text("example_id,decision,new_label\ndark/3.png,relabel,light\n")
    monkeypatch.setattr("labelscan.cli.progress.LEAST_SECONDS", 0.0)
    ended = command("apply", "run", "--decisions", "made.csv")
    assert (ended.code, "reading: done" in ended.err) == (0, True)
    assert command("apply", "run", "--decisions", "made.csv", "-q").err == ""
    links = command("apply", "run", "--decisions", "made.csv", "--link-to", "fixed")
    assert "ids are paths in the folder, and new for 1 of 12 images" in " ".join(links.err.split())
