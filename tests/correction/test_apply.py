"""Corrected copies of every form of label list: run, apply, and run again on the copy."""

import csv
import errno
import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from data.readers.test_encoded_images import save, table
from data.readers.test_torchvision_set import lay_mnist
from PIL import Image
from refusals import refuses
from signed import forget_checksums

import labelscan
from labelscan.arrays import as_strings
from labelscan.correction.apply import OLD_MODELS
from labelscan.correction.decisions import Decision, write_decisions
from labelscan.data.dataset import make_dataset
from labelscan.data.inputs import ColumnTable, FeatureTable, Texts
from labelscan.errors import DatasetError, UsageError
from labelscan.results.run import FinishedRun

CLASSES = ("dark", "light")
N = 12


def relabel(example_id, label, given=None):
    return Decision(example_id=example_id, verdict="relabel", new_label=label, given_label=given)


def drop(example_id):
    return Decision(example_id=example_id, verdict="drop", time="2026-01-02T03:04:05Z")


def rows_of(path):
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t" if str(path).endswith("tsv") else ","))


def digests(folder):
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def detect(data, output, *, model="linear", **options):
    options["model.name"] = (model,)
    labelscan.detect(settings=labelscan.settings(data, epochs=1, folds=2, overrides=options), output=output)
    return output


def labels_in(run):
    scores = FinishedRun.read(Path(run)).issues.scores
    return dict(zip(scores["example_id"], scores["given_label"], strict=True))


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def photos(here):
    """Make 12 images of 8 x 8 pixels in class folders, the last of each in a folder of its own."""
    for number in range(N):
        name = CLASSES[number % 2]
        folder = here / "photos" / name / ("deep" if number >= N - 2 else "")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8), 20 * number + 5, np.uint8)).save(folder / f"{number % 10}.png")
    return here / "photos"


@pytest.fixture
def listed(photos, here):
    """List the photos in a frame."""
    paths = sorted(str(path.relative_to(here)) for path in photos.rglob("*.png"))
    return pd.DataFrame({"path": paths, "label": [path.split("/")[1] for path in paths]})


def write_sheet(frame, path):
    if path.suffix == ".jsonl":
        rows = frame.to_dict("records")
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    elif path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_a_manifest_comes_back_in_its_format_and_is_read_as_it_was(listed, here, suffix):
    write_sheet(listed.assign(note='é,"x"'), here / f"labels{suffix}")
    detect(f"labels{suffix}", here / "run")
    before = digests(here)
    changes = [relabel("photos/dark/2.png", "light", "dark"), drop("photos/light/3.png")]
    applied = labelscan.apply(here / "run", decisions=changes)
    assert applied.output == here / "run" / f"corrected{suffix}"
    assert applied.command == f"labelscan detect {here}/run/corrected{suffix}"
    assert {path: digest for path, digest in digests(here).items() if path in before} == before
    expected = labels_in(here / "run")
    del expected["photos/light/3.png"]
    expected["photos/dark/2.png"] = "light"
    assert labels_in(detect(applied.output, here / "again")) == expected
    assert labelscan.diff(here / "run", here / "again").counts["only_in_first"] == 1


def test_class_folders_become_a_manifest_of_the_images_where_they_are(photos, here):
    detect("photos", here / "run")
    before = digests(photos)
    applied = labelscan.apply("run", decisions=[relabel("dark/2.png", "light"), drop("dark/deep/0.png")])
    again = labels_in(detect(applied.output, here / "again"))
    assert len(again) == N - 1
    assert again["dark/2.png"] == "light"
    assert again["light/deep/1.png"] == "light"
    assert digests(photos) == before
    for row in rows_of(applied.output):
        assert (applied.output.parent / row["path"]).is_file()


def test_splits_that_were_not_read_stay_in_the_list(here):
    for number in range(16):
        folder = here / "photos" / ("train" if number < N else "test") / CLASSES[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8), 12 * number, np.uint8)).save(folder / f"{number}.png")
    detect("photos", here / "run", **{"dataset.split": "train"})
    applied = labelscan.apply("run", decisions=[relabel("train/dark/2.png", "light")])
    assert applied.command.endswith("corrected.csv --split train")
    rows = rows_of(applied.output)
    assert len(rows) == 16
    assert {row["split"] for row in rows} == {"train", "test"}
    detect(applied.output, here / "again", **{"dataset.split": "train"})
    assert len(labels_in("again")) == N


