"""Help and version come at once: nothing heavy is imported for them."""

import json
import os
import subprocess
import sys

import pytest

HEAVY = ["torch", "torchvision", "numpy", "pandas", "sklearn", "scipy", "cleanlab", "PIL", "rich"]
COMMANDS = ("detect", "report", "apply", "gate", "diff", "status", "benchmark", "cache")
LIGHT = ["--help", "--version", "", *(f"{name} --help" for name in COMMANDS)]
RUN_LINES = """
import json, sys
from labelscan.__main__ import main

ended = [(main(line.split()), list(sys.modules)) for line in json.loads(sys.argv[1])]
print(json.dumps(ended))
"""


def python(code, *arguments, folder=None, **environment):
    """Run code in another interpreter and return what it prints."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        check=True,
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, **environment},
    ).stdout


def run_lines(lines, folder=None):
    """Run command lines one after another in another interpreter; yield each, its code and the modules loaded."""
    ended = json.loads(python(RUN_LINES, json.dumps(lines), folder=folder).splitlines()[-1])
    for line, (code, modules) in zip(lines, ended, strict=True):
        yield line, code, set(modules)


def test_it_imports_nothing_heavy():
    for line, code, loaded in run_lines(LIGHT):
        assert (code, loaded & set(HEAVY)) == (0, set()), line


def test_readers_are_known_without_loading_torch_or_pandas():
    python("import sys, labelscan.data.readers; assert not {'torch', 'pandas'} & {*sys.modules}")


def test_completion_knows_losses_without_loading_torch():
    completing = {"_LABELSCAN_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "labelscan detect --loss bl"}
    code = "import sys; from labelscan.__main__ import main; main([]); assert not {'torch', 'numpy'} & {*sys.modules}"
    assert "blurry" in python(code, **completing)


def test_what_trains_nothing_loads_nothing_that_trains(tmp_path):
    (tmp_path / "watched" / "fold-0-0").mkdir(parents=True)
    (tmp_path / "watched" / "fold-0-0" / "log.jsonl").touch()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text("{}")
    (tmp_path / "empty.csv").touch()
    (tmp_path / "no-label.csv").write_text("a,b\n1,2\n3,4\n")
    (tmp_path / "one-class.csv").write_text("a,label\n1,x\n3,x\n")
    (tmp_path / "photos").mkdir()
    rows = [f"{'ab'[row % 2]},0.{row + 1},0.{9 - row}" for row in range(8)]
    (tmp_path / "probs.csv").write_text("\n".join(["label,prob:a,prob:b", *rows]))
    trains = {"torch", "torchvision", "sklearn", "cleanlab", "scipy.stats"}
    lines = {  # in this order, since what one has loaded the next finds loaded
        "status watched": (0, {*trains, "scipy"}),
        "cache --cache cache": (0, {"torch"}),
        **{f"detect {data}": (2, {*trains, "scipy"}) for data in ("empty.csv", "no-label.csv", "photos", "nowhere")},
        "detect one-class.csv": (2, {*trains, "scipy"}),
        "detect no-label.csv --dry-run": (2, {*trains, "scipy"}),
        "detect no-label.csv --label b": (2, {*trains, "scipy"}),
        "gate run --max-issues 0": (2, trains),
        "apply run --drop": (2, trains),
        "gate no-label.csv --max-rate 0.1": (2, {*trains, "scipy.optimize"}),
        "benchmark no-label.csv --noise symmetric:0.1": (2, {*trains, "scipy.optimize"}),
        "score no-label.csv": (2, trains),  # which pools files before it reads them
        "diff run run": (2, {"torch"}),
        "status run": (2, {"torch"}),
        "score probs.csv -o scored": (0, {"torch"}),
        "report scored": (0, {"torch"}),
    }
    for line, code, loaded in run_lines(list(lines), tmp_path):
        expected, heavy = lines[line]
        assert (code, loaded & heavy) == (expected, set()), line


def test_training_does_not_load_the_compiler_of_torch(tmp_path):
    rows = [f"{row * row % 7},{row % 5},{'ab'[row % 2]}" for row in range(20)]
    (tmp_path / "table.csv").write_text("\n".join(["a,b,label", *rows]))
    line = "detect table.csv -o run --model linear --folds 2 --epochs 1 -q --cache none"
    ((_, code, loaded),) = run_lines([line], tmp_path)
    assert (code, "torch" in loaded) == (0, True)
    assert not {"torch._dynamo", "sympy", "torchvision", "loky"} & loaded


@pytest.mark.parametrize("arguments", [["--help"], ["list", "configs"]], ids=" ".join)
def test_a_reader_that_goes_away_is_no_failure(arguments):
    process = subprocess.Popen(
        [sys.executable, "-m", "labelscan", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    with process.stderr as messages:
        assert messages.read() == b""
    assert process.wait() == 0
