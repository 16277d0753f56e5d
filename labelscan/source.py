"""The data of a finished run, found again where the run read it: for pictures, and to write its labels corrected."""

import dataclasses

from labelscan import readers
from labelscan.config import DatasetConfig, build, read_file
from labelscan.dataset import Dataset
from labelscan.errors import DatasetError
from labelscan.events import Listener, ignore
from labelscan.finished_run import FinishedRun
from labelscan.run_folder import RUN_FILE

SCHEMES = ("demo", "torchvision")


def dataset_config(run: FinishedRun, *, data: str = "") -> DatasetConfig:
    """Return the settings by which the data of a run is read, its places found from here.

    Args:
        run: of ``detect``.
        data: where the data lies now; empty is where the run found it.

    Raises:
        DatasetError: the data was in memory only, or the run had probabilities and no data.
    """
    config = build(read_file(run.folder / RUN_FILE)).dataset
    if not config.data:
        raise DatasetError(
            "the data of this run is in no file: it had arrays in memory, or probabilities alone",
            where=str(run.folder),
            hint="name a file or folder of the same examples and labels by --data",
        )
    scheme = config.data.partition(":")[0]
    found = config.data if scheme in SCHEMES else str(run.locate(config.data))
    return dataclasses.replace(config, data=data or found, root=str(run.locate(config.root)), download=False)


def read_again(run: FinishedRun, *, data: str = "", notify: Listener = ignore) -> Dataset:
    """Return the data set that a run was about, found to be the same; contents of image files are not looked at.

    Args:
        run: of ``detect``.
        data: where the data lies now; empty is where the run found it.
        notify: told of the reading.

    Raises:
        DatasetError: the data is not there, cannot be read, or is no longer the same.
    """
    config = dataset_config(run, data=data)
    dataset = readers.read(config, notify)
    if dataset.fingerprint() != run.recorded("data").get("fingerprint"):
        raise DatasetError(
            f"this is not the data of {run.folder}: other ids, labels or contents",
            where=config.data,
            hint="run labelscan detect on it anew, or name the data as it was by --data",
        )
    return dataset
