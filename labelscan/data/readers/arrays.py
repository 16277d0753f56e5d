"""Images or features in memory: from an npz file, or handed over in Python."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import as_strings
from labelscan.config import DatasetConfig
from labelscan.data.dataset import Dataset, make_dataset
from labelscan.data.inputs import ColumnTable, FeatureTable, Inputs, Texts
from labelscan.data.readers.columns import Tiers, find_column, missing, pick
from labelscan.data.readers.unsupported import no_features
from labelscan.data.refused_rows import reading
from labelscan.errors import DatasetError, Problem
from labelscan.events import Listener
from labelscan.files import npz
from labelscan.files.reading import CANNOT_READ, with_home
from labelscan.images.sources import CHANNELS, ImageArray

SETTINGS = frozenset(["label_column", "true_label_column", "id_column", "group_column"])

ArrayLike: TypeAlias = NDArray[np.generic] | Sequence[object]

INPUT_NAMES: Tiers = (("images", "features"), ("image", "feature"), ("x", "data"))
ARRAY_NAMES: Mapping[str, Tiers] = {
    "label": (("labels", "label", "given_labels", "given_label"), ("y", "targets", "target", "class", "classes")),
    "true_label": (("true_labels", "true_label"), ("clean_labels", "clean_label")),
    "id": (("example_ids", "ids"), ("example_id", "id")),
    "group": (("groups", "group"), ("patients", "patient", "subjects", "subject")),
}
CLASS_NAMES = "class_names"
PRED_PROBS = "pred_probs"
"""The array that only a file for ``labelscan score`` has."""


def reads(config: DatasetConfig) -> bool:
    """Return whether the data is a file called ``.npz``."""
    path = with_home(config.data)
    return path.suffix.lower() == ".npz" and path.exists()


def read(config: DatasetConfig, notify: Listener) -> Dataset:  # noqa: ARG001  # arrays are read in one go
    """Return the examples in an npz file; ids are its ``ids``, else row numbers from 0."""
    path = with_home(config.data)
    there, where = array_names(path), path.name
    inputs = pick(there, INPUT_NAMES, what="inputs", where=where, hint="keep one of them in the file")
    if not inputs and PRED_PROBS in there:
        raise no_features(config)
    if not inputs:
        hint = "rename it to images (N, H, W[, C]) or features (N, D); labels (N,) go beside it"
        raise missing("array of images or features", there, where=where, hint=hint)
    found = find_arrays(there, config, where=where)
    if not found["label"]:
        raise missing("array of labels", there, where=where, hint="rename it to labels, or name it by --label-column")
    known = {CLASS_NAMES}.intersection(there)
    arrays = load_npz(path, {inputs, *filter(None, found.values()), *known})
    return dataset_from_arrays(
        arrays[inputs],
        arrays[found["label"]],
        true_labels=arrays.get(found["true_label"]),
        groups=arrays.get(found["group"]),
        ids=arrays.get(found["id"]),
        class_names=arrays.get(CLASS_NAMES),
        name=where,
    )


def dataset_from_arrays(
    images_or_features: ArrayLike,
    labels: ArrayLike,
    *,
    true_labels: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    ids: ArrayLike | None = None,
    class_names: ArrayLike | None = None,
    name: str = "arrays",
    keep_gaps: bool = False,
) -> Dataset:
    """Return a data set of N examples in memory.

    Args:
        images_or_features: (N, H, W), (N, H, W, 1) or (N, H, W, 3) uint8 images, (N, D) numbers, NaN where they are
            missing, or (N,) texts.
        labels: (N,) whole numbers or text.
        true_labels: (N,) labels known to be right, of the same kind.
        groups: (N,) what must share a fold, as whole numbers or text.
        ids: (N,) whole numbers or text, each once; row numbers from 0 where absent.
        class_names: names that labels given as whole numbers index.
        name: what the data is called in messages, and without its extension in the name of the run folder.
        keep_gaps: whether features stay an array where some are missing, for models that take NaN; else they become
            columns of a table.

    Raises:
        DatasetError: an array has another type, shape or length; up to 20 problems at once.
    """
    inputs = _inputs(np.asarray(images_or_features), name, keep_gaps=keep_gaps)
    n_examples = len(inputs)
    names = None if class_names is None else texts(class_names, "class_names", None, name)
    return make_dataset(
        name=Path(name).stem,
        place=name,
        inputs=inputs,
        labels=_labels(labels, "labels", names, n_examples, name),
        example_ids=list(map(str, range(n_examples))) if ids is None else texts(ids, "ids", n_examples, name),
        where=partial(_place, name),
        ids_depend_on_order=ids is None,
        groups=None if groups is None else texts(groups, "groups", n_examples, name),
        true_labels=None if true_labels is None else _labels(true_labels, "true_labels", names, n_examples, name),
    )


def array_names(path: Path) -> list[str]:
    """Return the names of the arrays in an npz file, or raise DatasetError."""
    with _refused(path):
        return npz.array_names(path)


def array_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of every array in an npz file by its name, having read only headers, or raise DatasetError."""
    with _refused(path):
        return npz.array_shapes(path)


