"""Files that are refused as data, since they are about labels: probabilities of classes, and what labelscan writes.

A model trained on them would seem to work, having learned only what they say.
"""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from labelscan.config import DatasetConfig
from labelscan.errors import DatasetError

PROB_PREFIX = "prob:"
"""How the name of a column of probabilities begins; the class follows, as it is written in the labels."""
OWN_FILES: Mapping[tuple[str, ...], tuple[str, str]] = {
    ("rank", "example_id", "path", "given_label", "suggested_label", "label_quality"): (
        "the results of a run",
        "name the data that was judged; labelscan report RUN shows the results",
    ),
    ("example_id", "decision", "new_label"): (
        "the decisions of a reviewer",
        "name the data that was reviewed; labelscan apply RUN --decisions FILE carries them out",
    ),
    ("example_id", "action", "old_label", "new_label"): (
        "a log of changes",
        "name the corrected copy beside it",
    ),
}
"""First columns of our own files: what the file is, and what the user probably meant."""


def refuse_own_files(names: Sequence[str], path: Path) -> None:
    """Raise DatasetError for the columns of a file that labelscan has written."""
    for columns, (what, hint) in OWN_FILES.items():
        if tuple(names[: len(columns)]) == columns:
            raise DatasetError("not-data", f"these are {what}, not data", where=path.name, hint=hint)


def refuse_prob_columns(names: Sequence[str], config: DatasetConfig) -> None:
    """Raise DatasetError where a column that would be a feature is a probability."""
    if any(name.startswith(PROB_PREFIX) for name in names):
        raise no_features(config)


def no_features(config: DatasetConfig) -> DatasetError:
    """Return the error for a file of probabilities in place of features."""
    label = ["--label-column", config.label_column] if config.label_column else []
    command = shlex.join(["labelscan", "score", config.data, *label])
    return DatasetError(
        "run-not-data",
        "these are probabilities of classes, not features",
        where=Path(config.data).name,
        hint=f"{command} judges labels by them, then labelscan gate RUN",
    )
