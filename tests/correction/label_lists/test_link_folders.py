"""Class folders of links: what they are called, where they may lie, what they lead to."""

import dataclasses
from pathlib import Path

import pytest
from refusals import refuses

from labelscan.arrays import as_strings
from labelscan.correction.corrections import Change, Corrections
from labelscan.correction.label_lists import link_folders
from labelscan.data.dataset import make_dataset
from labelscan.data.inputs import Texts
from labelscan.errors import DatasetError, UsageError
from labelscan.images.sources import ImageFiles


def images(root, labels_of, **given):
    """Return a data set of files, by path, that hold their own path."""
    for path in labels_of:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)
    return listed(root, labels_of, **given)


def listed(root, labels_of, **given):
    return make_dataset(
        name="photos",
        inputs=ImageFiles(root, as_strings(list(labels_of))),
        labels=list(labels_of.values()),
        example_ids=list(labels_of),
        where=str,
        ids_depend_on_order=False,
        **given,
    )


def relabelled(dataset, **new):
    changes = {
        one: Change(one, "relabel", old_label="", new_label=label, error_probability=None, reason="decision", time="")
        for one, label in new.items()
    }
    return Corrections(n_examples=len(dataset), changes=changes, verdicts={})


def everything_in(folder):
    return {str(path.relative_to(folder)): path.is_dir() or path.read_bytes() for path in folder.rglob("*")}


def made(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.png")}


def test_no_two_images_get_the_same_name_and_those_that_stay_keep_theirs(tmp_path):
    dataset = images(
        tmp_path / "in", {"x/1.png": "b", "a/1.png": "a", "b/1.png": "b", "y/1.PNG": "b", "b/1-2.png": "b"}
    )
    link_folders.write(dataset, relabelled(dataset, **{"a/1.png": "b"}), tmp_path / "out", copy=False)
    there = made(tmp_path / "out") | {"b/1.PNG": (tmp_path / "in/y/1.PNG").read_text()}
    assert sorted(there.values()) == sorted(dataset.example_ids.tolist())
    assert there["b/1-2.png"] == "b/1-2.png"
    assert there["b/1.png"] == "b/1.png"


@pytest.mark.parametrize("place", ["in/out", "in/a/deep/out", "in/b/deep/out", "link/out"])
@pytest.mark.parametrize("class_folders", [True, False])
def test_a_folder_among_the_images_is_refused(tmp_path, place, class_folders):
    (tmp_path / "link").symlink_to(tmp_path / "in")
    dataset = images(tmp_path / "in", {"a/1.png": "a", "b/deep/2.png": "b"})
    with refuses(UsageError, "in-the-data"):
        link_folders.check_folder(tmp_path / place, dataset, tmp_path / "in" if class_folders else None)


def test_images_from_all_over_leave_room_for_a_folder(tmp_path):
    dataset = images(tmp_path / "lists" / "of", {"../../a/1.png": "a", "../../b/2.png": "b"})
    link_folders.check_folder(tmp_path / "out", dataset, None)
    with refuses(UsageError, "in-the-data"):
        link_folders.check_folder(tmp_path / "a" / "out", dataset, None)


def cannot_link(*_, **__):
    raise OSError("links are not permitted")


@pytest.mark.parametrize(("copy", "can_link"), [(False, True), (True, True), (False, False)])
@pytest.mark.parametrize("kind", ["images", "texts"])
def test_a_file_that_is_not_there_is_reported_and_not_copied(tmp_path, monkeypatch, copy, can_link, kind):
    suffix = {"images": "png", "texts": "txt"}[kind]
    dataset = images(tmp_path / "in", {f"a/1.{suffix}": "a", f"b/2.{suffix}": "b"})
    if kind == "texts":
        read = Texts(as_strings(["one", "two"]), tmp_path / "in", dataset.inputs.paths)
        dataset = dataclasses.replace(dataset, inputs=read)
    (tmp_path / f"in/a/1.{suffix}").unlink()
    if not can_link:
        monkeypatch.setattr(Path, "symlink_to", cannot_link)
    (*others, note), _ = link_folders.write(dataset, relabelled(dataset), tmp_path / "out", copy=copy)
    assert others == ([] if can_link else [f"links cannot be made there: {kind} were copied"])
    there = [str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*")]
    if copy or not can_link:
        assert note == f"missing {kind}, which were not copied: 1"
        assert there == [f"b/2.{suffix}"]
        assert not (tmp_path / "out/a").exists(), "a class without files"
    else:
        assert note == f"missing {kind}, whose links lead nowhere: 1"
        assert sorted(there) == [f"a/1.{suffix}", f"b/2.{suffix}"]


def test_classes_called_like_splits_are_refused_unless_others_lie_beside_them(tmp_path):
    dataset = images(tmp_path / "in", {"a/1.png": "Test", "b/2.png": "valid", "c/3.png": "valid"})
    with refuses(DatasetError, "link-not-made"):
        link_folders.write(dataset, relabelled(dataset), tmp_path / "out", copy=False)
    assert not (tmp_path / "out").exists()
    link_folders.write(dataset, relabelled(dataset, **{"c/3.png": "other"}), tmp_path / "out", copy=False)
    within = images(tmp_path / "in", {"a/1.png": "Test", "b/2.png": "valid"}, splits=["train", "val"])
    link_folders.write(within, relabelled(within), tmp_path / "split", copy=False)
    assert sorted(made(tmp_path / "split")) == ["train/Test/1.png", "val/valid/2.png"]


@pytest.mark.parametrize("copy", [False, True])
@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("cat/../../dog/1.png", "cat/1.png"),
        ("cat/../cat/deep/1.png", "cat/deep/1.png"),
        ("./cat/./deep//1.png", "cat/deep/1.png"),
        ("cat/../../../../1.png", "cat/1.png"),
        ("{root}/1.png", "cat/1.png"),  # absolute
    ],
)
def test_a_path_that_goes_up_again_or_is_absolute_stays_in_the_folder(tmp_path, path, place, copy):
    root = tmp_path / "a/b/in"
    (root / "cat").mkdir(parents=True)
    path = path.format(root=tmp_path)
    dataset = images(root, {path: "cat", "dog/2.png": "dog"})
    before = everything_in(tmp_path)
    link_folders.write(dataset, relabelled(dataset), tmp_path / "a/b/out", copy=copy)
    assert made(tmp_path / "a/b/out") == {place: path, "dog/2.png": "dog/2.png"}
    after = everything_in(tmp_path)
    assert {name: after[name] for name in after if not name.startswith("a/b/out")} == before


