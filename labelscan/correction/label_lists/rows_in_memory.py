"""A corrected copy of texts or of a table that came from memory, or from a reader that knows no file: a csv file."""

from pathlib import Path

import pandas as pd

from labelscan.config import DatasetConfig
from labelscan.correction.corrections import Corrections
from labelscan.correction.label_lists.listed_files import new_labels
from labelscan.correction.label_lists.rows import ID_COLUMN
from labelscan.data.dataset import Dataset
from labelscan.data.inputs import ColumnTable, FeatureTable, Texts
from labelscan.errors import DatasetError
from labelscan.files.atomic import replacing

SETTINGS = ("split", "label_column", "true_label_column", "group_column", "split_column")
"""Those that the copy is read with, since it keeps the names of these columns."""
TEXT = "text"


def write(dataset: Dataset, config: DatasetConfig, corrections: Corrections, output: Path) -> None:
    """Write all rows that are not dropped; gaps are empty, and numbers have all their digits.

    Raises:
        DatasetError: a column of features is called as one that the copy adds.
    """
    inputs = _inputs(dataset.inputs)
    columns = {
        ID_COLUMN: dataset.example_ids,
        "label": new_labels(dataset, corrections),
        "group": dataset.groups,
        "split": dataset.splits,
        "true_label": None
        if dataset.true_labels is None
        else [dataset.true_class_names[i] for i in dataset.true_labels],
    }
    added = {
        getattr(config, f"{role}_column", "") or role: pd.Series(cells, dtype=object)
        for role, cells in columns.items()
        if cells is not None
    }
    if twice := next((name for name in added if name in inputs.columns), ""):
        problem = f"a corrected copy has no place for its own column {twice!r} beside one of features of that name"
        raise DatasetError("column-taken", problem, where=dataset.name, hint="rename the column before the run")
    ids = {ID_COLUMN: added.pop(ID_COLUMN)}
    frame = pd.concat([pd.DataFrame(ids), inputs, pd.DataFrame(added)], axis=1)
    with replacing(output) as file:
        # Lines end as RFC 4180 has it; a lone carriage return is quoted then.
        frame.iloc[corrections.kept_rows(dataset.example_ids)].to_csv(file, index=False, lineterminator="\r\n")


def _inputs(inputs: object) -> pd.DataFrame:
    if isinstance(inputs, ColumnTable):
        return inputs.frame
    if isinstance(inputs, Texts):
        return pd.DataFrame({TEXT: inputs.texts}, dtype=object)
    assert isinstance(inputs, FeatureTable), "images are in files or arrays"
    return pd.DataFrame(inputs.features, columns=inputs.names or None)