@pytest.mark.parametrize("copy", [False, True])
def test_links_make_class_folders_without_moving_an_image(photos, here, copy):
    (photos / "light" / "2.png").write_bytes((photos / "light" / "1.png").read_bytes())  # the name is taken
    detect("photos", here / "run")
    before = digests(photos)
    changes = [relabel("dark/2.png", "light"), drop("dark/4.png"), relabel("light/deep/1.png", "dark")]
    applied = labelscan.apply("run", decisions=changes, link_to="fixed", copy=copy)
    assert applied.output == Path("fixed")
    names = sorted(str(path.relative_to("fixed")) for path in Path("fixed").rglob("*.png"))
    assert "light/2-2.png" in names
    assert "dark/deep/1.png" in names
    assert len(names) == N
    link = here / "fixed" / "light" / "2-2.png"
    assert link.is_symlink() is not copy
    assert link.read_bytes() == (photos / "dark" / "2.png").read_bytes()
    assert copy or not link.readlink().is_absolute()
    assert digests(photos) == before
    again = labels_in(detect("fixed", here / "again"))
    assert again["light/2-2.png"] == "light"
    assert (here / "fixed.changes.csv").is_file()
    assert not list(here.glob(".*partial"))


def test_links_are_never_made_in_the_data_or_over_something(photos, here, monkeypatch):
    detect("photos", here / "run")
    (here / "full").mkdir()
    (here / "full" / "note.txt").write_text("mine")
    (here / "empty").mkdir()
    (here / "link").symlink_to("empty")
    monkeypatch.setenv("HOME", str(here))
    refused = {"photos/fixed": "in-the-data"} | dict.fromkeys(("photos", "full", "link"), "folder-in-use")
    before = digests(here)
    for folder, code in refused.items():
        for data in ("", "~/photos"):
            with refuses(UsageError, code):
                labelscan.apply("run", decisions=[drop("dark/4.png")], link_to=folder, data=data)
    assert digests(here) == before


def test_links_replace_links_where_it_is_asked_for_and_nothing_else(photos, here):
    run = detect("photos", here / "run")
    link_to, decided = here / "clean", [relabel("dark/0.png", "light")]
    (link_to / "dark").mkdir(parents=True)
    (link_to / "dark" / "mine.png").symlink_to(photos / "dark" / "0.png")
    with refuses(UsageError, "folder-in-use"):
        labelscan.apply(run, decisions=[], link_to=link_to, overwrite=True)  # somebody's own links
    link_to = here / "corrected"
    labelscan.apply(run, decisions=[], link_to=link_to)
    with refuses(UsageError, "folder-in-use"):
        labelscan.apply(run, decisions=decided, link_to=link_to)
    labelscan.apply(run, decisions=decided, link_to=link_to, overwrite=True)
    assert not (link_to / "dark" / "0.png").is_symlink()
    before = digests(photos)
    (link_to / "dark" / "notes.txt").write_text("mine")
    with refuses(UsageError, "folder-in-use"):
        labelscan.apply(run, decisions=[], link_to=link_to, overwrite=True)
    assert (link_to / "dark" / "notes.txt").read_text() == "mine"
    assert digests(photos) == before


