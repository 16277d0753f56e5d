"""What cannot work ends in exit code 2 with one clear message, before anything is trained or written."""

import json

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(autouse=True)
def files(tmp_path):
    """Make files that are wrong, each in its own way."""
    for name in ("cat", "dog"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(6):
            Image.fromarray(np.full((8, 8), 20 * number + len(name) * (name == "dog"), np.uint8)).save(
                tmp_path / "photos" / name / f"{number}.png"
            )
    (tmp_path / "empty").mkdir()
    (tmp_path / "one" / "cat").mkdir(parents=True)
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "one" / "cat" / "1.png")
    write = {
        "notes.doc": "not data",
        "nothing.csv": "",
        "header.csv": "path,label\n",
        "no-label.csv": "path,colour\nphotos/cat/0.png,red\n",
        "missing-files.csv": "path,label\n" + "".join(f"gone/{row}.png,{'ab'[row % 2]}\n" for row in range(30)),
        "empty-label.csv": "path,label\nphotos/cat/0.png,cat\nphotos/cat/1.png,\nphotos/dog/1.png,dog\n",
        "twice.csv": "path,label\nphotos/cat/0.png,cat\nphotos/cat/0.png,dog\n",
        "boxes.csv": "path,label,bbox\nphotos/cat/0.png,cat,1 2 3 4\nphotos/dog/0.png,dog,1 2 3 4\n",
        "labels.csv": "path,label\nphotos/cat/0.png,cat\nphotos/dog/0.png,dog\n",
        "table.csv": "x,label\n1,a\nfoo,b\n2,a\n3,b\n",
        "broken.toml": "[folds\n",
        "unknown.toml": "[folds]\nn_fold = 3\n",
        "typed.toml": '[folds]\nn_folds = "three"\n',
        "broken.npz": "not an npz",
        "probs.csv": "label,prob:a,prob:b\na,0.9,0.1\nb,0.7,0.7\n",
    }
    for name, text in write.items():
        (tmp_path / name).write_text(text)
    pickled = np.array([{"a": 1}], dtype=object)
    np.savez(tmp_path / "pickled.npz", images=pickled, labels=pickled)
    np.savez(tmp_path / "short.npz", images=np.zeros((4, 8, 8), np.uint8), labels=np.array([0, 1, 0]))
    probs = np.array([[0.9, 0.1], [np.nan, 0.5], [0.8, 0.2], [0.3, 0.7]])
    np.savez(tmp_path / "nan.npz", pred_probs=probs, given_labels=np.array([0, 1, 0, 1]))
    np.savez(tmp_path / "labels.npz", given_labels=np.array([0, 1, 0, 1]))


