"""Help and version come at once: nothing heavy is imported for them."""

import json
import os
import subprocess
import sys

import pytest

HEAVY = ["torch", "torchvision", "numpy", "pandas", "sklearn", "scipy", "cleanlab", "PIL", "rich"]
COMMANDS = ("detect", "report", "apply", "gate", "diff", "benchmark", "cache")
LIGHT = ["--help", "--version", "", *(f"{name} --help" for name in COMMANDS)]


def python(code, *arguments, **environment):
    """Run code in another interpreter and return what it prints."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    ).stdout


def test_it_imports_nothing_heavy():
    code = """
import json, sys
from labelscan.__main__ import main

lines, heavy = json.loads(sys.argv[1])
print(json.dumps({line: [main(line.split()), [name for name in heavy if name in sys.modules]] for line in lines}))
"""
    shown = python(code, json.dumps([LIGHT, HEAVY]))
    assert json.loads(shown.splitlines()[-1]) == {line: [0, []] for line in LIGHT}


def test_completion_knows_losses_without_loading_torch():
    code = """
import sys
from labelscan.__main__ import main

assert main([]) == 0
assert not {"torch", "numpy"} & sys.modules.keys()
"""
    completing = {"_LABELSCAN_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "labelscan detect --loss bl"}
    assert "blurry" in python(code, **completing)


def test_finished_runs_are_looked_at_without_loading_torch(tmp_path):
    (tmp_path / "run.json").write_text("{}")
    code = """
import sys
from labelscan.__main__ import main

for line, heavy in {
    "gate RUN --max-issues 0": {"torch", "sklearn", "scipy.stats"},
    "apply RUN --drop": {"torch", "sklearn", "scipy.stats"},
    "diff RUN RUN": {"torch"},
}.items():
    assert main([sys.argv[1] if word == "RUN" else word for word in line.split()]) == 2, line
    import labelscan.correction.apply, labelscan.gating.run_gate

    assert not heavy & sys.modules.keys(), line
"""
    python(code, str(tmp_path))


def test_bad_data_is_refused_before_what_trains_is_loaded(tmp_path):
    (tmp_path / "empty.csv").touch()
    (tmp_path / "no-label.csv").write_text("a,b\n1,2\n3,4\n")
    (tmp_path / "one-class.csv").write_text("a,label\n1,x\n3,x\n")
    (tmp_path / "photos").mkdir()
    code = """
import os, sys
from labelscan.__main__ import main

os.chdir(sys.argv[1])
for line in (
    "detect empty.csv",
    "detect no-label.csv",
    "detect no-label.csv --dry-run",
    "detect one-class.csv",
    "detect photos",
    "detect nowhere",
    "detect no-label.csv --label b",
    "gate no-label.csv --max-rate 0.1",
    "benchmark no-label.csv --noise symmetric:0.1",
    "score no-label.csv",
):
    assert main(line.split()) == 2, line
    heavy = {"torch", "torchvision", "sklearn", "cleanlab", "scipy.stats"}
    heavy |= set() if line.startswith("score") else {"scipy.optimize"}  # which pools files before it reads them
    heavy |= {"scipy"} if line.startswith("detect") else set()
    loaded = heavy & sys.modules.keys()
    assert not loaded, (line, loaded)
"""
    python(code, str(tmp_path))


def test_probabilities_are_judged_and_reported_and_the_cache_is_shown_without_loading_torch(tmp_path):
    rows = [f"{'ab'[row % 2]},0.{row + 1},0.{9 - row}" for row in range(8)]
    (tmp_path / "probs.csv").write_text("\n".join(["label,prob:a,prob:b", *rows]))
    code = """
import os, sys
from labelscan.__main__ import main

os.chdir(sys.argv[1])
assert main(["cache", "--cache", "cache"]) == 0
assert main(["score", "probs.csv", "-o", "run"]) == main(["report", "run"]) == 0
assert "torch" not in sys.modules
"""
    python(code, str(tmp_path))


@pytest.mark.parametrize("arguments", [["--help"], ["list", "configs"]], ids=" ".join)
def test_a_reader_that_goes_away_is_no_failure(arguments):
    process = subprocess.Popen(
        [sys.executable, "-m", "labelscan", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    with process.stderr as messages:
        assert messages.read() == b""
    assert process.wait() == 0


def test_training_does_not_load_the_compiler_of_torch(tmp_path):
    rows = [f"{row * row % 7},{row % 5},{'ab'[row % 2]}" for row in range(20)]
    (tmp_path / "table.csv").write_text("\n".join(["a,b,label", *rows]))
    code = """
import os, sys
from labelscan.__main__ import main

os.chdir(sys.argv[1])
assert main("detect table.csv -o run --model linear --folds 2 --epochs 1 -q --cache none".split()) == 0
assert "torch" in sys.modules
unwanted = {"torch._dynamo", "sympy", "torchvision", "loky"} & sys.modules.keys()
assert not unwanted, unwanted
"""
    python(code, str(tmp_path))