def test_links_say_what_class_folders_cannot_hold(listed, photos, here):
    write_sheet(listed.assign(id=[f"e{row}" for row in range(N)], patient=np.arange(N) // 2), here / "labels.csv")
    detect("labels.csv", here / "run")
    (note,) = labelscan.apply("run", decisions=[drop("e1")], link_to="fixed").notes
    assert "(ids, groups)" in note
    assert "several folds" in note
    detect("photos", here / "of-folders")
    assert not labelscan.apply("of-folders", decisions=[drop("dark/4.png")], link_to="all").notes


def test_links_for_probabilities_are_read_by_detect_and_missing_images_are_reported(listed, here):
    dark = np.where(listed["label"] == "dark", 0.9, 0.1)
    write_sheet(listed.assign(**{"prob:dark": dark, "prob:light": 1 - dark}), here / "probs.csv")
    labelscan.score(here / "probs.csv", output="run")
    (here / listed["path"][0]).unlink()
    applied = labelscan.apply("run", decisions=[drop(listed["path"][1])], link_to="fixed")
    assert applied.command == "labelscan detect fixed"
    assert "links lead nowhere: 1" in applied.notes[0]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_keeps_its_row_numbers_as_ids_when_rows_go(here, suffix):
    sizes = np.random.default_rng(0).normal(size=(2, N)).round(3)
    write_sheet(pd.DataFrame({"size": sizes[0], "label": CLASSES * (N // 2), "width": sizes[1]}), here / f"t{suffix}")
    detect(f"t{suffix}", here / "run")
    applied = labelscan.apply("run", decisions=[drop("3"), relabel("4", "light")])
    again = labels_in(detect(applied.output, here / "again"))
    assert again == {str(row): CLASSES[row % 2 or row == 4] for row in range(N) if row != 3}
    if suffix == ".csv":
        new_class = [relabel("4", "dim, rather")]
        unpruned = labelscan.apply("run", decisions=new_class, allow_new_classes=True, overwrite=True)
        lines = (here / "t.csv").read_text().splitlines()
        lines[5] = lines[5].replace("dark", '"dim, rather"')
        assert unpruned.output.read_text().splitlines() == lines


def test_a_set_of_torchvision_becomes_arrays_which_have_no_splits(here):
    lay_mnist(here, n_train=20)
    detect("torchvision:MNIST", here / "run", **{"dataset.root": ".", "dataset.split": "train"})
    applied = labelscan.apply("run", decisions=[drop("3")])
    assert applied.command == "labelscan detect run/corrected.npz"
    assert len(labels_in(detect(applied.output, here / "again"))) == 19


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".npz"])
def test_probabilities_come_back_with_their_labels_corrected(here, suffix):
    probs = np.tile([[0.9, 0.1], [0.1, 0.9]], (10, 1))
    labels = np.arange(20) % 2
    labels[[2, 5]] = 1 - labels[[2, 5]]
    path = here / f"probs{suffix}"
    if suffix == ".npz":
        np.savez(path, pred_probs=probs, given_labels=labels, class_names=np.array(CLASSES))
    else:
        columns = {"prob:dark": probs[:, 0], "prob:light": probs[:, 1]}
        write_sheet(pd.DataFrame({"label": [CLASSES[one] for one in labels], **columns}), path)
    run = labelscan.score(path, output=here / "run")
    assert set(run.issues.flagged["example_id"]) == {"2", "5"}
    applied = labelscan.apply(run, relabel=True, min_error_probability=0, decisions=[drop("5")])
    assert applied.command.startswith("labelscan score ")
    again = labelscan.score(applied.output, output=here / "again")
    assert labels_in("again") == {str(row): CLASSES[row % 2] for row in range(20) if row != 5}
    assert len(again.issues.flagged) == 0


@pytest.fixture
def scored(here):
    """Make a run on twenty rows with the ids of an id column; rows 2 and 5 are flagged."""
    rows = ["id,label,prob:cat,prob:dog"]
    for row in range(20):
        given = ("cat", "dog")[row % 2 ^ (row in (2, 5))]
        rows.append(f"{row},{given},{'0.1,0.9' if row % 2 else '0.9,0.1'}")
    (here / "probs.csv").write_text("\n".join(rows) + "\n")
    labelscan.score(here / "probs.csv", output=here / "run")
    return here / "run"


def test_decisions_in_the_run_are_taken_and_win_over_flags(scored, here):
    with refuses(UsageError, "nothing-to-change"):
        labelscan.apply(scored)
    decisions = [Decision(example_id="2", verdict="keep"), Decision(example_id="5", verdict="unsure"), drop("7")]
    write_decisions(decisions, scored / "decisions.csv")
    alone = labelscan.apply(scored)
    assert alone.notes == (OLD_MODELS,)
    with_flags = labelscan.apply(scored, drop=True)
    assert "decisions.csv was used" in with_flags.notes[0]
    named = labelscan.apply(scored, decisions=scored / "decisions.csv", drop=True)
    assert named.notes == (OLD_MODELS,)
    again = labelscan.apply(scored)  # the same once more takes nothing away
    assert [list(one.corrections.changes) for one in (alone, with_flags, named, again)] == [["7"]] * 4
    others = labelscan.apply(scored, decisions=[drop("7")], drop=True, overwrite=True)
    assert sorted(others.corrections.changes) == ["2", "5", "7"]
    assert "decisions.csv was left out" in others.notes[0]
    assert with_flags.to_json()["decisions"] == {"keep": 1, "relabel": 0, "drop": 1, "unsure": 1}


def test_the_log_tells_every_change(scored):
    applied = labelscan.apply(scored, decisions=[drop("7")], relabel=True, min_error_probability=0)
    rows = {row["example_id"]: row for row in rows_of(applied.log)}
    assert applied.log.name == "corrected.csv.changes.csv"
    ranks = FinishedRun.read(scored).issues.scores["example_id"].tolist()
    assert list(rows) == sorted(rows, key=ranks.index)
    assert len(rows) == 3
    assert rows["7"] == {
        "example_id": "7",
        "action": "drop",
        "old_label": "dog",
        "new_label": "",
        "error_probability": rows["7"]["error_probability"],
        "reason": "decision",
        "time": "2026-01-02T03:04:05Z",
    }
    assert (rows["2"]["old_label"], rows["2"]["new_label"], rows["2"]["reason"]) == ("dog", "cat", "flag")
    assert rows["2"]["time"]


def test_flags_below_the_probability_are_left_alone_and_one_that_none_reaches_is_reported(scored):
    table = FinishedRun.read(scored).issues.scores.set_index("example_id")["error_probability"]
    least = float(table["2"]) + 1e-3
    assert not labelscan.apply(scored, drop=True, min_error_probability=least).corrections.changes
    applied = labelscan.apply(scored, relabel=True, min_error_probability=0.9999)
    assert applied.notes[0].startswith("no label can reach 0.9999 in this run: the highest is 0.")
    assert applied.notes[0].endswith("; all flags are left alone")
    assert applied.to_json()["notes"] == list(applied.notes)
    assert not applied.corrections.changes
    by_some = labelscan.apply(scored, relabel=True, min_error_probability=0.1, output=scored / "some.csv")
    assert by_some.notes == (OLD_MODELS,)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"output": "probs.csv", "overwrite": True}, "protected-file"),
        ({"output": "mine.csv"}, "file-exists"),
        ({"output": "new.tsv"}, "wrong-suffix"),
        ({"output": "x.csv.changes.csv"}, "file-exists"),  # the log of another copy
        ({"output": "logged.csv"}, "file-exists"),  # its log would replace another file
        ({"output": "w.csv", "overwrite": True}, "file-exists"),  # a folder is in the place of the log
        ({"output": "x.csv", "drop": False, "relabel": True, "min_error_probability": 0.1}, "file-exists"),
        ({}, "file-exists"),
        ({"decisions": "d.changes.csv", "output": "d", "overwrite": True}, "protected-file"),
        ({"output": "run/decisions.csv", "overwrite": True}, "protected-file"),
    ],
)
def test_the_data_decisions_and_files_of_others_are_never_written_over(scored, here, options, code):
    labelscan.apply(scored, drop=True, output="x.csv")
    for name in ("mine.csv", "logged.csv.changes.csv", "run/corrected.csv"):
        (here / name).write_text("mine")
    (here / "w.csv.changes.csv").mkdir()
    for name in ("d.changes.csv", "run/decisions.csv"):
        write_decisions([drop("2")], here / name)
    before = digests(here)
    with refuses(UsageError, code):
        labelscan.apply(scored, **{"drop": True, **options})
    assert digests(here) == before


