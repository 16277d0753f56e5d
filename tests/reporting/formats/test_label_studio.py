"""Tasks for Label Studio, and what comes back of them."""

import json
import xml.etree.ElementTree as ElementTree

from refusals import refuses
from tiny_page import a_feature_note, a_page, a_suspect, a_text_page

from labelscan.correction.label_studio import VERDICT_CHOICES, read_annotations
from labelscan.errors import UsageError
from labelscan.reporting.formats.label_studio import without_task, write_label_studio

NASTY = ('<a & "b">', "dog\n'", "fox")


def written(folder, page=None, **changes):
    write_label_studio(page or a_page(**changes), folder / "tasks.json")
    tasks = json.loads((folder / "tasks.json").read_text(encoding="utf-8"))
    return tasks, ElementTree.parse(folder / "tasks.interface.xml").getroot()


def test_a_task_suggests_the_label_and_remembers_the_given_one(tmp_path):
    suspect = a_suspect()
    ((task,), _) = written(tmp_path, suspects=(suspect,))
    data = {"example": suspect.picture.uri, "example_id": "01.png", "given_label": "dog", "suggested_label": "fox"}
    assert task["data"] == data | {"error_probability": 0.98}
    result = {"from_name": "label", "to_name": "example", "type": "choices", "value": {"choices": ["fox"]}}
    assert task["predictions"] == [{"model_version": "labelscan", "score": 0.875, "result": [result]}]


def test_the_interface_offers_every_class_by_its_name(tmp_path):
    _, view = written(tmp_path, class_names=NASTY)
    classes, verdicts = view.findall("Choices")
    assert [one.get("value") for one in classes] == list(NASTY)
    assert [one.get("value") for one in verdicts] == list(VERDICT_CHOICES)
    assert {one.get("toName") for one in (classes, verdicts)} == {view.find("Image").get("name")}
    assert view.find("Image").get("value") == "$example"


def test_annotations_come_back_as_decisions(tmp_path):
    tasks, _ = written(tmp_path)
    for number, task in enumerate(tasks):
        result = task["predictions"][0]["result"]
        task["annotations"] = [{"was_cancelled": number == 0, "updated_at": "2026-01-02", "result": result}]
    (tmp_path / "export.json").write_text(json.dumps(tasks))
    decisions, _ = read_annotations(tmp_path / "export.json")
    assert [one.example_id for one in decisions] == [task["data"]["example_id"] for task in tasks[1:]]
    assert {one.verdict for one in decisions} == {"relabel"}


def test_images_are_named_from_the_document_root(tmp_path):
    suspect = a_suspect(path="pets/a b#1.png")
    tasks, _ = written(tmp_path, suspects=(suspect,), directory="/data/of us", image_root="/data")
    assert tasks[0]["data"]["example"] == "/data/local-files/?d=of%20us/pets/a%20b%231.png"
    with refuses(UsageError, "outside-root"):
        written(tmp_path, suspects=(suspect,), directory="/data", image_root="/elsewhere")


def test_an_image_that_cannot_be_shown_is_refused(tmp_path):
    for reason, remedy in (("left out", "--no-pictures"), ("no such file", "--data")):
        gone = (a_suspect(picture=None, no_picture=reason),)
        for page in (a_page(suspects=gone), a_text_page(suspects=gone)):
            with refuses(UsageError, "no-picture", "01.png") as caught:
                written(tmp_path, page)
            assert remedy in str(caught.value)
    with refuses(UsageError, "no-picture", "01.png"):
        written(tmp_path, suspects=(a_suspect(path=""),), image_root="/data")
    with refuses(UsageError, "class-name"):
        written(tmp_path, class_names=("cat", "dog\x1b"))
    assert not list(tmp_path.iterdir())


def test_a_missing_image_does_not_stop_the_others(tmp_path):
    gone = a_suspect(1, picture=None, no_picture="no such file")
    tasks, _ = written(tmp_path, suspects=(gone, a_suspect(2)))
    assert [task["data"]["example_id"] for task in tasks] == ["02.png"]
    assert without_task(a_page(suspects=(gone, a_suspect(2)))) == [gone]
    tasks, _ = written(tmp_path, suspects=(gone,), directory="/data", image_root="/data")
    assert len(tasks) == 1, "Label Studio opens it by itself"


def test_annotations_in_another_format_are_not_overwritten(tmp_path):
    (tmp_path / "tasks.xml").write_text("<annotation/>")
    written(tmp_path)
    assert (tmp_path / "tasks.xml").read_text() == "<annotation/>"


def test_a_row_of_a_table_is_shown_beside_what_stands_out(tmp_path):
    suspect = a_suspect(picture=None, path="", features=(a_feature_note(),), row=(("city", "Kano"), ("age", "31")))
    (task,), view = written(tmp_path, suspects=(suspect,), kind="features")
    assert view.find("Text") is not None
    assert task["data"]["example"] == "01.png; petal width 2.5 (usually 0.2)"
    assert task["data"]["row"] == {"city": "Kano", "age": "31"}
    assert view.find("Table").get("value") == "$row"


def test_a_text_is_its_own_task_wherever_the_images_of_others_are(tmp_path):
    page = a_text_page(image_root="/srv")
    assert without_task(page) == []
    tasks, view = written(tmp_path, page)
    assert [one.tag for one in view][:2] == ["Text", "Header"]
    assert tasks[0]["data"]["example"] == "what a lovely but <dull> film"
    assert tasks[2]["data"]["example"].endswith("\n… and 995,000 characters more")
