"""A finished run as a page."""

import errno
import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from refusals import refuses
from signed import forget_checksums
from tiny_texts import text_dataset

import labelscan
from labelscan.data.dataset import make_dataset
from labelscan.data.inputs import ColumnTable
from labelscan.errors import UsageError
from labelscan.reporting.formats.html import render_html
from labelscan.reporting.make_report import make_report_page, write_report
from labelscan.results.run import FinishedRun
from labelscan.results.summary import ConflictingLabel


def detect(data, folder, **settings):
    settings = labelscan.settings(data, epochs=1, folds=2, overrides={"executor.processes": 1}, **settings)
    labelscan.detect(settings=settings, output=folder)
    flag_some(folder)
    return FinishedRun.read(folder)


def flag_some(folder):
    """Flag the first three of scores.csv, whatever one epoch of training made of them."""
    lines = (folder / "scores.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    place = lines[0].split(",").index("flagged")
    for row, line in enumerate(lines[1:], start=1):
        cells = line.split(",")
        cells[place] = "true" if row <= 3 else "false"
        lines[row] = ",".join(cells)
    (folder / "scores.csv").write_text("".join(lines), encoding="utf-8")
    forget_checksums(folder)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Make 16 images of 80 x 70 pixels in two class folders, and a run on them."""
    folder, generator = tmp_path_factory.mktemp("made"), np.random.default_rng(0)
    for name, level in (("dark", 40), ("light", 200)):
        (folder / "photos" / name).mkdir(parents=True)
        for number in range(8):
            pixels = generator.integers(level - 20, level + 20, (70, 80, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "photos" / name / f"{number}.jpg")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        detect("photos", folder / "run", image_size=16)
    return folder


@pytest.fixture
def photos(made, tmp_path):
    return shutil.copytree(made / "photos", tmp_path / "photos")


@pytest.fixture
def run(made, photos, tmp_path):
    """Copy the run to images of its own: run.json names the folder where it was started."""
    record = shutil.copytree(made / "run", tmp_path / "run") / "run.json"
    record.write_text(record.read_text().replace(str(made), str(tmp_path)))
    return FinishedRun.read(tmp_path / "run")


def test_a_page_of_photos_has_pictures_and_typical_examples(run):
    page = make_report_page(run)
    assert (page.kind, page.n_flagged, page.notes, page.class_names) == ("images", 3, (), ("dark", "light"))
    assert [one.rank for one in page.suspects] == [1, 2, 3]
    for one in page.suspects:
        assert (one.picture.width, one.picture.height, one.picture.tiny) == (80, 70, False)
        assert (one.no_picture, one.true_label, one.features) == ("", None, ())
        assert one.path.endswith(one.example_id)
    assert len(page.measurement.to_decide) == 16, "all of them: there are no more"
    assert all(one.picture is not None for one in page.measurement.to_decide)
    assert page == make_report_page(run), "the same run gives the same page"
    assert len(make_report_page(run, top=1).suspects) == 1


def test_typical_examples_are_of_both_classes_in_question(run):
    scores = run.issues.scores
    scores["flagged"] = scores["example_id"] == "dark/0.jpg"
    scores["error_probability"] = np.where(scores["flagged"], 0.9, 0.1)
    page = make_report_page(run)
    assert [(one.given_label, one.suggested_label) for one in page.suspects] == [("dark", "light")]
    assert page.typical.keys() == {"dark", "light"}
    for name, examples in page.typical.items():
        assert len(examples) == 2
        assert all(one.example_id.startswith(f"{name}/") and one.picture is not None for one in examples)
        assert "dark/0.jpg" not in {one.example_id for one in examples}


def test_photos_that_are_gone_or_moved_say_so(run, photos, tmp_path):
    (photos / make_report_page(run).suspects[0].example_id).write_bytes(b"")
    page = make_report_page(run)
    assert (page.suspects[0].picture, page.suspects[0].no_picture) == (None, "not an image")
    assert page.suspects[1].picture is not None
    assert page.notes[0].startswith("1 of ")
    photos.rename(tmp_path / "elsewhere")
    page = make_report_page(run)
    assert {one.no_picture for one in page.suspects} == {"no such file"}
    (note,) = page.notes
    assert "--data" in note
    assert page.typical == {}
    left_out = make_report_page(run, pictures=False)
    assert {one.no_picture for one in left_out.suspects} == {"left out"}
    assert (left_out.notes, left_out.typical) == ((), {})
    page = make_report_page(run, data=str(tmp_path / "elsewhere"))
    assert all(one.picture is not None for one in page.suspects[1:])


def test_other_data_than_that_of_the_run_is_refused(run, photos):
    (photos / "dark" / "new.jpg").write_bytes((photos / "dark" / "0.jpg").read_bytes())
    assert make_report_page(run).notes == (), "what is new does not matter for what is shown"
    with refuses(labelscan.DatasetError, "other-data"):
        make_report_page(run, data=str(photos))
    with refuses(UsageError, "flag-without-effect"):
        make_report_page(run, data=str(photos), pictures=False)


def test_pictures_of_the_same_names_in_another_folder_are_not_shown(run, photos, tmp_path, monkeypatch):
    for file in shutil.copytree(photos, tmp_path / "others" / "photos").glob("*/*.jpg"):
        Image.new("L", (30, 20)).save(file)
    monkeypatch.chdir(tmp_path / "others")
    page = make_report_page(run)
    assert {one.picture.width for one in page.suspects} == {80}
    (tmp_path / page.suspects[0].path).unlink()
    assert make_report_page(run).suspects[0].no_picture == "no such file"
    photos.rename(tmp_path / "moved")
    assert {one.picture.width for one in make_report_page(run).suspects} == {30}, "nothing is left there: it was moved"


def test_probabilities_show_the_images_at_their_paths(photos, tmp_path):
    (photos / "notes.txt").touch()
    rows = [
        f"{name}/{number}.jpg,{name},{0.9 - 0.8 * (name == 'light')},{0.1 + 0.8 * (name == 'light')}"
        for name in ("dark", "light")
        for number in range(8)
    ]
    rows[0] = "dark/0.jpg,dark,0.1,0.9"
    (photos / "probs.csv").write_text("\n".join(["path,label,prob:dark,prob:light", *rows]) + "\n")
    labelscan.score(photos / "probs.csv", output=tmp_path / "run")
    run = FinishedRun.read(tmp_path / "run")
    page = make_report_page(run)
    assert (page.kind, page.notes) == ("images", ())
    assert [(one.example_id, one.picture.width) for one in page.suspects] == [("dark/0.jpg", 80)]
    assert page.typical.keys() == {"dark", "light"}
    photos.rename(tmp_path / "elsewhere")
    page = make_report_page(run)
    assert (page.kind, page.typical) == ("probabilities", {})
    assert "no such file" in page.notes[0]
    assert "--data" not in page.notes[0]
    run.issues.scores["path"] = "notes.txt"
    assert make_report_page(run).notes == (), "these are no images"


def test_a_manifest_with_a_broken_file_shows_the_others(photos, tmp_path):
    (photos / "dark" / "0.jpg").write_text("no image")
    rows = [f"{name}/{number}.jpg,{name}" for name in ("dark", "light") for number in range(8)]
    (photos / "list.csv").write_text("\n".join(["path,label", *rows]) + "\n")
    page = make_report_page(detect(str(photos / "list.csv"), tmp_path / "run", image_size=16))
    assert page.summary.n_unreadable == 1
    assert all(one.picture is not None for one in page.suspects)


def test_images_in_an_array_are_shown_pixel_by_pixel_with_true_labels(tmp_path):
    run = detect("demo:digits?noise=symmetric:0.1", tmp_path / "run")
    page = make_report_page(run)
    assert all(one.picture.tiny and one.picture.width == 8 for one in page.suspects)
    assert {one.true_label for one in page.suspects} <= set("0123456789")
    assert page.class_names == tuple("0123456789")


def test_a_table_shows_the_values_that_stand_out(tmp_path):
    generator = np.random.default_rng(0)
    rows = [f"{generator.normal(10 * (row % 2)):.3f},{generator.normal():.3f},{'ab'[row % 2]}" for row in range(40)]
    rows[0] = "10.5,0.1,a"
    (tmp_path / "table.csv").write_text("\n".join(["petal,sepal,label", *rows]) + "\n")
    run = detect(tmp_path / "table.csv", tmp_path / "run")
    page = make_report_page(run)
    assert (page.kind, page.typical) == ("features", {})
    assert {len(one.features) for one in page.measurement.to_decide} == {2}, "a usual row has as much to show"
    odd = next(one for one in page.measurement.to_decide if one.example_id == "0")
    assert (odd.picture, odd.no_picture, odd.row) == (None, "", (("petal", "10.5"), ("sepal", "0.1")))
    assert (odd.features[0].name, odd.features[0].value) == ("petal", 10.5)
    (tmp_path / "table.csv").unlink()
    page = make_report_page(run)
    assert page.suspects[0].features == ()
    assert page.notes[0].startswith("without features")


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    """Make a run in memory on 60 reviews, of which the first two have the label of the other class."""
    generator = np.random.default_rng(0)
    words = {"bad": "dull tedious awful boring", "good": "lovely warm funny superb"}
    labels = ["good" if row % 2 else "bad" for row in range(60)]
    texts = [
        " ".join([*generator.permutation(words[one].split())[:3], f"film number{row}"])
        for row, one in enumerate(labels)
    ]
    texts[0] = "<b>Dull</b> and awful\n\n" + "tedious boring film " * 500
    dataset = text_dataset(texts, ["good", "bad", *labels[2:]])
    settings = labelscan.settings(folds=3, model=["tfidf"], overrides={"executor.processes": 1})
    run = labelscan.detect(dataset, settings=settings, output=tmp_path_factory.mktemp("reviews"))
    flag_some(run.folder)
    return run


def test_texts_are_shown_with_the_words_that_speak_for_a_class(reviews):
    page = make_report_page(FinishedRun.of(reviews))
    assert (page.kind, page.notes, page.has_marks) == ("texts", (), True)
    first = next(one for one in page.suspects if one.example_id == "0")
    assert str(first.text).startswith("<b>Dull</b> and awful\n\ntedious boring film")
    assert {piece for piece, mark in first.text.pieces if mark == "suggested"} >= {"tedious", "boring"}
    assert (len(str(first.text)), first.text.n_left_out) == (5000, 20 * 500 + 23 - 5000)
    assert (first.picture, first.no_picture, first.features, first.row) == (None, "", (), ())
    assert page.typical.keys() == {"bad", "good"}
    for examples in page.typical.values():
        assert all("film number" in one.text and one.picture is None for one in examples)
    assert page == make_report_page(FinishedRun.of(reviews)), "the same run gives the same page"


def test_texts_with_several_labels_are_listed_with_their_beginning(reviews):
    run = FinishedRun.of(reviews)
    same = (ConflictingLabel(example_id="4", given_label="bad"), ConflictingLabel(example_id="31", given_label="good"))
    run = replace(run, summary=replace(run.summary, label_conflicts=(same,), n_label_conflicts=1))
    text = render_html(make_report_page(run))
    assert "1 text has several labels" in text
    beginning = reviews.dataset.inputs.texts[4]
    assert f'<p dir="auto">{beginning}</p><bdi class="given">bad</bdi> <code>4</code>' in text


def test_texts_that_were_in_memory_only_are_missing_later(reviews):
    page = make_report_page(FinishedRun.read(reviews.folder))
    assert page.kind == "texts"
    assert {(one.text, one.no_picture) for one in page.suspects} == {(None, "the data could not be read again")}
    assert page.notes[0].startswith("without texts")
    left_out = make_report_page(FinishedRun.of(reviews), pictures=False)
    assert {(one.text, one.no_picture) for one in left_out.suspects} == {(None, "left out")}
    assert left_out.typical == {}


def test_every_format_shows_texts(reviews):
    text = labelscan.report(reviews, format="markdown").read_text(encoding="utf-8")
    assert "| `<b>Dull</b> and awful tedious boring film" in text
    tasks = json.loads(labelscan.report(reviews, format="label-studio").read_text(encoding="utf-8"))
    assert any(one["data"]["example"].startswith("<b>Dull</b> and awful\n\ntedious") for one in tasks)


def test_a_table_as_it_is_shows_all_columns_of_a_row(tmp_path):
    frame = pd.DataFrame({f"column {number}": np.arange(60.0) % (number + 2) for number in range(45)})
    frame["city"] = pd.Series(np.where(np.arange(60) % 2, "Kano", "Lagos"), dtype=object)
    frame.loc[0, "column 1"] = np.nan
    dataset = make_dataset(
        name="customers",
        inputs=ColumnTable(frame),
        labels=["ab"[row % 2] for row in range(60)],
        example_ids=[f"{row:02}" for row in range(60)],
        where=str,
        ids_depend_on_order=True,
    )
    settings = labelscan.settings(folds=2, model=["logistic"], overrides={"executor.processes": 1})
    run = labelscan.detect(dataset, settings=settings, output=tmp_path / "run")
    page = make_report_page(FinishedRun.of(run))
    assert page.kind == "features"
    one = next(one for one in page.measurement.to_decide if one.example_id == "00")
    assert one.row[:3] == (("column 0", "0"), ("column 1", "missing"), ("column 2", "0"))
    assert (len(one.row), one.n_more_columns) == (40, 6)
    assert one.features


def test_features_show_the_images_that_they_were_computed_from(photos, tmp_path):
    rows = [f"photos/{name}/{number}.jpg,{name}" for name in ("dark", "light") for number in range(8)]
    (tmp_path / "list.csv").write_text("\n".join(["path,label", *rows]) + "\n")
    np.save(tmp_path / "f.npy", np.random.default_rng(0).normal(size=(16, 4)))
    run = detect(str(tmp_path / "list.csv"), tmp_path / "run", features=str(tmp_path / "f.npy"))
    page = make_report_page(run)
    assert (page.kind, page.notes) == ("images", ())
    assert {one.picture.width for one in page.suspects} == {80}
    photos.rename(tmp_path / "elsewhere")
    assert "none of the images shown could be opened" in make_report_page(run).notes[0]


def test_embeddings_show_the_texts_that_they_were_computed_from(tmp_path):
    texts, embeddings = [f"a text, number {row}" for row in range(40)], np.random.default_rng(0).normal(size=(40, 3))
    rows = [
        {"text": text, "label": "ab"[row % 2], "embedding": embeddings[row].tolist()} for row, text in enumerate(texts)
    ]
    (tmp_path / "e.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    page = make_report_page(detect(str(tmp_path / "e.jsonl"), tmp_path / "run"))
    assert page.kind == "texts"
    assert {str(one.text) for one in page.suspects} <= set(texts)


@pytest.mark.parametrize("n_flagged", [0, 1])
def test_probabilities_have_nothing_to_show(tmp_path, n_flagged):
    labels = [0, 1] * 10
    labels[3] -= n_flagged
    run = tmp_path / "run"
    labelscan.score([[0.9, 0.1], [0.1, 0.9]] * 10, labels, class_names=["cat", "dog"], output=run)
    with refuses(UsageError, "flag-without-effect"):
        make_report_page(FinishedRun.read(run), data="probs.npz")
    page = make_report_page(FinishedRun.read(run))
    assert (page.kind, page.notes, page.typical) == ("probabilities", (), {})
    flagged = [(one.example_id, one.given_label, one.no_picture) for one in page.suspects]
    assert flagged == [("3", "cat", "")][:n_flagged]
    assert (page.n_flagged, len(page.measurement.to_decide)) == (n_flagged, 20)


def test_a_format_without_pictures_opens_no_image(run, tmp_path):
    received = []
    for form, given in (("markdown", {}), ("label-studio", {"image_root": tmp_path})):
        labelscan.report(run.folder, format=form, notify=received.append, **given)
    assert received == []
    labelscan.report(run.folder, notify=received.append)
    assert received


def test_a_read_only_run_folder_asks_for_a_file_elsewhere(run, tmp_path, monkeypatch):
    page = make_report_page(run, pictures=False)

    def refused(*_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("labelscan.reporting.formats.html.write_html", refused)
    with refuses(UsageError, "protected-file"):
        write_report(run, page, "html")
    with pytest.raises(OSError, match="Read-only"):
        write_report(run, page, "html", tmp_path / "elsewhere.html")