def test_files_are_written_over_where_it_is_asked_for_or_they_are_the_same(scored, here):
    (here / "mine.csv").write_text("mine")
    (here / "mine.csv.changes.csv").write_text("mine")
    labelscan.apply(scored, drop=True, output="mine.csv", overwrite=True)
    before = digests(here)
    labelscan.apply(scored, drop=True, output="mine.csv")
    assert digests(here) == before


def test_a_copy_without_its_log_is_never_left_behind(scored, here, monkeypatch):
    def refused(*_):
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("labelscan.correction.corrections.Corrections.write_log", refused)
    with pytest.raises(OSError, match="denied"):
        labelscan.apply(scored, drop=True, output=here / "w.csv")
    assert not list(here.glob("*w.csv*"))
    with refuses(UsageError, "protected-file"):  # the run folder may only be read
        labelscan.apply(scored, drop=True)


def test_no_file_is_written_among_class_folders(photos, here):
    detect("photos", here / "run")
    with refuses(UsageError, "protected-file"):
        labelscan.apply("run", decisions=[drop("dark/4.png")], output="photos/dark/labels.csv")
    (here / "run").rename(photos / ".run")
    assert labelscan.apply(photos / ".run", decisions=[drop("dark/4.png")]).output == photos / ".run" / "corrected.csv"


