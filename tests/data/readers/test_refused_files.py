"""What labelscan has written is no data."""

import pytest

from labelscan.config import DatasetConfig
from labelscan.correction import corrections, decisions
from labelscan.data.readers import read
from labelscan.errors import DatasetError
from labelscan.results import issues


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (issues.ISSUE_COLUMNS, "these are the results of a run, not data; hint: name the data that was judged"),
        (issues.SCORE_COLUMNS, "these are the results of a run"),
        ((*issues.SCORE_COLUMNS, issues.TRUE_LABEL), "these are the results of a run"),
        (decisions.COLUMNS, "these are the decisions of a reviewer"),
        (corrections.COLUMNS, "these are a log of changes"),
    ],
)
@pytest.mark.parametrize("label", ["", "given_label"])
def test_own_files_are_refused_as_data(tmp_path, columns, message, label):
    path = tmp_path / "renamed.csv"
    path.write_text(f"{','.join(columns)}\n{','.join('1' for _ in columns)}\n")
    with pytest.raises(DatasetError) as refused:
        read(DatasetConfig(data=str(path), label_column=label))
    assert message in str(refused.value)
