"""Tasks for Label Studio: suspects as predictions to be confirmed or corrected, and the labelling interface for them.

The interface is next to the tasks, as ``<name>.interface.xml`` (``<name>.xml`` may hold a user's annotations). Paste it
into the project's labelling settings before you import the tasks. ``labelscan apply RUN --decisions EXPORT.json`` takes
the annotations.

The format is described at https://labelstud.io/guide/task_format and https://labelstud.io/guide/predictions, and the
addresses of files on the server's own disk at https://labelstud.io/guide/storage.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from labelscan.correction.label_studio import (
    GIVEN_KEY,
    ID_KEY,
    LABEL_TAG,
    OBJECT_TAG,
    SUGGESTED_KEY,
    VERDICT_CHOICES,
    VERDICT_TAG,
)
from labelscan.errors import UsageError
from labelscan.files.atomic import replacing
from labelscan.files.reading import with_home
from labelscan.files.urls import is_url
from labelscan.reporting.page import LEFT_OUT, ReportPage, Suspect

LOCAL_FILES = "/data/local-files/?d="
"""The address of a file on the server's disk, to be followed by its path from the server's document root."""
ROW_TAG = "row"
"""The tag that shows the columns of a table, and their key in a task."""
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def write_label_studio(page: ReportPage, path: Path) -> None:
    """Write tasks, as JSON, for the suspects that can be shown, and the interface next to them.

    Without an ``image_root`` the pictures of the page go into the tasks: they are small, but need no file server.

    Raises:
        UsageError: nothing can be shown, an image is outside the root, or XML cannot express the name of a class.
    """
    if path.suffix.lower() == ".xml":
        raise UsageError("wrong-suffix", "the tasks are JSON, not XML", where=str(path), hint="name it .json")
    unshown = without_task(page)
    if unshown and len(unshown) == len(page.suspects):
        first, is_text = page.suspects[0], page.kind == "texts"
        reason = f" ({first.no_picture})" if first.no_picture else ""
        hint = "leave --no-pictures out" if first.no_picture == LEFT_OUT else "name the place of the data by --data"
        hint += "" if is_text else ", or the document root of Label Studio by --image-root"
        problem = f"no task would have a {'text' if is_text else 'picture'}{reason}"
        raise UsageError("no-picture", problem, where=first.example_id, hint=hint)
    left_out = {one.example_id for one in unshown}
    tasks = [_task(one, page) for one in page.suspects if one.example_id not in left_out]
    with replacing(interface_path(path)) as file:
        file.write("\n".join(_interface(page)) + "\n")
    with replacing(path) as file:
        json.dump(tasks, file, indent=1, ensure_ascii=False)
        file.write("\n")


def without_task(page: ReportPage) -> list[Suspect]:
    """Return the suspects that no task can show: images without a picture, and texts that are gone."""
    if page.kind == "texts":
        return [one for one in page.suspects if one.text is None]
    if page.image_root or not _shows_images(page):
        return []
    return [one for one in page.suspects if one.picture is None]


def interface_path(path: Path) -> Path:
    """Return the path of the interface for the tasks at ``path``."""
    return path.with_suffix(".interface.xml")


def _task(one: Suspect, page: ReportPage) -> dict[str, object]:
    shown = _image(one, page) if _shows_images(page) else _words(one)
    data: dict[str, object] = {
        OBJECT_TAG: shown,
        ID_KEY: one.example_id,
        GIVEN_KEY: one.given_label,
        SUGGESTED_KEY: one.suggested_label,
        "error_probability": one.error_probability,
    }
    result = {
        "from_name": LABEL_TAG,
        "to_name": OBJECT_TAG,
        "type": "choices",
        "value": {"choices": [one.suggested_label]},
    }
    prediction = {"model_version": "labelscan", "score": one.suggested_confidence, "result": [result]}
    if _shows_rows(page):
        data[ROW_TAG] = dict(one.row)
    return {"data": data, "predictions": [prediction]}


def _shows_images(page: ReportPage) -> bool:
    """Return whether tasks show images; a page of probabilities has some if the server knows their files."""
    if page.kind == "texts":
        return False
    return page.kind == "images" or (bool(page.image_root) and all(one.path for one in page.suspects))


def _shows_rows(page: ReportPage) -> bool:
    return not _shows_images(page) and any(one.row for one in page.suspects)


def _image(one: Suspect, page: ReportPage) -> str:
    if not page.image_root:
        assert one.picture is not None, "it has no task"
        return one.picture.uri
    if not one.path:
        hint = "leave --image-root out, so that pictures are put into the tasks"
        raise UsageError("no-picture", "this image has no file", where=one.example_id, hint=hint)
    if is_url(one.path):
        return one.path  # Label Studio reads buckets and servers itself
    file = Path(os.path.abspath(Path(page.directory) / one.path))  # noqa: PTH100  # links stay: the root may hold some
    root = with_home(page.image_root).absolute()
    if not file.is_relative_to(root):
        problem = f"this image is not in {root}: Label Studio would not serve it"
        raise UsageError("outside-root", problem, where=str(file), hint="name its document root by --image-root")
    return LOCAL_FILES + quote(file.relative_to(root).as_posix())


def _words(one: Suspect) -> str:
    """Return a text, or the values of a row that stand out."""
    if one.text is not None:
        left_out = one.text.n_left_out
        return f"{one.text}\n… and {left_out:,} characters more" if left_out else str(one.text)
    shown = [[it if isinstance(it, str) else f"{it:g}" for it in (note.value, note.usual)] for note in one.features]
    values = [
        f"{note.name} {value} (usually {usual})" for note, (value, usual) in zip(one.features, shown, strict=True)
    ]
    return "; ".join([one.example_id, *values])


def _interface(page: ReportPage) -> Iterator[str]:
    """Yield the lines of the interface, which asks for a class and for a verdict."""
    for name in page.class_names:
        if _NOT_IN_XML.search(name):
            problem = f"no labelling interface can name the class {name!r}"
            raise UsageError("class-name", problem, hint="rename it in the data")
    tag = "Image" if _shows_images(page) else "Text"
    yield "<View>"
    yield f'  <{tag} name="{OBJECT_TAG}" value="${OBJECT_TAG}"/>'
    if _shows_rows(page):
        yield f'  <Table name="{ROW_TAG}" value="${ROW_TAG}"/>'
    yield f'  <Header value="Given as: ${GIVEN_KEY}"/>'
    for name, choices in ((LABEL_TAG, page.class_names), (VERDICT_TAG, tuple(VERDICT_CHOICES))):
        yield f'  <Choices name="{name}" toName="{OBJECT_TAG}" choice="single" showInline="true">'
        yield from (f"    <Choice value={quoteattr(choice)}/>" for choice in choices)
        yield "  </Choices>"
    yield "</View>"
