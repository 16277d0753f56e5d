import json

import pytest

from labelscan.benchmarking.runs import CellMark

MARK = {"fingerprint": "0123", "contents": "", "trained_for": "", "seconds": 1.5}


@pytest.mark.parametrize(
    "content", [json.dumps({**MARK, "seconds": "long"}), json.dumps({"seconds": 1.5}), "[]", "null", "{"]
)
def test_a_mark_that_cannot_be_read_is_that_of_a_cell_never_begun(tmp_path, content):
    CellMark(**MARK).write(tmp_path / "cell")
    assert CellMark.read(tmp_path / "cell") == CellMark(**MARK)
    (tmp_path / "cell.json").write_text(content)
    assert CellMark.read(tmp_path / "cell") is None
