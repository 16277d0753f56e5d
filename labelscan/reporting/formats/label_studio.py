"""Tasks for Label Studio: suspects as predictions to be confirmed or corrected, and the labelling interface for them.

The interface lies beside the tasks, as ``<name>.interface.xml``: paste it into the project's labelling settings before
the tasks are imported. (``<name>.xml`` may be somebody's annotations.) What is annotated comes back by
``labelscan apply RUN --decisions EXPORT.json``.

The format is described at https://labelstud.io/guide/task_format and https://labelstud.io/guide/predictions, how
files of the server's own disk are named at https://labelstud.io/guide/storage.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from labelscan.atomic import replacing
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
from labelscan.reporting.page import IMAGES, LEFT_OUT, ReportPage, Suspect

LOCAL_FILES = "/data/local-files/?d="
"""Address of a file on the disk of the server; the path behind it starts from the server's document root."""
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def write_label_studio(page: ReportPage, path: Path) -> None:
    """Write the tasks of the suspects of a page that can be shown, and the interface beside them.

    Args:
        page: what is reviewed. Without an ``image_root`` its pictures go into the tasks: they are small, but need no
            server of files.
        path: the tasks, as JSON.

    Raises:
        UsageError: no image has a picture, or one lies in no file below the root, or a class no XML can name.
    """
    if path.suffix.lower() == ".xml":
        raise UsageError("the tasks are JSON, not XML", where=str(path), hint="name it .json")
    unshown = without_task(page)
    if unshown and len(unshown) == len(page.suspects):
        raise _nothing_to_show(unshown[0])
    left_out = {one.example_id for one in unshown}
    tasks = [_task(one, page) for one in page.suspects if one.example_id not in left_out]
    with replacing(interface_path(path)) as file:
        file.write("\n".join(_interface(page)) + "\n")
    with replacing(path) as file:
        json.dump(tasks, file, indent=1, ensure_ascii=False)
        file.write("\n")


def without_task(page: ReportPage) -> list[Suspect]:
    """Return the suspects that cannot be shown: images without a picture to put into a task."""
    if page.image_root or not _shows_images(page):
        return []
    return [one for one in page.suspects if one.picture is None]


def interface_path(path: Path) -> Path:
    """Return where the interface for the tasks at ``path`` lies."""
    return path.with_suffix(".interface.xml")


def _task(one: Suspect, page: ReportPage) -> dict[str, object]:
    shown = _image(one, page) if _shows_images(page) else _words(one)
    data = {OBJECT_TAG: shown, ID_KEY: one.example_id, GIVEN_KEY: one.given_label, SUGGESTED_KEY: one.suggested_label}
    result = {
        "from_name": LABEL_TAG,
        "to_name": OBJECT_TAG,
        "type": "choices",
        "value": {"choices": [one.suggested_label]},
    }
    prediction = {"model_version": "labelscan", "score": one.suggested_confidence, "result": [result]}
    return {"data": data | {"error_probability": one.error_probability}, "predictions": [prediction]}


def _shows_images(page: ReportPage) -> bool:
    """Return whether tasks show images: of probabilities, those whose files the server knows."""
    return page.kind == IMAGES or (bool(page.image_root) and all(one.path for one in page.suspects))


def _image(one: Suspect, page: ReportPage) -> str:
    if not page.image_root:
        assert one.picture is not None, "it has no task"
        return one.picture.uri
    if not one.path:
        hint = "leave --image-root out: pictures are then put into the tasks"
        raise UsageError("this image lies in no file", where=one.example_id, hint=hint)
    file = Path(os.path.abspath(Path(page.directory) / one.path))  # noqa: PTH100  # links stay: the root may hold some
    root = Path(page.image_root).expanduser().absolute()
    if not file.is_relative_to(root):
        raise UsageError(
            f"this image does not lie in {root}, and Label Studio would not serve it",
            where=str(file),
            hint="name its document root by --image-root",
        )
    return LOCAL_FILES + quote(file.relative_to(root).as_posix())


def _nothing_to_show(one: Suspect) -> UsageError:
    """Return the error that no example has a picture, of which ``one`` is the first."""
    remedy = "leave --no-pictures out" if one.no_picture == LEFT_OUT else "name the place of the data by --data"
    return UsageError(
        f"there is no picture to put into any task{f' ({one.no_picture})' if one.no_picture else ''}",
        where=one.example_id,
        hint=f"{remedy}, or the document root of Label Studio by --image-root",
    )


def _words(one: Suspect) -> str:
    values = [f"{note.name} {note.value:g} (usually {note.usual:g})" for note in one.features]
    return "; ".join([one.example_id, *values])


def _interface(page: ReportPage) -> Iterator[str]:
    """Yield the lines of the interface, classes and verdicts as choices of their own."""
    unnamed = next((name for name in page.class_names if _NOT_IN_XML.search(name)), None)
    if unnamed is not None:
        raise UsageError(f"no labelling interface can name the class {unnamed!r}", hint="rename it in the data")
    tag = "Image" if _shows_images(page) else "Text"
    yield "<View>"
    yield f'  <{tag} name="{OBJECT_TAG}" value="${OBJECT_TAG}"/>'
    yield f'  <Header value="Given as: ${GIVEN_KEY}"/>'
    for name, choices in ((LABEL_TAG, page.class_names), (VERDICT_TAG, tuple(VERDICT_CHOICES))):
        yield f'  <Choices name="{name}" toName="{OBJECT_TAG}" choice="single" showInline="true">'
        yield from (f"    <Choice value={quoteattr(choice)}/>" for choice in choices)
        yield "  </Choices>"
    yield "</View>"