def load_npz(path: Path, names: Collection[str]) -> dict[str, NDArray[np.generic]]:
    """Return the arrays ``names`` of an npz file; none of them is ever unpickled, and no other is read.

    Raises:
        DatasetError: the file is not an npz file, is damaged, holds pickled objects, or unpacks to far more than it is.
    """
    with _refused(path):
        return npz.read_arrays(path, names)


def load_texts(path: Path, name: str) -> list[str]:
    """Return the texts of an npz file, packed or as an array of text, or raise DatasetError as ``load_npz`` does."""
    with _refused(path):
        return npz.read_texts(path, name)


@contextmanager
def _refused(path: Path) -> Iterator[None]:
    """Raise DatasetError where an npz file cannot be read."""
    with reading(str(path), "save it again by np.savez, which does not compress", CANNOT_READ):
        try:
            yield
        except npz.PickledObjects as error:
            hint = "save numbers, or text as np.array(texts, dtype=str)"
            raise DatasetError("unreadable", str(error), where=path.name, hint=hint) from error


find_array = partial(find_column, what="array of {}s", usual_names=ARRAY_NAMES)
"""Like ``find_column``, for a role of ``ARRAY_NAMES``."""


def find_arrays(names: Collection[str], config: DatasetConfig, *, where: str) -> dict[str, str]:
    """Return the name of the array for each role of ``ARRAY_NAMES``; empty where there is none."""
    return {role: find_array(role, names, getattr(config, f"{role}_column"), where=where) for role in ARRAY_NAMES}


def _place(name: str, row: int) -> str:
    return f"{name} index {row}"


def _inputs(values: NDArray[np.generic], name: str, *, keep_gaps: bool) -> Inputs:
    if values.ndim == 2:
        return read_features(values, name, keep_gaps=keep_gaps)
    if are_texts(values):
        return Texts(as_strings(["" if text is None or text != text else text for text in values.tolist()]))
    if values.ndim not in (3, 4):
        raise DatasetError(
            "wrong-shape",
            f"an array of shape {values.shape} is neither images nor features",
            where=name,
            hint="images are (N, H, W) or (N, H, W, C), features (N, D)",
        )
    if values.dtype != np.uint8:
        is_share = values.dtype.kind == "f"
        turn = "(images * 255).round().astype(np.uint8) if they are in [0, 1]" if is_share else ".astype(np.uint8)"
        raise DatasetError("not-bytes", f"images are {values.dtype}, not uint8", where=name, hint=f"use {turn}")
    images = values if values.ndim == 4 else values[..., None]
    if images.shape[3] not in CHANNELS:
        hint = "images are (N, H, W, C) with 1 or 3 channels"
        if images.shape[1] in CHANNELS:
            hint = "the channels come last: use images.transpose(0, 2, 3, 1)"
        elif images.shape[3] in (2, 4):
            hint = f"leave out the alpha channel: use images[..., :{images.shape[3] - 1}]"
        raise DatasetError(
            "wrong-channels", f"images of shape {images.shape} have {images.shape[3]} channels", where=name, hint=hint
        )
    if 0 in images.shape[1:]:
        hint = "images are (N, H, W) or (N, H, W, C), with H and W of at least 1"
        raise DatasetError("no-pixels", f"images of shape {images.shape} have no pixels", where=name, hint=hint)
    return ImageArray(images.astype(np.uint8, copy=False))


def are_texts(values: NDArray[np.generic]) -> bool:
    """Return whether an array is (N,) texts; one that is missing is None or NaN."""
    if values.ndim != 1 or values.dtype.kind not in "OUT":
        return False
    texts = [text for text in values.tolist() if text is not None and text == text]
    return bool(texts) and all(isinstance(text, str) for text in texts)


