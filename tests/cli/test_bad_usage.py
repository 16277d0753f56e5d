"""What cannot work ends in exit code 2 with one message, before anything is trained or written."""

import numpy as np
import pytest
from PIL import Image

from labelscan.__main__ import main

FILES = {
    "notes.doc": "not data",
    "no-label.csv": "path,colour\nphotos/cat/0.png,red\n",
    "missing-files.csv": "path,label\n" + "".join(f"gone/{row}.png,{'ab'[row % 2]}\n" for row in range(30)),
    "empty-label.csv": "path,label\nphotos/cat/0.png,cat\nphotos/cat/1.png,\nphotos/dog/1.png,dog\n",
    "labels.csv": "path,label\nphotos/cat/0.png,cat\nphotos/dog/0.png,dog\n",
    "evil.csv": "path,label\n\x1b[2Jgone.png,a\nphotos/dog/0.png,b\n",
    "table.csv": "x,label\n1,a\nfoo,b\n2,a\n3,b\n",
    "broken.toml": "[folds\n",
    "damaged.csv": "label,prob:a,prob:b\na,0.9,0.1\nb,0.7,0.7\n",
    "known.csv": "example_id,given_label\n3,a\n",
    "decided.csv": "example_id,decision,new_label\n3,keep,\n",
    "wrong.csv": "example_id,decision,new_label\nx,drop,\n",
    "new.csv": "example_id,decision,new_label\n3,relabel,bird\n",
    "perhaps.csv": "example_id,decision,new_label\n3,perhaps,\n",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Make data, files that are wrong, each in its own way, and runs, of which one has been interrupted."""
    folder = tmp_path_factory.mktemp("usage")
    for name in ("photos/cat", "photos/dog", "empty"):
        (folder / name).mkdir(parents=True)
        for number in range(6 if name != "empty" else 0):
            pixels = np.full((8, 8), 20 * number + 3 * (name == "photos/dog"), np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    probs, labels = np.array([[0.9, 0.1], [np.nan, 0.5], [0.8, 0.2], [0.3, 0.7]] * 5), np.array([0, 1, 0, 1] * 5)
    np.savez(folder / "nan.npz", pred_probs=probs, given_labels=labels)
    np.savez(folder / "labels.npz", given_labels=labels)
    np.savez(folder / "probs.npz", pred_probs=np.where(np.isnan(probs), 0.5, probs), given_labels=labels)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for run in ("run", "stopped"):
            assert main(["score", "probs.npz", "-o", run, "-q"]) == 0
    record = folder / "stopped" / "run.json"
    record.write_text(record.read_text().replace('"finished"', '"interrupted"'))
    return folder


@pytest.fixture(autouse=True)
def unchanged(command, made, monkeypatch):
    """Stand in that folder, and see that nothing in it is written."""
    monkeypatch.chdir(made)
    before = {path: path.stat().st_mtime_ns for path in made.rglob("*")}
    yield
    assert {path: path.stat().st_mtime_ns for path in made.rglob("*")} == before


REFUSED = """
wrong-usage: detct photos
unknown-option: detect photos --los ce
no-data: detect
wrong-type: detect photos --epochs many
out-of-range: detect photos --epochs 0
out-of-range: detect photos --self-check=0.2
wrong-usage: detect photos more
no-file: detect nowhere
not-a-data-set: detect notes.doc
no-class-folders: detect empty
no-column: detect no-label.csv
not-typed: detect table.csv
unknown-demo: detect demo:digit
wrong-schedule: detect photos --epochs 4 --loss blurry:delay=4
needs-training: score probs.npz --detector aum
unknown-model: detect photos --model resnet81
out-of-range: detect photos --folds 1
unknown-device: detect photos --device gpu
no-device: detect photos --device cuda:99
unknown-name: detect photos --executor moon
address-not-path: report s3://bucket/run
address-not-path: score probs.npz -o s3://bucket/run
not-a-setting: detect photos --set folds.n_folds
not-valid: detect photos --config broken.toml
not-a-time: detect photos --max-time 0
flags-conflict: detect photos --resume --fresh
no-run: detect photos --resume -o never
is-a-file: detect photos -o notes.doc
not-a-run-folder: detect photos -o photos
out-of-range: detect photos --top -1
flags-conflict: detect photos -q -v
no-splits: detect photos --split train
no-file: detect photos --weights nowhere.pt --model resnet18
wrong-usage: score
no-file: score nowhere.npz
not-finite: score nan.npz
no-column: score labels.npz
not-probabilities: score damaged.csv
wrong-usage: list
unknown-list: list loses
nothing-to-change: apply run
flags-conflict: apply run --relabel --drop
flag-without-effect: apply run --min-error-probability 0.5
out-of-range: apply run --drop --min-error-probability 5
wrong-type: apply run --drop --min-error-probability many
flag-without-effect: apply run --drop --copy
flags-conflict: apply run --drop --link-to there -o here.npz
nothing-to-link: apply run --drop --link-to there
wrong-suffix: apply run --drop -o here.csv
protected-file: apply run --drop -o probs.npz --overwrite
no-file: apply run --drop --data nowhere.npz
no-file: apply run --decisions nowhere.csv
unknown-example: apply run --decisions wrong.csv
unknown-class: apply run --decisions new.csv
unknown-class: apply run --decisions new.csv --allow-new-classes
no-error-probability: apply run --relabel
no-data: benchmark
unknown-errors: benchmark photos
unknown-name: benchmark photos --noise symetric:0.1
out-of-range: benchmark photos --noise pair:0.1 --seeds 0
not-a-time: benchmark photos --noise pair:0.1 --budget soon
flags-conflict: benchmark photos --noise pair:0.1 -q -v
no-data: gate
no-limit: gate run
no-file: gate nowhere --max-issues 0
out-of-range: gate run --max-rate 2
out-of-range: gate run --max-issues -1
no-baseline: gate run --max-new 0
no-baseline: gate run --update-baseline
unknown-format: gate run --max-issues 0 --format xml
no-format-file: gate run --max-issues 0 --format json --format junit
is-a-folder: gate run --max-issues 0 --format json=run
flag-for-data: gate run --max-issues 0 --loss ce
run-not-data: gate run/issues.csv --max-issues 0
no-column: gate run --baseline run/summary.json
format-same-file: gate run --max-issues 0 --format json=x --format junit=./x
protected-file: gate run --max-issues 0 --format json=run/scores.csv
protected-file: gate run --baseline run/issues.csv --format json=run/../run/issues.csv
run-file: gate run --baseline run/issues.csv --update-baseline
flag-for-training: gate run --max-issues 0 --set seed=3
unknown-format: report run --format pdf
format-twice: report run --format html --format html
flags-conflict: report run --format html=a -o b
flags-conflict: report run --format html --format markdown -o b
flags-conflict: report run --format markdown --json
is-a-folder: report run -o run
protected-file: report run -o run/scores.csv
protected-file: report run --format markdown=run/issues.csv
format-same-file: report run --format html=a --format markdown=./a
flag-without-effect: report run --port 80
out-of-range: report run --serve --port 65536
flags-conflict: report run --serve -o b
flag-without-effect: report run --data probs.npz
flags-conflict: report run --serve --json
flags-conflict: report run --serve --format html
auto-not-alone: detect photos --model auto --model mlp
model-twice: detect photos --model linear --model linear
unknown-model: detect photos --model linear --model smal-cnn
wrong-model: detect photos --model linear --model small-cnn:head=mlp
no-run: diff run newer
run-unfinished: diff run stopped
is-a-folder: diff run run -o run
wrong-usage: diff run
protected-file: diff run run -o run/scores.csv
protected-file: diff run run -o run/decisions.csv
protected-file: diff run run -o probs.npz
no-run: report nowhere
run-unfinished: report stopped
flag-without-effect: report run --image-root /data
wrong-suffix: report run --format label-studio=b.xml
no-cache: cache --cache none
run-unfinished: gate stopped --max-issues 9
no-format-file: gate --max-issues 3 --format json=- --format text
protected-file: gate run --baseline known.csv --format json=./known.csv
protected-file: gate probs.npz --max-issues 0 --format json=probs.npz
protected-file: gate run --max-issues 9 --format json=run/decisions.csv
protected-file: gate photos --max-issues 9 --format json=photos/dog/new.json
protected-file: gate photos --max-issues 9 --format json=photos/dog/0.png
no-limit: gate labels.csv
no-file: gate labels.csv --baseline gone.csv
no-given-label: gate run --baseline decided.csv --update-baseline
protected-file: gate run --max-issues 9 --decisions decided.csv --format text=decided.csv
not-a-decision: score probs.npz -o run --decisions perhaps.csv
not-a-decision: gate run --max-issues=9 --decisions perhaps.csv
not-a-decision: detect demo:digits -o new --decisions perhaps.csv
not-a-decision: gate demo:digits -o new --max-issues=9 --decisions perhaps.csv
no-file: detect demo:digits -o new --decisions gone.csv
given-twice: score probs.npz probs.npz
"""
"""The code of the error, and a command line."""


@pytest.mark.parametrize("case", REFUSED.strip().splitlines())
def test_it_ends_in_2_with_one_message(command, case):
    code, _, line = case.partition(": ")
    ended = command(*line.split(), "--debug")
    assert (ended.code, ended.out) == (2, ""), ended.err
    assert "Traceback" in ended.err
    assert ended.err.count("error[") == ended.err.count(f"error[{code}]: ") == 1, ended.err


# What the message must name, so that a slip is seen at once.
@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("detect photos --eopchs 3", "did you mean --epochs?"),
        ("detect photos --zzz", "see labelscan detect --help"),
        ("detect photos --config quik", "did you mean quick?"),
        ("detect photo", "did you mean photos"),
        ("detect empty-label.csv", "empty-label.csv row 3"),
        ("detect photos --loss blury", "use blurry"),
        ("detect photos --set folds.n_fold=3", "did you mean folds.n_folds?"),
        ("gate run/../run/scores.csv --max-issues 0", "did you mean run"),
        ("report runs", "did you mean run?"),
        ("report run/scores.csv", "did you mean run?"),
        ("apply run --relabel", "--min-error-probability 0.9"),
    ],
)
def test_what_was_probably_meant_is_named(command, line, named):
    ended = command(*line.split())
    assert ended.code == 2
    assert named in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    "line",
    ["score {}", "report {}", "diff {} {}", "detect photos -o {}", "detect photos --config {}", "cache --cache {}"],
)
def test_a_path_that_is_too_long_is_bad_usage(command, line):
    test_it_ends_in_2_with_one_message(command, f"path-too-long: {line.format(*2 * ['x' * 5000])}")


def test_many_problems_are_reported_at_once_and_their_hint_once(command):
    ended = command("detect", "missing-files.csv")
    assert ended.code == 2
    assert ended.err.count("error: missing-files.csv row") == 20
    assert "10 more problems" in ended.err
    assert ended.err.count("hint: ") <= 2


def test_an_unknown_variable_is_named(command, monkeypatch):
    monkeypatch.setenv("LABELSCAN_TRAINING_EPOCH", "3")
    ended = command("detect", "photos")
    assert ended.code == 2
    assert "LABELSCAN_TRAINING_EPOCHS" in ended.err


def test_a_label_cannot_write_to_the_terminal(command):
    ended = command("detect", "evil.csv")
    assert "\x1b" not in ended.err
    assert "\\x1b[2Jgone.png" in ended.err


@pytest.mark.parametrize(
    "line",
    [
        "detect ~nobody-here/a.csv",
        "detect demo:digits --decisions ~nobody-here/a.csv",
        "score ~nobody-here/a.npz",
        "gate demo:digits --baseline ~nobody-here/a.csv --format json=~nobody-here/a.json",
        "benchmark demo:digits --noise matrix:~nobody-here/a.csv --dry-run",
    ],
)
def test_the_home_of_nobody_is_a_file_that_is_not_there(command, line):
    ended = command(*line.split())
    assert ended.code == 2
    assert "~nobody-here" in ended.err
