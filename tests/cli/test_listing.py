import json
from pathlib import Path

import pytest

from labelscan.cli import completion
from labelscan.cli.console import cells
from labelscan.config import shipped_configs
from labelscan.detection.detectors import DETECTORS
from labelscan.noise.plant import NOISES
from labelscan.training.losses import LOSSES
from labelscan.training.models import MODELS

NAMES = {
    "losses": list(LOSSES),
    "models": list(MODELS),
    "detectors": list(DETECTORS),
    "noises": list(NOISES),
    "configs": list(shipped_configs()),
}


@pytest.mark.parametrize("what", completion.KINDS)
def test_every_part_is_listed_with_its_purpose_and_how_it_is_used(command, what):
    parts = json.loads(command("list", what, "--json").out)[what]
    assert [part["name"] for part in parts] == NAMES[what]
    for part in parts:
        assert len(part["purpose"]) > 20
        assert "``" not in part["purpose"]
        assert what != "losses" or part["name"] == "ce" or "et al., " in part["source"] or " and " in part["source"]
    ended = command("list", what)
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert max(map(cells, lines)) <= 80
    assert any(line.strip().startswith("use: labelscan detect ") for line in lines)
    assert all(line == line.rstrip() for line in lines)
    for name in NAMES[what]:
        assert any(line.startswith(name) for line in lines)


def test_the_files_of_configs_are_where_the_list_says(command):
    (note,) = json.loads(command("list", "configs", "--json").out)["notes"]
    folder = note.removeprefix("to change one, copy its file from ").removesuffix(
        " and give the copy's path to --config"
    )
    assert sorted(path.stem for path in Path(folder).glob("*.toml")) == NAMES["configs"]


def test_losses_show_their_options_defaults_and_source(command):
    parts = {part["name"]: part for part in json.loads(command("list", "losses", "--json").out)["losses"]}
    blurry = {option["name"]: option["default"] for option in parts["blurry"]["options"]}
    assert blurry["gamma"] == LOSSES.build("blurry").gamma
    assert blurry["delay"] == LOSSES.build("blurry").default_delay
    assert "arXiv:2511.16512" in parts["blurry"]["source"]
    assert [option["name"] for option in parts["ce"]["options"]] == ["delay"]


def test_defaults_by_the_number_of_classes_are_shown(command):
    parts = {part["name"]: part for part in json.loads(command("list", "losses", "--json").out)["losses"]}
    assert parts["anl-ce"]["by_classes"] == [
        {"from_classes": 2, "options": {"a": 5, "b": 5, "d": 5e-5}},
        {"from_classes": 23, "options": {"a": 20, "b": 1, "d": 5e-6}},
        {"from_classes": 71, "options": {"a": 10, "b": 1, "d": 5e-7}},
    ]
    assert parts["ce"]["by_classes"] == []
    out = " ".join(command("list", "losses").out.split())
    assert "options: beta=0.7, strength=3, delay=0 by the number of classes: beta=0.9, strength=7 from 32 on" in out


def test_models_that_come_with_libraries_are_counted(command):
    ended = command("list", "models")
    assert "torchvision's" in ended.out
    assert "timm" in ended.out
    assert "sentence-transformers/NAME or model2vec/NAME" in " ".join(ended.out.split())


@pytest.mark.parametrize("kind", ["losses", "models", "detectors"])
def test_completion_knows_the_same_names_without_importing_them(kind):
    assert [name for name in completion.names(kind) if name != "auto"] == NAMES[kind]


@pytest.mark.parametrize(
    ("kind", "begun", "offered"),
    [
        ("losses", "bl", "blurry"),
        ("models", "a", "auto"),
        ("configs", "q", "quick"),
        ("precisions", "float3", "float32"),
        ("devices", "cu", "cuda"),
        ("kinds", "l", "losses"),
    ],
)
def test_completion_offers_what_begins_so(kind, begun, offered):
    assert completion.of(kind)(begun) == [offered]
