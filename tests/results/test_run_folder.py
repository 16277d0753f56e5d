import json

import pytest

from labelscan.errors import RunFolderError
from labelscan.results.run_folder import open_run, recorded_fingerprint

DEPENDS = {"command": "detect", "training.epochs": 3}
DATA = {"fingerprint": "0123", "examples": 10, "classes": 2}


def opened(folder, *, depends=DEPENDS, data=DATA, **options):
    return open_run(folder, settings={}, results_depend_on=depends, data=data, **options)


def state(folder):
    return json.loads((folder / "run.json").read_text())["state"]


def test_a_run_says_how_it_ended(tmp_path):
    with opened(tmp_path):
        assert state(tmp_path) == "running"
        assert recorded_fingerprint(tmp_path) == "0123"
    assert state(tmp_path) == "finished"
    for error, end in ((KeyboardInterrupt, "interrupted"), (ValueError, "failed")):
        with pytest.raises(error), opened(tmp_path):
            raise error
        assert state(tmp_path) == end


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"depends": {**DEPENDS, "command": "score"}}, "run of another command"),
        ({"depends": {**DEPENDS, "training.epochs": 0}}, r"training\.epochs was 3 and is automatic"),
        ({"data": {**DATA, "fingerprint": "4567", "examples": 9}}, "data has changed since this run: examples was 10"),
    ],
)
def test_another_run_in_the_folder_is_refused_with_what_differs(tmp_path, change, problem):
    with opened(tmp_path):
        pass
    with pytest.raises(RunFolderError, match=problem), opened(tmp_path, **change):
        pass
    with opened(tmp_path, **change, fresh=True):
        pass


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", r"run\.json: cannot be read"),
        ("[]", r"run\.json: cannot be read"),
        ('{"format_version": 0}', "another version of labelscan"),
        ('{"format_version": 1, "data": {}}', "cannot be read .no results_depend_on"),
        ('{"format_version": 1, "results_depend_on": {}, "data": []}', "cannot be read .no data"),
    ],
)
def test_a_damaged_record_is_refused_and_fresh_starts_over(tmp_path, content, problem):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(RunFolderError, match=problem), opened(tmp_path):
        pass
    with opened(tmp_path, fresh=True):
        pass
    assert state(tmp_path) == "finished"


def test_what_a_run_killed_at_its_start_leaves_is_no_stranger(tmp_path):
    (tmp_path / "fold-0-0").mkdir()
    (tmp_path / ".run.json.17.partial").write_text("{")
    with opened(tmp_path):
        pass
    assert state(tmp_path) == "finished"
