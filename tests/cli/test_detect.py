"""``labelscan detect``, run on twelve small images and on a wrapped library that is interrupted or breaks."""

import json
import shlex

import numpy as np
import pytest
from PIL import Image
from refusals import refuses

import labelscan
from labelscan.cli.console import cells
from labelscan.cli.options import read_time
from labelscan.errors import Interrupted, RunError, UsageError

QUICK = ("--epochs", "3", "--folds", "3", "-o", "run")


@pytest.fixture
def library_raises(monkeypatch):
    """Return a function that makes ``labelscan.detect`` raise, as it does in the middle of a run."""

    def put(error):
        def detect(**given):
            raise error

        monkeypatch.setattr(labelscan, "detect", detect, raising=False)

    return put


def test_a_run_ends_on_one_screen_and_the_same_command_shows_it_again(command, photos, tmp_path):
    ended = command("detect", "photos", *QUICK)
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert "of 12 labels" in lines[0]
    assert len(lines) <= 40
    assert max(map(cells, lines)) <= 80
    assert "run/issues.csv" in ended.out
    assert "model: small-cnn" in ended.err
    assert "\x1b" not in ended.out + ended.err
    again = command("detect", "photos", *QUICK)
    assert again.out == ended.out
    assert "all 6 folds of 2 models already finished" in again.err
    quiet = command("detect", "photos", *QUICK, "-q")
    assert (quiet.out, quiet.err) == ("run/issues.csv\n", "")
    content = json.loads(command("detect", "photos", *QUICK, "--json").out)
    assert content.pop("run") == "run"
    assert content == json.loads((tmp_path / "run" / "summary.json").read_text(encoding="utf-8"))
    dry = command("detect", "photos", *QUICK, "--dry-run")
    assert "the run folder has 6 of 6 folds finished" in dry.out
    assert max(map(cells, dry.out.splitlines())) <= 80
    fewer = command("detect", "photos", *QUICK, "--model", "small-cnn", "--dry-run")
    assert "the run folder has 3 of 3 folds finished" in fewer.out
    assert command("detect", "--config", "run/run.json", "-o", "again").code == 0
    assert (tmp_path / "again" / "scores.csv").read_bytes() == (tmp_path / "run" / "scores.csv").read_bytes()


def test_a_dry_run_shows_the_plan_and_writes_nothing(command, photos, tmp_path):
    ended = command("detect", "photos", *QUICK, "--dry-run")
    assert ended.code == 0
    for text in ("12", "small-cnn", "blurry", "3 epochs", "about", "nothing was trained"):
        assert text in ended.out
    content = json.loads(command("detect", "photos", *QUICK, "--dry-run", "--self-check", "--json").out)
    assert (content["examples"], content["run_folder"]) == (12, "run")
    assert content["self_check"].startswith("all of it again with about 1 planted error")
    assert content["estimate_seconds"] > 0
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


@pytest.fixture
def pictures(tmp_path):
    """Make 120 images of 8 x 8 pixels in two class folders, dark and light; six labels are wrong."""
    generator = np.random.default_rng(0)
    for name, level in (("dark", 60), ("light", 190)):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(60):
            brightness = 250 - level if number % 20 == 3 else level
            pixels = generator.integers(brightness - 60, brightness + 60, (8, 8)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pictures" / name / f"{number:02}.png")
    return tmp_path / "pictures"


def test_a_self_check_is_shown_after_the_run_in_80_columns(command, pictures):
    line = ("pictures", "--epochs=6", "--folds=3", "-orun")
    ended = command("detect", "--self-check", *line)
    assert ended.code == 0
    shown = ended.out.partition("Self-check")[2]
    for words in (": 12 errors", "of such errors are found (95 % interval", "of the flags are right", "left"):
        assert words in shown
    for words in ("planted errors  ", "suspects", "below 0.01", "AUROC", "limits: planted errors are often easier"):
        assert words in shown
    assert max(map(cells, ended.out.splitlines())) <= 80
    assert "self-check: training again with 12 planted errors" in ended.err
    assert command("detect", *line, "--self-check=0.02").out.partition("Self-check")[2] == shown
    content = json.loads(command("detect", *line, "--self-check", "--json").out)
    assert content["self_check"]["n_planted"] == 12


@pytest.mark.parametrize(
    ("arguments", "rate"),
    [
        (("photos",), 0.0),
        (("--self-check", "photos"), 0.02),
        (("photos", "--self-check"), 0.02),
        (("--self-check", "--", "photos"), 0.02),
        (("--self-check=0.05", "photos"), 0.05),
        (("photos", "--set", "detection.self_check=0.03"), 0.03),
        (("photos", "--set", "detection.self_check=0.03", "--self-check=0"), 0.0),
    ],
)
def test_the_rate_of_a_self_check_may_be_left_out(command, photos, monkeypatch, arguments, rate):
    seen = []

    def detect(settings, **given):
        seen.append((settings.dataset.data, settings.detection.self_check))
        raise RunError("of-a-test", "enough")

    monkeypatch.setattr(labelscan, "detect", detect, raising=False)
    command("detect", *arguments)
    assert seen == [("photos", rate)]


def test_a_dry_run_counts_the_threshold_runs_of_aum(command, photos):
    assert command("detect", "photos", *QUICK, "--detector", "aum").code == 0
    ended = command("detect", "photos", *QUICK, "--detector", "aum", "--dry-run")
    assert "threshold runs  2 on all examples" in ended.out
    assert "the run folder has 6 of 6 folds and 2 of 2 threshold runs finished" in " ".join(ended.out.split())


def test_flags_overrides_variables_and_files_all_reach_the_run(command, photos, tmp_path, monkeypatch):
    (tmp_path / "mine.toml").write_text("seed = 5\n[training]\nepochs = 9\n[folds]\nrepeats = 2\n")
    monkeypatch.setenv("LABELSCAN_TRAINING_EPOCHS", "4")
    arguments = ("--config", "mine.toml", "--set", "folds.n_folds=2", "--loss", "ce", "--no-freeze")
    assert command("detect", "photos", *arguments, "-o", "run").code == 0
    settings = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))["settings"]
    assert settings["seed"] == 5
    assert settings["folds"] == {"n_folds": 2, "repeats": 2, "copies": "near"}
    assert settings["training"]["epochs"] == 4
    assert settings["training"]["loss"] == "ce"
    assert settings["model"]["freeze"] == "no"