# Arguments, and what the message must name.
CASES = [
    ("detct photos", "detct"),
    ("detect photos --los ce", "did you mean --loss?"),
    ("detect photos --eopchs 3", "did you mean --epochs?"),
    ("detect photos --config fotos", "did you mean photos?"),
    ("detect photos --zzz", "see labelscan detect --help"),
    ("detect", "no data"),
    ("detect photos --epochs many", "many"),
    ("detect photos --epochs 0", "--epochs"),
    ("detect photos --self-check=half", "--self-check"),
    ("detect photos --self-check=0.2", "between 0 and 0.1"),
    ("detect photos more", "more"),
    ("detect nowhere", "nowhere"),
    ("detect photo", "did you mean photos"),
    ("detect notes.doc", ".doc"),
    ("detect empty", "empty"),
    ("detect one", "1 class"),
    ("detect nothing.csv", "nothing.csv"),
    ("detect header.csv", "no example"),
    ("detect no-label.csv", "call it label, given_label"),
    ("detect labels.csv --label-column lable", "did you mean 'label'"),
    ("detect labels.csv --label-column trueLabel", "did you mean 'label'"),
    ("detect empty-label.csv", "row 3"),
    ("detect twice.csv", "twice"),
    ("detect boxes.csv", "bbox"),
    ("detect table.csv", "foo"),
    ("detect broken.npz", "broken.npz"),
    ("detect pickled.npz", "pickled.npz"),
    ("detect short.npz", "4"),
    ("detect demo:digit", "demo:digits"),
    ("detect demo:digits?noise=symetric:0.1", "symmetric"),
    ("detect demo:digits?noise=symmetric:2", "below 1"),
    ("detect photos --loss blury", "blurry"),
    ("detect photos --loss blurry:gama=1", "gamma"),
    ("detect photos --loss blurry:gamma=-1", "at least 0"),
    ("detect photos --loss blurry:gamma", "gamma"),
    ("detect photos --epochs 4 --loss blurry:delay=4", "delay"),
    ("detect photos --detector confident", "confident-learning"),
    ("detect photos --detector confident-learning:filter_by=all", "prune_by_class"),
    ("detect photos --detector aum:percentile=101", "at most 100"),
    ("score probs.npz --detector aum", "labelscan detect"),
    ("detect photos --model resnet81", "resnet18"),
    ("detect photos --folds 1", "at least 2"),
    ("detect photos --seed -1", "at least 0"),
    ("detect photos --precision half", "float16"),
    ("detect photos --device gpu", "gpu"),
    ("detect photos --device cuda:99", "cuda:99"),
    ("detect photos --on-unreadable skip", "keep, error"),
    ("detect photos --executor moon", "local"),
    ("report s3://bucket/run", "path of this machine"),
    ("score probs.npz -o s3://bucket/run", "path of this machine"),
    ("detect photos --set folds.n_fold=3", "folds.n_folds"),
    ("detect photos --set folds.n_folds", "section.name=value"),
    ("detect photos --config fast", "--config"),
    ("detect photos --config quik", "quick"),
    ("detect photos --config broken.toml", "broken.toml"),
    ("detect photos --config unknown.toml", "folds.n_folds"),
    ("detect photos --config typed.toml", "three"),
    ("detect photos --max-time soon", "soon"),
    ("detect photos --max-time 0", "--max-time"),
    ("detect photos --resume --fresh", "--resume"),
    ("detect photos --resume -o never", "never"),
    ("detect photos -o notes.doc", "notes.doc"),
    ("detect photos -o photos", "not empty"),
    ("detect photos --top -1", "--top"),
    ("detect photos -q -v", "--quiet"),
    ("detect photos --split train", "split"),
    ("detect photos --weights nowhere.pt --model resnet18", "nowhere.pt"),
    ("score", "PROBS"),
    ("score nowhere.npz", "nowhere.npz"),
    ("score nan.npz", "nan"),
    ("score labels.npz", "rename"),
    ("score probs.csv", "row 3"),
    ("list", "WHAT"),
    ("list loses", "losses"),
]


@pytest.mark.parametrize(("line", "named"), CASES, ids=[line for line, _ in CASES])
def test_it_ends_in_2_with_one_clear_message(command, line, named):
    ended = command(*line.split())
    assert ended.code == 2, ended.err
    assert ended.out == ""
    assert ended.err.count("error: ") == 1
    assert named.lower() in ended.err.lower()
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    "line",
    ["score {}", "report {}", "diff {} {}", "detect photos -o {}", "detect photos --config {}", "cache --cache {}"],
)
def test_a_path_that_is_too_long_is_bad_usage(command, line):
    test_it_ends_in_2_with_one_clear_message(command, line.format(*2 * ["x" * 5000]), "the path is too long")


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


def test_nothing_is_written_by_what_cannot_work(command, tmp_path):
    before = sorted(path.name for path in tmp_path.iterdir())
    command("detect", "photos", "--loss", "blury")
    command("detect", "photos", "--folds", "1")
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_debug_shows_the_traceback_and_the_same_message(command):
    ended = command("detect", "nowhere", "--debug")
    assert ended.code == 2
    assert "Traceback" in ended.err
    assert ended.err.rstrip().splitlines()[-2].startswith("error[no-file]: nowhere")


def test_a_label_cannot_write_to_the_terminal(command, tmp_path):
    (tmp_path / "evil.csv").write_text("path,label\n\x1b[2Jgone.png,a\nphotos/dog/0.png,b\n")
    ended = command("detect", "evil.csv")
    assert "\x1b" not in ended.err
    assert "\\x1b[2Jgone.png" in ended.err


def test_json_is_not_mixed_with_errors(command):
    ended = command("list", "configs", "--json")
    assert json.loads(ended.out)
    assert command("detect", "nowhere", "--json").out == ""


@pytest.mark.parametrize(
    "line",
    [
        "detect ~nobody-here/a.csv",
        "detect demo:digits --decisions ~nobody-here/a.csv",
        "score ~nobody-here/a.npz",
        "gate demo:digits --baseline ~nobody-here/a.csv --format json=~nobody-here/a.json",
        "benchmark demo:digits --noise matrix:~nobody-here/a.csv",
    ],
)
def test_the_home_of_nobody_is_a_file_that_is_not_there(command, line):
    ended = command(*line.split(), *(["--dry-run"] if line.startswith("bench") else []))
    assert ended.code == 2
    assert "~nobody-here" in ended.err
