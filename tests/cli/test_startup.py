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


def test_completion_knows_losses_without_loading_torch():
    completing = {"_LABELSCAN_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "labelscan detect --loss bl"}
    code = "import sys; from labelscan.__main__ import main; main([]); assert not {'torch', 'numpy'} & {*sys.modules}"
    assert "blurry" in python(code, **completing)


def test_finished_runs_are_looked_at_without_loading_torch(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text("{}")
    for line, code, loaded in run_lines(
        ["gate run --max-issues 0", "apply run --drop", "diff run run", "status run"], tmp_path
    ):
        heavy = {"torch"} if line.startswith(("diff", "status")) else {"torch", "sklearn", "scipy.stats"}
        assert (code, loaded & heavy) == (2, set()), line


def test_bad_data_is_refused_before_what_trains_is_loaded(tmp_path):
    (tmp_path / "empty.csv").touch()
    (tmp_path / "no-label.csv").write_text("a,b\n1,2\n3,4\n")
    (tmp_path / "one-class.csv").write_text("a,label\n1,x\n3,x\n")
    (tmp_path / "photos").mkdir()
    lines = [
        *(f"detect {data}" for data in ("empty.csv", "no-label.csv", "one-class.csv", "photos", "nowhere")),
        "detect no-label.csv --dry-run",
        "detect no-label.csv --label b",
        "gate no-label.csv --max-rate 0.1",
        "benchmark no-label.csv --noise symmetric:0.1",
        "score no-label.csv",
    ]
    for line, code, loaded in run_lines(lines, tmp_path):
        heavy = {"torch", "torchvision", "sklearn", "cleanlab", "scipy.stats"}
        heavy |= set() if line.startswith("score") else {"scipy.optimize"}  # which pools files before it reads them
        heavy |= {"scipy"} if line.startswith("detect") else set()
        assert (code, loaded & heavy) == (2, set()), line


def test_probabilities_are_judged_and_reported_and_the_cache_is_shown_without_loading_torch(tmp_path):
    rows = [f"{'ab'[row % 2]},0.{row + 1},0.{9 - row}" for row in range(8)]
    (tmp_path / "probs.csv").write_text("\n".join(["label,prob:a,prob:b", *rows]))
    for line, code, loaded in run_lines(["cache --cache cache", "score probs.csv -o run", "report run"], tmp_path):
        assert (code, "torch" in loaded) == (0, False), line


def test_the_jobs_of_a_run_are_watched_without_loading_torch(tmp_path):
    (tmp_path / "run" / "fold-0-0").mkdir(parents=True)
    (tmp_path / "run" / "fold-0-0" / "log.jsonl").touch()
    ((_, code, loaded),) = run_lines(["status run"], tmp_path)
    assert (code, loaded & {"torch", "sklearn", "scipy"}) == (0, set())


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