def test_data_that_has_changed_is_refused(scored, here):
    path = here / "probs.csv"
    path.write_text(path.read_text().replace("0,cat", "0,dog", 1))
    with refuses(DatasetError, "other-data"):
        labelscan.apply(scored, drop=True)


def test_flags_of_models_that_learned_nothing_are_not_followed(scored):
    path = scored / "summary.json"
    path.write_text(path.read_text().replace('"learned_nothing": false', '"learned_nothing": true'))
    forget_checksums(scored)
    with refuses(UsageError, "learned-nothing"):
        labelscan.apply(scored, drop=True)
    assert labelscan.apply(scored, decisions=[drop("7")]).corrections.count("drop") == 1


def test_rows_of_other_splits_keep_their_labels_and_columns_keep_their_meaning(photos, here):
    ids = sorted(str(path.relative_to(photos)) for path in photos.rglob("*.png"))
    lines = [f"{one},{one.split('/')[0]},train" for one in ids] + ["dark/2.png,dark,test", "dark/4.png,dark,test"]
    (photos / "labels.csv").write_text("\n".join(["where,what,split", *lines]) + "\n")
    named = {"dataset.path_column": "where", "dataset.label_column": "what", "dataset.split": "train"}
    detect("photos/labels.csv", here / "run", **named)
    applied = labelscan.apply("run", decisions=[relabel("dark/2.png", "light"), drop("dark/4.png")])
    assert applied.command.endswith("corrected.csv --split train --path-column where --label-column what")
    rows = rows_of(applied.output)
    assert [(row["what"], row["split"]) for row in rows if row["example_id"] == "dark/2.png"] == [
        ("light", "train"),
        ("dark", "test"),
    ]
    assert [row["split"] for row in rows if row["example_id"] == "dark/4.png"] == ["test"]
    assert len(rows) == N + 1
    again = labels_in(detect(applied.output, here / "again", **named))
    assert again["dark/2.png"] == "light"
    beside = labelscan.apply("run", decisions=[relabel("dark/2.png", "light")], output=photos / "fixed.csv")
    before, after = ((photos / name).read_text().splitlines() for name in ("labels.csv", "fixed.csv"))
    assert [line for line in after if line not in before] == ["dark/2.png,light,train"]
    assert beside.log == photos / "fixed.csv.changes.csv"


@pytest.mark.parametrize(("suffix", "last"), [(".jsonl", '{"split": "test", "example_id": ""}'), (".csv", ",,test,")])
def test_rows_of_other_splits_may_be_without_a_path_or_label(listed, here, suffix, last):
    write_sheet(listed.assign(split="train"), here / f"labels{suffix}")
    with (here / f"labels{suffix}").open("a") as file:
        file.write({".jsonl": '{"split": "test"}\n', ".csv": ",,test\n"}[suffix])
    detect(f"labels{suffix}", here / "run", **{"dataset.split": "train"})
    applied = labelscan.apply("run", decisions=[relabel("photos/dark/2.png", "light")])
    assert applied.output.read_text().splitlines()[-1] == last


def test_paths_that_are_ids_too_are_not_rewritten(listed, here):
    write_sheet(listed, here / "labels.csv")
    detect("labels.csv", here / "run", **{"dataset.id_column": "path"})
    with refuses(UsageError, "ids-are-paths"):
        labelscan.apply("run", decisions=[drop("photos/dark/4.png")])
    applied = labelscan.apply("run", decisions=[drop("photos/dark/4.png")], output="labels-corrected.csv")
    assert applied.command == "labelscan detect labels-corrected.csv --id-column path"