def test_the_time_that_is_over_interrupts_with_the_command_that_resumes(command, photos):
    ended = command("detect", "photos", *QUICK, "--max-time", "0.000001")
    assert ended.code == 130
    assert ended.out == ""
    assert ended.err.splitlines()[-1] == (
        "resume with: labelscan detect photos --epochs 3 --folds 3 -o run --max-time 0.000001"
    )


@pytest.mark.parametrize(
    ("step", "starts_over"), [("labelscan.data.readers.read", True), ("labelscan.pipeline.judge.detect_all", False)]
)
def test_what_was_to_start_over_and_has_goes_on(command, photos, monkeypatch, step, starts_over):
    def stop(*_, **__):
        raise KeyboardInterrupt

    assert command("detect", "photos", *QUICK).code == 0
    monkeypatch.setattr(step, stop)
    ended = command("detect", "photos", *QUICK, "--fresh")
    assert ended.code == 130
    assert ("--fresh" in ended.err.splitlines()[-1]) == starts_over


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Interrupted("interrupted", "the time of 3 s is over")])
def test_an_interruption_prints_the_command_that_resumes(command, photos, library_raises, error):
    library_raises(error)
    ended = command("detect", "photos", "-o", "my runs")
    assert ended.code == 130
    resume = ended.err.splitlines()[-1].removeprefix("resume with: ")
    assert shlex.split(resume) == ["labelscan", "detect", "photos", "-o", "my runs"]
    assert "Traceback" not in ended.err


def test_a_run_that_fails_ends_in_3(command, photos, library_raises):
    library_raises(RunError("of-a-test", "a fold ended", where="fold 0-1", hint="less memory: --batch-size"))
    ended = command("detect", "photos")
    assert ended.code == 3
    assert ended.err == "error: fold 0-1: a fold ended\n  hint: less memory: --batch-size\n"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyError("x"), "unexpected error: KeyError"),
        (RuntimeError("out of memory"), "unexpected error: RuntimeError: out of memory"),
        (OSError(28, "No space left on device", "run/scores.csv"), "run/scores.csv: No space left on device"),
        (SystemExit(1), "unexpected error: SystemExit"),
        (MemoryError(), "out of memory"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_a_crash_is_one_line_and_never_looks_like_a_gate(command, photos, library_raises, error, words):
    library_raises(error)
    ended = command("detect", "photos")
    assert ended.code == 3
    assert "Traceback" not in ended.err
    assert ended.err.startswith(f"error: {words}")
    assert ("--batch-size" if isinstance(error, MemoryError) else "--debug") in ended.err
    shown = command("detect", "photos", "--debug").err
    assert "Traceback" in shown
    assert f"]: {words}" in shown


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("30m", 1800), ("1h30m", 5400), ("0.5h", 1800), ("2 H", 7200), ("1d", 86400)],
)
def test_times_are_read_as_people_write_them(text, seconds):
    assert read_time(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-5", "5x", "0", "1:30", "h", "1e3"])
def test_other_times_are_refused(text):
    with refuses(UsageError, "not-a-time", "--max-time"):
        read_time(text)


def test_verbose_names_the_model_whose_fold_is_trained(command, photos, tmp_path):
    ended = command("detect", "photos", *QUICK, "--model", "linear", "--model", "extra-trees:20", "-v")
    assert "fold 0-0 of linear, epoch 1 of " in ended.err
    assert ended.err.count("epoch ") == 3 * 3
    assert "decoding images: done in" in ended.err
    assert "fold 0-2 of extra-trees:20: " in ended.err
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["settings"]["model"]["name"] == ["linear", "extra-trees:20"]
