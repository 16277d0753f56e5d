import json
from itertools import pairwise
from pathlib import Path

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refuses

import labelscan
from labelscan.config import (
    Config,
    build,
    find_config,
    fingerprint,
    flatten,
    nested,
    read_file,
    resolve,
    settings,
    settings_that_matter,
    shipped_configs,
)
from labelscan.errors import ConfigError


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


PAPER = {"paper-mnist": 10, "paper-fashion": 10, "paper-cifar10": 10, "paper-cifar100": 100}
"""Configs of the paper's protocol, with the number of classes of their data."""


def test_the_strongest_source_wins(tmp_path):
    training = "[training]\nlearning_rate = 1\nepochs = 1\nbatch_size = 1\n"
    file = write(tmp_path / "a.toml", f"seed = 1\n{training}[folds]\nn_folds = 11\n")
    environment = {"SEED": "9", "LABELSCAN_SEED": "2"}
    environment |= {"LABELSCAN_TRAINING_EPOCHS": "2", "LABELSCAN_TRAINING_BATCH_SIZE": "2"}
    config = resolve(
        flags={"seed": 4, "training.epochs": None},
        overrides=["seed=3", "training.epochs=3"],
        environment=environment,
        config_file=file,
    )
    assert config.seed == 4
    assert config.training.epochs == 3
    assert config.training.batch_size == 2
    assert repr(config.training.learning_rate) == "1.0"  # a whole number does for a fraction
    assert config.folds.n_folds == 11
    assert config.folds.repeats == 1


@pytest.mark.parametrize(("given", "value"), [(True, "yes"), (False, "no"), ("auto", "auto"), (None, "auto")])
def test_a_switch_is_a_bool_in_python_too(given, value):
    assert labelscan.settings(freeze=given).model.freeze == value


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("folds.n_fold", "folds.n_folds"),
        ("epochs", "training.epochs"),
        ("train.epochs", "training.epochs"),
        ("lss", "training.loss"),
        ("modle.name", "model.name"),
        ("zzz", "default names all settings"),
    ],
)
def test_an_unknown_setting_names_the_nearest(key, nearest):
    with refuses(ConfigError, "unknown-setting", "--set") as caught:
        resolve(overrides=[f"{key}=1"])
    assert nearest in caught.value.problems[0].hint


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("folds.n_folds=five", "wrong-type"),
        ("folds.n_folds=1", "out-of-range"),
        ("training.learning_rate=fast", "wrong-type"),
        ("gate.max_rate=2.5%", "wrong-type"),
        ("training.augment=flip", "wrong-type"),
        ("dataset.merge_labels=upper", "wrong-type"),
        ("executor.gpus_per_fold=0", "out-of-range"),
        ("dataset.download=perhaps", "wrong-type"),
        ("gate.max_rate=5", "out-of-range"),
        ("gate.max_issues=few", "wrong-type"),
    ],
)
def test_a_value_that_cannot_be_is_refused(text, code):
    with refuses(ConfigError, code, text.partition("=")[0]):
        resolve(overrides=[text])


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("a.toml", "[folds]\nn_fold = 3", "unknown-setting"),
        ("a.toml", "[fold]\nn_folds = 3", "unknown-setting"),
        ("a.toml", '[folds]\nn_folds = "3"', "wrong-type"),
        ("a.toml", "[folds]\nn_folds = 3.5", "wrong-type"),
        ("a.toml", "[folds]\nn_folds = true", "wrong-type"),
        ("a.toml", "[training]\nloss = 3", "wrong-type"),
        ("a.toml", "[model]\nname = 3", "wrong-type"),
        ("a.toml", "[model]\nname = [3]", "wrong-type"),
        ("a.toml", "folds = 3", "unknown-setting"),
        ("a.toml", "[folds", "not-valid"),
        ("pyproject.toml", "[tool]\nlabelscan = 3\n", "not-valid"),
        ("pyproject.toml", "[tool.other]\n", "no-table"),
        ("run.json", "[1, 2]", "not-valid"),
        ("run.json", '{"settings": [1]}', "not-valid"),
        ("run.json", '{"settings": null}', "not-valid"),
        ("gone/a.toml", None, "unreadable"),
    ],
)
def test_a_file_that_is_wrong_is_named(tmp_path, name, text, code):
    path = tmp_path / name if text is None else write(tmp_path / name, text)
    with refuses(ConfigError, code, name):
        read_file(path)


@pytest.mark.parametrize(
    ("names", "code"), [([], "no-model"), (["auto", "mlp"], "auto-not-alone"), (["mlp", "mlp"], "model-twice")]
)
def test_a_list_of_models_that_cannot_be_is_refused(names, code):
    with refuses(ConfigError, code, "model.name"):
        labelscan.settings(model=names)


def test_a_fingerprint_changes_with_the_content_and_not_with_the_order():
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})
    assert len(fingerprint({})) == 32


