"""Help and version come at once: nothing heavy is imported for them."""

import json
import os
import resource
import subprocess
import sys

import pytest

HEAVY = ["torch", "torchvision", "numpy", "pandas", "sklearn", "scipy", "cleanlab", "PIL", "rich"]
MOST_SECONDS = 0.3


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["detect", "--help"],
        ["report", "--help"],
        ["apply", "--help"],
        ["gate", "--help"],
        ["diff", "--help"],
        ["benchmark", "--help"],
        [],
    ],
    ids=" ".join,
)
def test_it_imports_nothing_heavy(arguments):
    code = (
        "import json, sys; from labelscan.__main__ import main; code = main(json.loads(sys.argv[1])); "
        "print(json.dumps([code, [name for name in json.loads(sys.argv[2]) if name in sys.modules]]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(arguments), json.dumps(HEAVY)],
        check=True,
        capture_output=True,
        text=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == [0, []]


def test_completion_knows_losses_without_loading_torch():
    code = (
        "import sys; from labelscan.__main__ import main; code = main(); "
        "assert code == 0 and 'torch' not in sys.modules and 'numpy' not in sys.modules"
    )
    environment = {"_LABELSCAN_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "labelscan detect --loss bl"}
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env={**os.environ, **environment}
    )
    assert "blurry" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [["diff", "RUN", "RUN"], ["gate", "RUN", "--max-issues", "0"], ["apply", "RUN", "--drop"]],
    ids=" ".join,
)
def test_finished_runs_are_looked_at_without_loading_torch(arguments, tmp_path):
    (tmp_path / "run.json").write_text("{}")
    named = [str(tmp_path) if argument == "RUN" else argument for argument in arguments]
    code = (
        f"import sys; from labelscan.__main__ import main; code = main({named!r}); "
        "import labelscan.correction.apply, labelscan.comparison.compare, labelscan.gating.run_gate; "
        "assert code == 2 and 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_help_appears_within_its_budget():
    def seconds():
        """Return those of the processor: other programs take of the clock's, not of these."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "labelscan", "detect", "--help"], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(5)) < MOST_SECONDS


@pytest.mark.parametrize("arguments", [["--help"], ["list", "configs"]], ids=" ".join)
def test_a_reader_that_goes_away_is_no_failure(arguments):
    process = subprocess.Popen(
        [sys.executable, "-m", "labelscan", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    with process.stderr as messages:
        assert messages.read() == b""
    assert process.wait() == 0