@pytest.mark.parametrize("label", ["..", ".", "a/b", "../a", "/a", "a\\..\\b", " a"])
def test_a_class_that_is_no_name_of_a_folder_is_refused(tmp_path, label):
    dataset = images(tmp_path / "in", {"x/1.png": "cat", "x/2.png": "dog"})
    with refuses(DatasetError, "no-folder-name"):
        link_folders.write(dataset, relabelled(dataset, **{"x/1.png": label}), tmp_path / "out", copy=True)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_way_out_in_the_spelling_of_another_system_is_refused_with_its_example(tmp_path):
    dataset = images(tmp_path / "in", {"cat/a\\..\\..\\..\\dog.png": "cat", "dog/2.png": "dog", "dog/a\\b.png": "dog"})
    with pytest.raises(DatasetError) as caught:
        link_folders.write(dataset, relabelled(dataset), tmp_path / "out", copy=False)
    (problem,) = caught.value.problems
    assert problem.where == "cat/a\\..\\..\\..\\dog.png"
    assert "outside the folder" in problem.problem
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("copy", [False, True])
def test_nothing_is_written_through_an_image_that_is_a_folder_of_the_data(tmp_path, copy):
    dataset = images(tmp_path / "in", {"cat/1.png/inner.png": "cat", "dog/2.png": "dog"})
    dataset = listed(tmp_path / "in", {"cat/1.PNG": "cat", "cat/1.png/inner.png": "cat", "dog/2.png": "dog"})
    before = everything_in(tmp_path)
    with refuses(DatasetError, "link-clash"):
        link_folders.write(dataset, relabelled(dataset), tmp_path / "out", copy=copy)
    assert everything_in(tmp_path) == before


def test_copies_of_names_that_some_disk_does_not_tell_apart_have_names_of_their_own(tmp_path):
    names = ["cat/\u00e9.png", "cat/e\u0301.png", "cat/E\u0301.PNG"]
    dataset = images(tmp_path / "in", {**dict.fromkeys(names, "cat"), "dog/2.png": "dog"})
    places = link_folders._places(dataset, dataset.inputs, relabelled(dataset))
    assert len({link_folders._collision_key(place) for place in places.values()}) == 4
    link_folders.write(dataset, relabelled(dataset), tmp_path / "out", copy=True)
    assert everything_in(tmp_path / "in")[names[0]] == names[0].encode()