def test_data_that_was_moved_is_found_where_it_is_said_to_be(photos, here):
    (photos / "dark" / "broken.png").write_bytes(b"no image")
    detect("photos", here / "run")
    photos.rename(here / "moved")
    with refuses(DatasetError, "no-file"):
        labelscan.apply("run", decisions=[drop("dark/4.png")])
    applied = labelscan.apply("run", decisions=[drop("dark/4.png")], data=here / "moved")
    assert all((applied.output.parent / row["path"]).is_file() for row in rows_of(applied.output))
    assert "dark/broken.png" in [row["example_id"] for row in rows_of(applied.output)]  # it stays in the list


def test_parquet_keeps_its_index(here):
    labels = pd.Categorical([str(row % 2) for row in range(N)])
    index = pd.Index([f"r{row}" for row in range(N)], name="example_id")
    table = pd.DataFrame({"size": np.arange(N) * 0.5, "label": labels}, index=index)
    table.to_parquet(here / "t.parquet")
    detect("t.parquet", here / "run")
    applied = labelscan.apply("run", decisions=[relabel("r2", "1"), drop("r3")])
    made = pd.read_parquet(applied.output)
    expected = table.drop(index="r3")
    expected.loc["r2", "label"] = "1"
    pd.testing.assert_frame_equal(made, expected)


def test_merged_labels_stay_as_they_were_written_unless_they_change(here):
    spellings = ["cat", "dog", "Cat", "dog", "cat", "Dog"]
    rows = "".join(f"{row % 4},{spellings[row % 6]}\n" for row in range(N))
    (here / "table.csv").write_text(f"x,label\n{rows}", encoding="utf-8")
    settings = labelscan.settings("table.csv", epochs=1, folds=2, merge_labels="case", include=["x", "l*"])
    labelscan.detect(settings=settings, output="run")
    write_decisions([relabel("5", "cat", "dog"), drop("1")], here / "decisions.csv")
    applied = labelscan.apply("run", decisions="decisions.csv", output="corrected.csv")
    old = [spellings[row % 6] for row in range(N)]
    assert [row["label"] for row in rows_of("corrected.csv")] == ["cat", *old[2:5], "cat", *old[6:]]
    assert applied.command.endswith("corrected.csv --include x --include 'l*' --merge-labels case")


