"""README and reference are true: their commands and their Python run, on small data of the kinds that they name."""

import ast
import inspect
import json
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from importlib import import_module
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest
import reference
from PIL import Image
from tiny_texts import draw_columns, draw_texts

import labelscan
from labelscan.__main__ import main
from labelscan.cli import app
from labelscan.config import ModelConfig, shipped_configs
from labelscan.correction.decisions import Decision, write_decisions
from labelscan.images.sizes import NativeSizes
from labelscan.training.losses import LOSSES
from labelscan.training.models.automatic import DataFacts, automatic_models
from labelscan.training.models.timm_model import lite0_installed

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
RESULTS = (ROOT / "tests" / "bench" / "RESULTS.md").read_text(encoding="utf-8")
WRITTEN = README + reference.PROSE
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", WRITTEN, re.MULTILINE | re.DOTALL)
SHOWN_IN = ("console", "yaml")
COMMANDS = [
    found[1].split(" #")[0].strip()
    for language, block in BLOCKS
    if language in SHOWN_IN
    for found in re.finditer(r"(?:^|&& |run: |- )\s*(labelscan .*)", re.sub(r"\n +--", " --", block), re.MULTILINE)
]
JOBS = [block for language, block in BLOCKS if language == "sh"]
"""Scripts for a cluster, in which labelscan is called with variables."""
SCRIPTS = [block for language, block in BLOCKS if language == "python"]


def write_images(folder):
    """Write images in two class folders, one of which is labelled wrongly, and a manifest of them."""
    generator = np.random.default_rng(0)
    rows = ["path,label,species,animal"]
    for name, level in (("cat", 60), ("dog", 180)):
        (folder / "data" / name).mkdir(parents=True)
        for number in range(12):
            true_level = 180 if (name, number) == ("cat", 3) else level
            pixels = generator.integers(true_level - 40, true_level + 40, (8, 8, 3))
            Image.fromarray(pixels.astype(np.uint8)).save(folder / "data" / name / f"{number:03}.png")
            rows.append(f"data/{name}/{number:03}.png,{name},{name},{number:03}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")


def write_rows(folder):
    """Write texts, a table and embeddings."""
    texts, kinds, _ = draw_texts(60)
    reviews = pd.DataFrame({"text": texts, "label": kinds})
    reviews.to_csv(folder / "reviews.csv", index=False)
    posts = reviews.rename(columns={"text": "body"}).assign(title=[text.split()[0] for text in texts])
    posts.to_json(folder / "posts.jsonl", orient="records", lines=True)
    frame, kinds, _ = draw_columns(60)
    kinds[0] = kinds[0].upper()
    sales = frame.assign(id=range(100, 160), staff_name="x", staff_age=range(60), kind=kinds)
    sales.to_csv(folder / "sales.csv", index=False)
    vectors = np.random.default_rng(0).normal(size=(60, 70)).round(3)
    pd.DataFrame({"embedding": vectors.tolist(), "label": kinds}).to_parquet(folder / "embeddings.parquet")


