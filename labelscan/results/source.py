"""The data of a finished run, found again: for pictures, and to write a corrected copy of its labels."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from labelscan.config import DatasetConfig, build, read_file
from labelscan.data import readers
from labelscan.data.dataset import Dataset
from labelscan.data.prob_files import find_prob_table_columns, read_probabilities
from labelscan.data.readers.arrow_sheet import is_arrow_folder
from labelscan.data.readers.columns import Columns, find_columns, has_path
from labelscan.data.readers.sheet import column_names, is_sheet, single_valued
from labelscan.errors import DatasetError
from labelscan.events import Listener, ignore
from labelscan.files.reading import with_home
from labelscan.files.urls import is_url
from labelscan.results.run import FinishedRun
from labelscan.runs.files import RUN_FILE
from labelscan.runs.record import GivenFiles

NOT_PLANTED = "give the run on the data itself, not its self-check or a cell of a benchmark"
"""The hint where planted labels are of no use."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """The data of a run, and where its labels are written."""

    command: Literal["detect", "score"]
    """What reads it: ``detect`` images or features, ``score`` probabilities with labels."""
    config: DatasetConfig
    """With the place where the data is now, and the columns as they were given."""
    dataset: Dataset

    @property
    def file(self) -> Path | None:
        """Return the file, or folder of Arrow files, that holds the labels; None for class folders and named sets."""
        path = with_home(self.config.data)
        return None if readers.scheme_of(self.config.data) or path == self.class_folders else path

    @property
    def class_folders(self) -> Path | None:
        """Return the folder that holds the class folders, if any."""
        path = with_home(self.config.data)
        has_folders = not readers.scheme_of(self.config.data) and path.is_dir() and not is_arrow_folder(path)
        return path if has_folders else None

    def columns(self) -> Columns | None:
        """Return the columns of the file, or None where it is not a sheet."""
        path = self.file
        if path is None or not is_sheet(path):
            return None
        names = single_valued(path, column_names(path, self.config.encoding))
        if self.command == "score":
            return find_prob_table_columns(names, self.config.label_column, path.name)
        with_path = readers.form(self.config) in ("manifest", "embeddings") and has_path(names, self.config)
        return find_columns(names, self.config, where=path.name, with_path=with_path)


def given_place(run: FinishedRun) -> str:
    """Return the file or folder that a run was given; empty for a demo, a torchvision set or arrays in memory."""
    if run.is_of_score:
        return run.record.source.file if run.record.source else ""
    data = str(run.record.section("dataset").get("data") or "")
    return "" if readers.scheme_of(data) else data


def find_source(run: FinishedRun, *, data: str = "", notify: Listener = ignore) -> Source:
    """Return the data of a run of ``detect`` or ``score``, checked to be the same.

    ``data`` is where the data, or the file of probabilities, is now; empty is where the run found it.

    Raises:
        DatasetError: the data is missing, cannot be read, has changed, or was in memory only.
    """
    if not run.is_of_score:
        dataset = read_again(run, data=data, notify=notify)
        return Source(command="detect", config=_dataset_config(run, data=data), dataset=dataset)
    recorded = run.record.source or GivenFiles(file="")
    file, label_column = data or recorded.file, recorded.label_column
    if not file:
        problem = "it is not known which file the probabilities of this run came from"
        hint = "they may have been in memory only; if there is a file of them, name it with --data"
        raise DatasetError("unknown-source", problem, where=str(run.folder), hint=hint)
    _check_there(file, data)
    probabilities = read_probabilities(Path(file), label_column=label_column)
    _refuse_other(run, probabilities.fingerprint(), file, expected=recorded.fingerprint)
    config = DatasetConfig(data=file, label_column=label_column)
    return Source(command="score", config=config, dataset=probabilities.dataset)


def read_again(run: FinishedRun, *, data: str = "", notify: Listener = ignore) -> Dataset:
    """Return the data set of a run of ``detect``, as ``find_source`` does; image files are not compared."""
    config = _dataset_config(run, data=data)
    if not config.data:
        assert run.dataset is not None, "there is nothing else to read"
        return run.dataset
    _check_there(config.data, data)
    dataset = readers.read(config, notify)
    _refuse_other(run, dataset.fingerprint(), config.data)
    return dataset


def _dataset_config(run: FinishedRun, *, data: str = "") -> DatasetConfig:
    """Return the settings that read the data of a run, with its places as they are reached from here."""
    if run.record.planted:
        problem = "the labels of this run were planted, and are not those of the data"
        raise DatasetError("planted-labels", problem, where=str(run.folder), hint=NOT_PLANTED)
    config = build(read_file(run.folder / RUN_FILE)).dataset
    if not config.data and not data and run.dataset is None:
        problem = "the data of this run is in no file: it was in memory, or was probabilities alone"
        hint = "name the same examples and labels in a file with --data, or give the run as detect returned it"
        raise DatasetError("unknown-source", problem, where=str(run.folder), hint=hint)
    found, features = config.data, config.features
    if found and not readers.scheme_of(found):
        found = str(run.locate(found))
    if features and not is_url(features):
        features = str(run.locate(features))
    root = str(run.locate(config.root))
    return dataclasses.replace(config, data=data or found, features=features, root=root, download=False)


def _check_there(found: str, data: str) -> None:
    """Raise DatasetError where the data is no longer where the run found it, and no other place is given."""
    names_several = "{" in found  # tar files, of which their reader says which are missing
    if not data and not readers.scheme_of(found) and not names_several and not with_home(found).exists():
        raise DatasetError("no-file", "no such file or folder", where=found, hint="say where it is now with --data")


def _refuse_other(run: FinishedRun, fingerprint: str, where: str, *, expected: str = "") -> None:
    if fingerprint != (expected or run.record.data.fingerprint):
        problem = f"this is not the data of {run.folder}: other ids, labels or contents"
        hint = "run labelscan on it again, or name the original data with --data"
        raise DatasetError("other-data", problem, where=where, hint=hint)
