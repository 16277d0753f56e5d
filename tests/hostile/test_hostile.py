"""Every kind of hostile input ends in one clear error, or is read: no crash, no hang, no gigabytes, nothing written."""

import json
import os
import resource
import shlex
import shutil
import signal
import stat
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from signed import forget_checksums

import labelscan
from hostile.corpus import CORPUS, kinds
from hostile.images import LINE
from hostile.kinds import IMAGES, file, photos
from labelscan.__main__ import main
from labelscan.errors import MAX_PROBLEMS

MOST_BYTES = 400 << 20
"""By how much the memory of the process may grow: what is loaded for the first time is part of it."""
SECONDS = 60


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory):
    """Make a run of probabilities of twelve examples."""
    folder = tmp_path_factory.mktemp("finished")
    given_labels = np.arange(12) % 2
    pred_probs = np.where(given_labels[:, None] == [0, 1], 0.9, 0.1)
    pred_probs[3] = [0.9, 0.1]
    np.savez(folder / "probs.npz", pred_probs=pred_probs, given_labels=given_labels)
    labelscan.score(folder / "probs.npz", output=folder / "run")
    forget_checksums(folder / "run")  # else they alone would be asked
    return folder


@pytest.fixture
def in_time():
    """Have what hangs fail."""

    def fail(*_):
        raise TimeoutError(f"not done in {SECONDS} s")

    signal.signal(signal.SIGALRM, fail)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)


def forget_most_memory():
    """Have the most memory that was in use begin from now, where Linux allows it: an earlier test may have had more."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def files(folder):
    """Return what is in a folder, pipes unopened."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        is_file = stat.S_ISREG(status.st_mode) and os.access(path, os.R_OK)
        found[str(path)] = (status.st_mode, status.st_mtime_ns, path.read_bytes() if is_file else b"")
    return found


def make(kind, tmp_path, finished_run):
    if not kind.as_root and os.geteuid() == 0:
        pytest.skip("no permission keeps root out")
    if kind in ON_A_RUN:
        shutil.copytree(finished_run, tmp_path, dirs_exist_ok=True)
    kind.make(tmp_path)


ON_A_RUN = [kind for _, kind in kinds("run folders", "decisions", "baselines")]
NOT_IMAGES = [group for group in CORPUS if group != "images"]


@pytest.mark.parametrize("kind", [pytest.param(kind, id=name) for name, kind in kinds(*NOT_IMAGES)])
def test_it_is_refused_in_one_clear_error_or_read(kind, command, tmp_path, finished_run, in_time):
    make(kind, tmp_path, finished_run)
    forget_most_memory()
    before, memory = files(tmp_path), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ended = command(*shlex.split(kind.line), "--debug")
    assert ended.code == (2 if kind.code else 0), ended.err
    if kind.code:
        text = " ".join(ended.err[ended.err.index("\nerror[") :].split())  # what stands before is the traceback
        assert ended.out == ""
        assert 1 <= text.count(f"error[{kind.code}]: ") <= MAX_PROBLEMS
        assert kind.names in text
        assert "hint: " in text or "must be" in text  # what it must be is what to do
        assert len(text) < 2000
    assert files(tmp_path) == before
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < MOST_BYTES >> 10


@pytest.fixture(scope="module")
def status(tmp_path_factory):
    """Have one run read all images; return the status of each by its id."""
    folder = tmp_path_factory.mktemp("images")
    photos("data/")(folder)
    for _, kind in kinds("images"):
        if kind.as_root or os.geteuid() != 0:
            kind.make(folder)
    before = files(folder / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(shlex.split(LINE)) == 0
    assert files(folder / "data") == before
    return pd.read_csv(folder / "run" / "examples.csv", dtype=str).set_index("example_id")["status"]


@pytest.mark.parametrize("kind", [pytest.param(kind, id=name) for name, kind in kinds("images")])
def test_an_image_keeps_its_row(kind, status):
    if not kind.as_root and os.geteuid() == 0:
        pytest.skip("no permission keeps root out")
    if kind.kept:
        assert status[kind.names].startswith("unreadable: ")
        assert kind.kept in status[kind.names]
    else:
        assert status[kind.names] == "scored"


def test_each_kind_has_a_name_of_its_own():
    names = [name for name, _ in kinds()]
    assert len(set(names)) == len(names)


# Paths that no file can have, each kept with its reason: real training, once.
ODD_PATHS = {"a" * 300: "File name too long", "b\0.png": "no file can have this path", "a/" * 3000: "too long"}


def test_a_path_that_no_file_can_have_keeps_its_row_with_the_reason(command, tmp_path):
    photos()(tmp_path)
    rows = [{"path": path, "label": "cat", "id": str(row)} for row, path in enumerate(ODD_PATHS)]
    rows += [{"path": path, "label": path[:3], "id": path} for path in IMAGES]
    file("bad.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows))(tmp_path)
    assert command(*shlex.split(LINE.replace("detect data", "detect bad.jsonl"))).code == 0
    status = pd.read_csv(tmp_path / "run" / "scores.csv", dtype=str).set_index("example_id")["status"]
    for row, why in enumerate(ODD_PATHS.values()):
        assert why in status[str(row)]
    assert (status == "scored").sum() == len(IMAGES)