def test_where_and_how_fast_does_not_matter_to_results():
    fast = resolve(overrides=["store.workers=8", "executor.processes=4", "dataset.download=true"])
    assert settings_that_matter(fast) == settings_that_matter(Config())
    assert settings_that_matter(resolve(overrides=["seed=1"])) != settings_that_matter(Config())


@pytest.mark.parametrize("name", sorted(shipped_configs()))
def test_a_shipped_config_loads_and_opens_with_its_command_and_purpose(name):
    path = find_config(name)
    settings = resolve(config_file=path)
    command, purpose = path.read_text(encoding="utf-8").splitlines()[:2]
    data = "" if settings.dataset.data else "DATA "  # a config that names its data needs no other
    verb = "detect" if settings.gate == Config().gate else "gate"  # a config with limits is for a gate
    verb = "benchmark" if name == "losses" else verb
    assert command == f"# labelscan {verb} {data}--config {name}"
    assert len(purpose.strip("# ")) > 20


def test_the_shipped_defaults_are_the_defaults():
    assert read_file(find_config("default")) == flatten(Config())
    assert set(shipped_configs()) == {"ci", "default", "losses", "photos", "quick", *PAPER}


@pytest.mark.parametrize(("name", "n_classes"), PAPER.items())
def test_a_config_of_the_paper_has_its_protocol_and_parts_that_exist(name, n_classes):
    import torchvision.datasets

    from labelscan.detection.detectors import DETECTORS
    from labelscan.training.models import MODELS
    from labelscan.training.schedule import build_schedule

    settings = resolve(config_file=find_config(name))
    training = settings.training
    assert settings.folds.n_folds == 5
    assert (training.epochs, training.batch_size, training.learning_rate) == (10, 64, 1e-4)
    assert settings.detection.detector == "confident-learning:filter_by=both"
    assert settings.dataset.data.removeprefix("torchvision:") in torchvision.datasets.__all__
    schedule = build_schedule(training.loss, n_epochs=training.epochs, n_classes=n_classes)
    assert not schedule.loss.stalls(n_classes) or schedule.delay > 0
    DETECTORS.build(settings.detection.detector)
    for model in settings.model.name:
        MODELS.build(model)


def test_all_that_the_config_of_losses_compares_exists():
    from labelscan.detection.detectors import DETECTORS
    from labelscan.noise.plant import needs_pred_probs
    from labelscan.training.schedule import check_loss

    words = " ".join(find_config("losses").read_text(encoding="utf-8").replace("#", "").splitlines()).split()
    named = [(option, text) for option, text in pairwise(words) if option in ("--noise", "--loss", "--detector")]
    assert len(named) == 4 + 12 + 3
    for option, text in named:
        {"--noise": needs_pred_probs, "--loss": check_loss, "--detector": DETECTORS.build}[option](text)


def test_several_models_can_be_named_wherever_settings_come_from(tmp_path):
    names = ("small-cnn", "extra-trees:20")
    assert resolve(config_file=write(tmp_path / "a.toml", '[model]\nname = "small-cnn"\n')).model.name == names[:1]
    assert labelscan.settings(model=list(names)).model.name == names
    assert labelscan.settings(model="small-cnn").model.name == ("small-cnn",)
    assert resolve(overrides=["model.name=small-cnn; extra-trees:20"]).model.name == names
    assert resolve(environment={"LABELSCAN_MODEL_NAME": "small-cnn;extra-trees:20"}).model.name == names


WORD = st.text(st.characters(codec="utf-8", exclude_characters="\x7f"), max_size=6)


def values_of(one):
    """Return a strategy of the values that a setting may have."""
    if one.is_list:
        return st.lists(WORD.filter(bool), min_size=1, max_size=3).map(tuple)
    if one.choices:
        return st.sampled_from(one.choices)
    if one.kind is bool:
        return st.booleans()
    if one.kind in (int, float):
        low, high = one.minimum, one.maximum
        if one.kind is int:
            return st.integers(0 if low is None else int(low), 2**40 if high is None else int(high))
        return st.floats(0.0 if low is None else float(low), 1e9 if high is None else float(high))
    return WORD if one.kind is str else st.just(one.default)


ANY_SETTINGS = st.fixed_dictionaries({}, optional={key: values_of(one) for key, one in settings().items()})


def built(values):
    """Return the settings, or None where some exclude each other."""
    try:
        return build(values)
    except ConfigError:
        return None


@hypothesis.settings(max_examples=30)
@given(ANY_SETTINGS)
def test_settings_are_read_from_run_json_and_toml_as_they_were_written(tmp_path_factory, values):
    config, folder = built(values), tmp_path_factory.mktemp("config")
    if config is None:
        return
    write(folder / "run.json", json.dumps({"settings": nested(config)}))
    assert build(read_file(folder / "run.json")) == config
    given_values = {key: value for key, value in values.items() if value is not None}
    text = "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in given_values.items())
    assert build(read_file(write(folder / "a.toml", text))) == config
