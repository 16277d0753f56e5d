"""What tests of readers do with data: read it, or see what it is refused for."""

import pytest

from labelscan.config import DatasetConfig
from labelscan.data.readers import read
from labelscan.errors import DatasetError


def write(folder, text, name="table.csv", encoding="utf-8"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def load(path, **config):
    return read(DatasetConfig(data=str(path), **config))


def given(dataset):
    """Return the names of the given labels."""
    return [dataset.class_names[label] for label in dataset.given_labels]


def problems_of(path, **config):
    """Return what the data is refused for."""
    with pytest.raises(DatasetError) as caught:
        load(path, **config)
    return caught.value.problems


def refused(path, **config):
    """Return the code and the place of each problem."""
    return [(one.code, one.where) for one in problems_of(path, **config)]


def hint(path, **config):
    """Return what to do about the first problem."""
    return problems_of(path, **config)[0].hint