def read_features(values: NDArray[np.generic], name: str, *, keep_gaps: bool = False) -> FeatureTable | ColumnTable:
    """Return (N, D) features as an array, or as the columns of a table where some are missing, unless it keeps gaps."""
    if values.dtype.kind not in "fiub":
        raise DatasetError(
            "not-numbers", f"features are {values.dtype}, not numbers", where=name, hint="use .astype(np.float32)"
        )
    if values.shape[1] == 0:
        raise DatasetError(
            "no-columns", "features have no columns", where=name, hint="features are (N, D), with D of at least 1"
        )
    with np.errstate(over="ignore"):
        features = values.astype(np.float32)
    hint = "write a number below 1e38, or NaN where it is missing"
    DatasetError.refuse(
        np.argwhere(np.isinf(features)).tolist(),
        lambda one: Problem(
            "not-finite", f"features[{one[0]}, {one[1]}] is {values[*one]}", _place(name, one[0]), hint
        ),
    )
    if keep_gaps or not np.isnan(features).any():
        return FeatureTable(features)
    import pandas as pd  # only now: most arrays have no gaps

    varies = [column for column in range(values.shape[1]) if len(np.unique(features[:, column])) > 1]
    if not varies:
        raise DatasetError(
            "nothing-to-learn", "no feature has two different values", where=name, hint="there is nothing to learn"
        )
    names = [f"feature {column}" for column in varies]
    return ColumnTable(pd.DataFrame(values[:, varies].astype(np.float64), columns=names))


def _labels(values: ArrayLike, what: str, class_names: Sequence[str] | None, n_examples: int, name: str) -> list[str]:
    """Return labels as text; whole numbers index ``class_names`` where there are some."""
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] > 1:
        hint = f"if it is one-hot, use {what}.argmax(axis=1); several labels for one example are not supported"
        raise DatasetError("wrong-shape", f"{what} have shape {array.shape}, not (N,)", where=name, hint=hint)
    text = texts(array.reshape(-1) if array.ndim == 2 else array, what, n_examples, name)
    if class_names is None:
        return text
    if array.dtype.kind in "iu":
        numbers = array.reshape(-1).astype(np.int64)
        outside = np.flatnonzero((numbers < 0) | (numbers >= len(class_names))).tolist()
        problem = f"is not in 0 .. {len(class_names) - 1}, the places in class_names"
    else:
        known = set(class_names)
        outside = [row for row, label in enumerate(text) if label not in known]
        problem = "is not among class_names"
    hint = "give class_names a name for every label"
    DatasetError.refuse(
        outside, lambda row: Problem("not-text", f"{what} {text[row]!r} {problem}", _place(name, row), hint)
    )
    return [class_names[number] for number in numbers.tolist()] if array.dtype.kind in "iu" else text


def texts(values: ArrayLike, what: str, n_examples: int | None, name: str) -> list[str]:
    """Return (N,) whole numbers, truth values or text as text."""
    array = np.asarray(values)
    if array.ndim != 1 or (n_examples is not None and len(array) != n_examples):
        wanted = "(N,)" if n_examples is None else f"({n_examples},), one for each example"
        hint = f"give {what} as a list, in the order of the examples"
        raise DatasetError("wrong-shape", f"{what} have shape {array.shape}, not {wanted}", where=name, hint=hint)
    cells = array.tolist() if array.dtype.kind not in "mM" else list(array)  # NumPy makes numbers of some times
    if array.dtype.kind == "S":
        cells = [cell.decode("utf-8", "replace") for cell in cells]
    if array.dtype.kind == "b":
        return ["true" if cell else "false" for cell in cells]
    odd = next((cell for cell in cells if not isinstance(cell, (str, int)) or isinstance(cell, bool)), None)
    measured = next((cell for cell in cells if isinstance(cell, float) and cell % 1 > 0), None)
    if measured is not None and "label" in what:
        problem = f"{what} are measured numbers such as {measured:g}, not whole numbers or text"
        hint = f"labelscan judges labels that are classes; if these are some, use {what}.astype(str)"
        raise DatasetError("not-labels", problem, where=name, hint=hint)
    if odd is not None:
        raise DatasetError(
            "not-labels",
            f"{what} are {array.dtype}, as in {odd!r}, not whole numbers or text",
            where=name,
            hint=f"use {what}.astype(int) or .astype(str)",
        )
    if what == "class_names" and len(set(cells)) < len(cells):
        twice = next(cell for cell in cells if cells.count(cell) > 1)
        raise DatasetError(
            "class-twice", f"class_names has {twice!r} twice", where=name, hint="give each class a name of its own"
        )
    return [str(cell) for cell in cells]