def test_a_saved_data_set_becomes_one_parquet_file_with_its_classes_as_numbers(photos, here):
    images = [{"bytes": path.read_bytes(), "path": path.name} for path in sorted(photos.rglob("*.png"))]
    features = {"label": {"_type": "ClassLabel", "names": ["dark", "light"]}}
    for split in ("train", "test"):
        part = table(features, image=images, label=[0, 1] * (N // 2))
        save(here / "pets" / split, part)
    (here / "pets" / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    detect("pets", here / "run")
    applied = labelscan.apply("run", decisions=[relabel("2", "light"), drop(str(N))])
    made = pq.read_table(applied.output)
    assert applied.output.suffix == ".parquet"
    assert made.column("label").to_pylist() == [0, 1, 1, *([0, 1] * N)[3 : 2 * N]][:N] + ([0, 1] * N)[1:N]
    assert made.column("split").to_pylist() == ["train"] * N + ["test"] * (N - 1)
    assert made.column("image").to_pylist() == images + images[1:]
    detect(applied.output, here / "again", **{"dataset.id_column": "example_id"})
    before = labels_in("run") | {"2": "light"}
    assert labels_in("again") == {one: label for one, label in before.items() if one != str(N)}


@pytest.mark.parametrize(("suffix", "encoding"), [(".csv", "cp1252"), (".csv", "utf-16"), (".jsonl", "cp1252")])
def test_a_copy_of_another_encoding_is_utf_8_and_says_so(here, suffix, encoding):
    words = ("größer und schöner", "kleiner und feiner")
    rows = [{"text": f"{words[row % 2]} als {row}", "label": CLASSES[row % 2]} for row in range(N)]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    if suffix == ".csv":
        lines = ["text,label", *(",".join(row.values()) for row in rows)]
    (here / f"t{suffix}").write_text("\n".join(lines) + "\n", encoding=encoding)
    detect(f"t{suffix}", here / "run", model="tfidf", **{"dataset.encoding": "" if encoding == "utf-16" else encoding})
    applied = labelscan.apply("run", decisions=[relabel("0", "light")])
    assert applied.notes == (f"the copy is written as UTF-8, and not as {encoding}",)
    assert applied.command == f"labelscan detect {applied.output}"
    place = 0 if suffix == ".jsonl" else 1
    lines[place] = lines[place].replace("dark", "light")
    assert applied.output.read_text(encoding="utf-8").splitlines() == lines


def test_features_beside_a_list_stay_and_dropped_rows_are_said(listed, here):
    write_sheet(listed, here / "labels.csv")
    np.save(here / "f.npy", np.arange(2.0 * N).reshape(-1, 2))
    detect("labels.csv", here / "run", **{"dataset.features": "f.npy"})
    first = listed["path"][0]
    applied = labelscan.apply("run", decisions=[relabel(first, "light")], output="new/labels.csv")
    assert applied.command.endswith(f"labels.csv --features {here / 'f.npy'}")
    assert rows_of(applied.output)[0] == {"path": f"../{first}", "label": "light", "example_id": first}
    dropped = labelscan.apply("run", decisions=[drop(first)])
    assert dropped.notes == (f"{here / 'f.npy'} still has the rows that were dropped: take them out of it too",)


@pytest.fixture
def letters(here):
    """Make 12 texts in class folders."""
    for number in range(N):
        name = CLASSES[number % 2]
        (here / "letters" / name).mkdir(parents=True, exist_ok=True)
        text = f"a {'gloomy night' if name == 'dark' else 'bright noon'}, number {number}"
        (here / "letters" / name / f"{number}.txt").write_text(text, encoding="utf-8")
    return here / "letters"


def test_folders_of_texts_become_a_list_of_their_files(letters, here):
    detect("letters", here / "run", model="tfidf")
    applied = labelscan.apply("run", decisions=[relabel("dark/0.txt", "light"), drop("dark/2.txt")])
    rows = rows_of(applied.output)
    assert rows[0] == {"example_id": "dark/0.txt", "path": "../letters/dark/0.txt", "label": "light"}
    assert applied.labels == {row["example_id"]: row["label"] for row in rows}
    assert len(rows) == N - 1
    assert applied.command == f"labelscan detect {applied.output}"
    detect(applied.output, here / "again", model="tfidf")
    assert labels_in("again") == applied.labels
    assert FinishedRun.read(here / "again").record.data.kind == "texts"


def test_texts_may_become_class_folders_of_links(letters, here):
    (letters / "dark" / "0.txt").write_text("größer als die Nacht", encoding="cp1252")
    detect("letters", here / "run", model="tfidf", **{"dataset.encoding": "cp1252"})
    before = digests(letters)
    applied = labelscan.apply("run", decisions=[relabel("dark/0.txt", "light")], link_to="new")
    assert sorted(path.name for path in (here / "new" / "light").iterdir()) == sorted(
        ["0.txt", *(f"{number}.txt" for number in range(1, N, 2))]
    )
    assert applied.command == "labelscan detect new --encoding cp1252"
    detect("new", here / "again", model="tfidf", **{"dataset.encoding": "cp1252"})
    assert labels_in("again")["light/0.txt"] == "light"
    assert digests(letters) == before


def in_memory(inputs, here, **columns):
    """Return a run on N rows that are in no file."""
    dataset = make_dataset(
        name="memory",
        inputs=inputs,
        labels=[CLASSES[number % 2] for number in range(N)],
        example_ids=[f"row {number:02}" for number in range(N)],
        where=str,
        ids_depend_on_order=True,
        **columns,
    )
    overrides = {"executor.processes": 1, "dataset.label_column": "kind"}
    settings = labelscan.settings(epochs=1, folds=2, overrides=overrides)
    return labelscan.detect(dataset, settings=settings, output=here / "run")


IN_MEMORY = [relabel("row 00", "light"), drop("row 02")]


def test_a_frame_in_memory_becomes_a_file_of_its_rows(here):
    frame = pd.DataFrame(
        {
            "size": [np.nan, 1 / 3, *map(float, range(N - 2))],
            "since": pd.date_range("2020-01-01", periods=N),
            "city": pd.Series([None, 'a "b",\r'] * (N // 2), dtype=object),
            "member": [True, False] * (N // 2),
        }
    )
    run = in_memory(ColumnTable(frame), here, groups=[f"g{number}" for number in range(N)])
    applied = labelscan.apply(run, decisions=IN_MEMORY)
    rows = rows_of(applied.output)
    assert rows[0] == {
        "example_id": "row 00",
        **{"size": "", "since": "2020-01-01", "city": "", "member": "True"},
        **{"kind": "light", "group": "g0"},
    }
    assert (rows[1]["size"], rows[1]["city"], len(rows)) == (str(1 / 3), 'a "b",\r', N - 1)
    joined = frame.set_index(run.dataset.example_ids).assign(kind=pd.Series(applied.labels))["kind"]
    assert joined.isna().tolist() == [row == 2 for row in range(N)]
    scored = labelscan.score([[0.9, 0.1], [0.1, 0.9]] * 5, [0, 1] * 5, output=here / "scored")
    for lost in (run.folder, scored):
        with refuses(DatasetError, "unknown-source"):
            labelscan.apply(lost, decisions=IN_MEMORY)


TEXTS = [f"a {'gloomy night' if number % 2 else 'bright noon'},\nnumber {number}" for number in range(N)]
FEATURES = np.random.default_rng(0).normal(size=(N, 2)).astype(np.float32)


@pytest.mark.parametrize(
    ("inputs", "first", "model"),
    [
        (Texts(as_strings(TEXTS)), {"text": TEXTS[0]}, "tfidf"),
        (FeatureTable(FEATURES, ("x", "y")), {"x": str(FEATURES[0, 0]), "y": str(FEATURES[0, 1])}, "linear"),
        (FeatureTable(FEATURES), None, "linear"),
    ],
    ids=["texts", "named features", "features"],
)
def test_texts_and_features_in_memory_become_a_file_of_them(here, inputs, first, model):
    run = in_memory(inputs, here, true_labels=["dark"] * N)
    applied = labelscan.apply(run, decisions=IN_MEMORY)
    if first is None:
        with np.load(applied.output) as made:
            assert made["features"].tolist() == FEATURES[[0, 1, *range(3, N)]].tolist()
    else:
        labels = {"kind": "light", "true_label": "dark"}
        assert rows_of(applied.output)[0] == {"example_id": "row 00", **first, **labels}
    options = {} if first is None else {"dataset.label_column": "kind"}
    assert applied.command == f"labelscan detect {applied.output}{' --label-column kind' if options else ''}"
    detect(applied.output, here / "again", model=model, **options)
    assert labels_in("again") == applied.labels


@pytest.mark.parametrize("name", ["kind", "example_id"])
def test_a_column_of_features_is_never_written_over(here, name):
    run = in_memory(ColumnTable(pd.DataFrame({name: ["a", "b"] * (N // 2)}, dtype=object)), here)
    with refuses(DatasetError, "column-taken"):
        labelscan.apply(run, decisions=IN_MEMORY)


@pytest.mark.parametrize("suffix", [".tsv", ".jsonl"])
def test_texts_in_a_sheet_keep_all_else_whatever_their_columns_are_called(here, suffix):
    rows = [
        {
            "headline": f"number {row}",
            "body": f"a {'night' if row % 2 else 'noon'} of {row}\nwords",
            "mood": CLASSES[row % 2],
        }
        for row in range(N)
    ]
    path = here / f"news{suffix}"
    write_sheet(pd.DataFrame(rows), path)
    options = {"dataset.label_column": "mood", "dataset.merge_labels": "case"}
    detect(path.name, here / "run", model="tfidf", **options, **{"dataset.text_column": ["headline", "body"]})
    applied = labelscan.apply("run", decisions=[relabel("0", "light")])
    assert applied.command == (
        f"labelscan detect {applied.output} --label-column mood --text-column headline --text-column body "
        "--merge-labels case"
    )
    detect(applied.output, here / "again", model="tfidf", **options, **{"dataset.text_column": ["headline", "body"]})
    assert labels_in("again") == labels_in("run") | {"0": "light"}
    assert applied.output.read_text() == path.read_text().replace("dark", "light", 1)
