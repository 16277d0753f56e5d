"""A manifest of images whose labels were folders."""

import csv

from correction.label_lists.test_link_folders import images
from labelscan.correction.corrections import Change, Corrections
from labelscan.correction.label_lists import listed_files

DROPPED = Change(
    example_id="b/2.png", action="drop", old_label="b", new_label="", error_probability=0.5, reason="flag", time=""
)


def test_paths_start_from_the_manifest_and_splits_and_groups_stay(tmp_path):
    labels_of = {"a/1,\r.png": "a", "b/2.png": "b", "b/3.png": "b"}
    dataset = images(tmp_path / "in", labels_of, splits=["train", "train", "test"], groups=["p", "q", "p"])
    (tmp_path / "run").mkdir()
    corrections = Corrections(n_examples=3, changes={"b/2.png": DROPPED}, verdicts={})
    listed_files.write(dataset, dataset.inputs, corrections, tmp_path / "run" / "corrected.csv")
    with (tmp_path / "run" / "corrected.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    assert [tuple(row.values()) for row in rows] == [
        ("a/1,\r.png", "../in/a/1,\r.png", "a", "train", "p"),
        ("b/3.png", "../in/b/3.png", "b", "test", "p"),
    ]
    assert list(rows[0]) == ["example_id", "path", "label", "split", "group"]
    assert all((tmp_path / "run" / row["path"]).is_file() for row in rows)