def write_arrays(folder):
    """Write arrays and probabilities."""
    generator = np.random.default_rng(0)
    labels = np.arange(30) % 3
    arrays = {"images": generator.integers(0, 255, (30, 8, 8), np.uint8), "labels": labels}
    expert = np.where(np.arange(30) < 3, 1 - labels // 2, labels // 2)
    np.savez(folder / "arrays.npz", **arrays, coarse=labels // 2, expert=expert)
    pred_probs = np.full((30, 3), 0.05)
    pred_probs[np.arange(30), labels] = 0.9
    for name, probs in (("probs.npz", pred_probs), ("probs-of-another-model.npz", (pred_probs + 1 / 3) / 2)):
        ids = [f"cat/{row:03}.png" for row in range(30)]
        np.savez(folder / name, pred_probs=probs, given_labels=labels, example_ids=ids)
    table = pd.DataFrame(pred_probs, columns=["prob:c0", "prob:c1", "prob:c2"]).assign(label=[f"c{k}" for k in labels])
    table.to_csv(folder / "probs.csv", index=False)


def make_runs():
    """Make the finished runs that later commands name, with what a reviewer decided."""
    for data, output in (("data", "first"), ("data", "shared"), ("demo:digits?noise=symmetric:0.1", "demo")):
        settings = labelscan.settings(data, model="linear", folds=3, epochs=10)
        labelscan.detect(settings=settings, output=f"runs/{output}")
    write_decisions([Decision(example_id="cat/003.png", verdict="relabel", new_label="dog")], Path("decisions.csv"))
    labelscan.apply("runs/first", decisions="decisions.csv")
    (task,) = json.loads(labelscan.report("runs/first", format="label-studio").read_text())
    Path("annotations.json").write_text(json.dumps([task | {"annotations": task["predictions"]}]))
    settings = labelscan.settings("runs/first/corrected.csv", model="linear", folds=3)
    labelscan.detect(settings=settings, output="runs/second")
    for name in ("ce", "blurry"):
        labelscan.score("probs.npz", output=f"runs/{name}")
    accepted = "gate data/ --config ci --baseline labels-baseline.csv -o labels-run --update-baseline"
    assert main(accepted.split()) == 0


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a folder with all data and runs that the commands name."""
    folder = tmp_path_factory.mktemp("readme")
    write_images(folder)
    write_rows(folder)
    write_arrays(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        make_runs()
    return folder


@pytest.fixture
def folder(made, tmp_path, monkeypatch):
    """Return a copy of that folder, and stand in it."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr("labelscan.pipeline.estimate.estimate", lambda plan: None)  # which tests of it have
    monkeypatch.setattr("labelscan.pipeline.estimate.SECONDS", 0.01)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_runs(line, folder, capsys):
    arguments = shlex.split(line)[1:]
    if arguments[0] in ("detect", "benchmark") and "--dry-run" not in arguments:
        arguments.append("--dry-run")  # training is tested elsewhere
    if arguments[0] == "apply" and "-o" not in arguments:
        arguments.append("--overwrite")  # what the run has been made with, in another folder
    if "--serve" in arguments:
        pytest.skip("ends only when it is stopped; tests of the server have it")
    fine = (0, 1) if arguments[0] == "gate" else (0,)  # one of the photos has a wrong label
    assert main(arguments) in fine, capsys.readouterr().err


def test_every_command_that_exists_is_shown():
    assert {line.split()[1] for line in COMMANDS} == {info.name for info in app.registered_commands}


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("code", [0, 3, 130])
@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_a_job_for_a_cluster_runs_and_is_queued_again_where_it_was_interrupted(job, code, folder, capsys):
    (folder / "bin").mkdir()
    for name, does in (
        ("labelscan", f'printf "%s\\n" "$@"; exit {code}'),
        ("srun", 'exec "$@"'),
        ("scontrol", 'echo "$@" > requeued'),
    ):
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{does}\n")
        (folder / "bin" / name).chmod(0o755)
    slurm = {"SLURM_ARRAY_TASK_ID": "4", "SLURM_JOB_ID": "17"}
    environment = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", **slurm}
    done = subprocess.run(["bash", "-eu"], input=job, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert Path("requeued").exists() == (code == 130)
    if code == 0:  # the command is the same whatever it ends with
        assert main([*done.stdout.splitlines(), "--dry-run"]) == 0
        assert re.search("runs/(blurry-1|shared)", capsys.readouterr().out)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.strip().splitlines()[-1][:40])
def test_a_script_runs(script, folder, capsys):
    exec(compile(script, "README.md", "exec"), {"__name__": "readme"})


def test_the_loss_to_add_can_be_trained_with_its_options_and_is_listed(monkeypatch, tmp_path, capsys):
    (script,) = (script for script in SCRIPTS if "class Mine" in script)
    names = {"__name__": "readme"}
    exec(compile(script, "README.md", "exec"), names)
    monkeypatch.setitem(LOSSES._parts, "mine", names["Mine"])
    labels = np.arange(60) % 2
    features = np.random.default_rng(0).normal(size=(60, 3)) + 4 * labels[:, None]
    settings = labelscan.settings(loss="mine:strength=0.25", epochs=20, folds=2)
    run = labelscan.detect(features, labels, settings=settings, output=tmp_path / "run")
    assert run.summary.out_of_fold_agreement > 0.9
    record = json.loads((run.folder / "run.json").read_text(encoding="utf-8"))
    assert record["choices"]["opinions"][0]["loss"] == "mine:strength=0.25,delay=8"
    assert main(["list", "losses"]) == 0
    listed = " ".join(capsys.readouterr().out.split())
    assert "Cross-entropy that forgives." in listed
    assert "a paper and its year" in listed


def test_the_settings_and_the_attributes_of_a_run_are_all_named():
    section = reference.PROSE.partition("## Python")[2].partition("```")[0]
    named = set(re.findall(r"`(\w+)`", section))
    assert named >= set(inspect.signature(labelscan.settings).parameters) - {"flags"} | set(
        labelscan.Run.__annotations__
    )
    examples = dict(re.findall(r"`(\w+)=([^`]+)`", section))
    settings = labelscan.settings(**{name: ast.literal_eval(text) for name, text in examples.items()})
    assert (settings.training.loss, settings.training.batch_size, settings.gate.max_rate) == ("gce", 64, 0.02)


def test_a_config_that_names_its_schema_is_checked_by_it_and_loads(tmp_path):
    (block,) = (block for language, block in BLOCKS if language == "toml" and block.startswith("#:schema "))
    schema = ROOT / block.splitlines()[0].removeprefix("#:schema ")
    assert schema.parent.samefile(next(iter(shipped_configs().values())).parent), "it comes with the configs"
    jsonschema.validate(tomllib.loads(block), json.loads(schema.read_text(encoding="utf-8")))
    (tmp_path / "mine.toml").write_text(block)
    settings = labelscan.settings(config=tmp_path / "mine.toml")
    assert (settings.folds.n_folds, settings.gate.max_rate) == (10, 0.02)


def test_every_kind_of_part_has_the_group_and_the_protocol_that_are_named():
    row = re.compile(r"^\| `(labelscan\.\w+)` \|.*\| `(\w+)`, in `([\w.]+)` \|$", re.MULTILINE)
    found = row.findall(reference.PROSE)
    assert all(hasattr(import_module(module), protocol) for _, protocol, module in found)
    kinds = re.compile(r"^[A-Z]+: (?:Parts|Registry)\[(\w+)\] = \w+\(\s*\"([a-z ]+)\"", re.MULTILINE)
    declared = {}
    for path in Path(labelscan.__file__).parent.rglob("*.py"):
        for protocol, kind in kinds.findall(path.read_text(encoding="utf-8")):
            declared[f"labelscan.{kind.replace(' ', '_')}"] = protocol
    assert len(declared) == 7
    assert {group: protocol for group, protocol, _ in found} == declared
    (block,) = (block for language, block in BLOCKS if language == "toml" and "entry-points" in block)
    assert set(tomllib.loads(block)["project"]["entry-points"]) <= set(declared)


def test_the_options_named_exist():
    pages = (ROOT / ".github" / "REFERENCE.md").read_text(encoding="utf-8").partition("## Commands")[2]
    of_pip = {"--extra-index-url"}
    for option in set(re.findall(r"(?<![\w-])(--[a-z][a-z-]+)", WRITTEN)) - of_pip:
        assert re.search(rf"{option}\b", pages) or re.search(rf"#SBATCH.*{option}", WRITTEN), option


@pytest.mark.parametrize("side", [64, 65])
@pytest.mark.parametrize("grey", [False, True])
def test_images_of_up_to_64_pixels_are_small_and_grey_ones_of_them_are_judged_by_a_small_network(side, grey):
    sizes = NativeSizes(n_probed=10, uniform=True, median_height=side, median_width=side, grey=grey)
    facts = DataFacts("images", sizes, n_examples=1000, n_classes=10)
    first, _ = automatic_models(ModelConfig(weights="none"), facts)
    assert first.reason.endswith("are small") == (side == 64)
    if lite0_installed():
        first, second = automatic_models(ModelConfig(), facts)
        assert first.name == ("small-cnn" if grey and side == 64 else "efficientnet-lite0") != second.name


def test_the_extras_to_install_exist():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    named = re.findall(r"\[([a-z0-9,]+)\](?!\()", README)
    assert set(",".join(named).split(",")) == set(extras)


def test_links_lead_somewhere():
    for text, folder in ((README, ROOT), (reference.PROSE, ROOT / ".github")):
        for link in re.findall(r"\]\((?!https:)([^)]+)\)", text):
            path, _, heading = link.partition("#")
            assert (folder / path).is_file(), link
            if heading:
                named = re.findall(r"^#+ (.+)", (folder / path).read_text(encoding="utf-8"), re.MULTILINE)
                assert heading in [each.lower().replace(" ", "-") for each in named], link


def figures(text):
    """Return the numbers of three decimals, without a sign, in each row of a table."""
    lines = (re.findall(r"(?<![\w.+-])\d\.\d{3}(?!\d)", line) for line in text.splitlines() if line.startswith("|"))
    return [tuple(found) for found in lines if found]


def section(text, heading):
    """Return what stands under a heading of the second level."""
    return text.partition(f"## {heading}")[2].partition("\n## ")[0]


def test_figures_of_losses_are_those_that_were_measured():
    by_loss = figures(section(RESULTS, "Blurry against cross-entropy"))
    shown = sorted(figures(section(README, "Why robust losses")))
    assert shown == sorted((blurry, ce, cleanlab) for blurry, ce, _, _, cleanlab, _ in by_loss)
    lead = [float(blurry) - float(ce) for blurry, ce, *_ in by_loss[:9]]
    assert round(float(np.mean(lead)), 3) == 0.006
    assert min(lead) >= -0.001 - 1e-9


def test_figures_of_real_wrong_labels_are_those_that_were_measured():
    lines = [line.strip("|").split("|") for line in section(RESULTS, "Real wrong labels").splitlines()]
    measured = {cells[0].strip(): [cells[place].strip() for place in (5, 9, 10)] for cells in lines if len(cells) == 16}
    tables = [list(map(float, cells)) for name, cells in measured.items() if name.startswith("t_")]
    for name in ("caltech_clean", "mnist_published", "cifar_clean"):
        (flagged,) = (float(cells[11]) for cells in lines if cells[0].strip() == name)
        assert f"{100 * flagged:.1f} % of " in " ".join(README.split())
    measured["t_"] = [f"{mean:.3f}" for mean in np.mean(tables, axis=0)]
    shown = re.findall(r"^\| `(\w+)`.*\| (\d\.\d{3}) \| (\d\.\d{3}) \| (\d\.\d{3}) \|$", README, re.MULTILINE)
    assert len(shown) == 14
    assert [list(cells) for _, *cells in shown] == [measured[name] for name, *_ in shown]
