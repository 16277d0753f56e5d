"""What every model keeps to."""

import pickle
from dataclasses import replace

import pytest
import torch
import torchvision
from refusals import refuses

from labelscan.config import ModelConfig, TrainingConfig
from labelscan.errors import ConfigError
from labelscan.images.sizes import NativeSizes
from labelscan.training.models import MODELS
from labelscan.training.models.automatic import DataFacts
from labelscan.training.models.choice import choose_models
from labelscan.training.models.classifiers import ExtraTrees
from labelscan.training.models.mlp import LinearHead
from labelscan.training.models.small_cnn import SmallCNN
from labelscan.training.models.timm_model import lite0_installed
from labelscan.training.models.torchvision_model import TorchvisionModel

OWN = sorted(name for name in MODELS if MODELS.build(name).kind == "network")
SMALL = NativeSizes(n_probed=10, uniform=True, median_height=28, median_width=28, grey=True)
SMALL_COLOUR = replace(SMALL, grey=False)
PHOTOS = NativeSizes(n_probed=10, uniform=False, median_height=300, median_width=400, grey=False)


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 3), (5, 9, 1), (12,)])
def test_a_model_gives_one_logit_a_class_and_travels_to_other_processes(name, shape):
    if name == "small-cnn" and len(shape) == 1:
        pytest.skip("takes images only")
    model = pickle.loads(pickle.dumps(MODELS.build(name)))
    torch.manual_seed(0)
    network = model.make(shape, 4)
    inputs = torch.randn(3, *shape)
    logits = network(inputs.permute(0, 3, 1, 2) if len(shape) == 3 else inputs)
    assert logits.shape == (3, 4)
    assert torch.isfinite(logits).all()
    logits.sum().backward()


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("n_examples", [1, 100, 8000, 2_000_000])
def test_a_recipe_is_sound_for_any_number_of_examples(name, n_examples):
    recipe = MODELS.build(name).recipe(n_examples, (28, 28, 1))
    assert 5 <= recipe.epochs <= 60
    assert not recipe.augmentation.flip  # grey images may be characters


def test_settings_change_the_recipe_and_nothing_else():
    recipe = MODELS.build("small-cnn").recipe(8000, (28, 28, 1))
    changed = recipe.changed_by(TrainingConfig(epochs=3, augment="none", weight_decay=0.0))
    assert (changed.epochs, changed.weight_decay, changed.augmentation.max_shift) == (3, 0.0, 0)
    assert (changed.batch_size, changed.learning_rate) == (recipe.batch_size, recipe.learning_rate)
    assert recipe.changed_by(TrainingConfig(augment="shift-flip")).augmentation.flip
    cropped = recipe.changed_by(TrainingConfig(augment="crop-flip")).augmentation
    assert (cropped.max_shift, cropped.flip, cropped.least_area) == (0, True, 0.6)


def choose(config, sizes, n_examples=5000, n_classes=10, n_columns=20):
    kind = "features" if sizes is None else "images"
    return choose_models(config, DataFacts(kind, sizes, n_examples, n_classes, n_columns))


def no_weights(monkeypatch):
    monkeypatch.setattr("labelscan.training.models.timm_model.lite0_installed", lambda: False)
    monkeypatch.setattr("labelscan.training.models.torchvision_model.cached_weights", lambda name: None)


def test_a_named_model_is_the_only_one():
    (chosen,) = choose(ModelConfig(name=("small-cnn:width=8",)), SMALL)
    assert (chosen.name, chosen.model.width, chosen.frozen) == ("small-cnn:width=8", 8, None)
    assert chosen.reason == "set by the user"


def test_small_grey_images_get_a_small_cnn_and_trees_each_with_its_reason():
    small, trees = choose(ModelConfig(), SMALL)
    assert (small.name, small.frozen, trees.name) == ("small-cnn", None, "extra-trees")
    assert "28 x 28" in small.reason
    assert trees.reason.startswith("a second opinion: ")


@pytest.mark.parametrize(
    ("n_examples", "n_classes", "n_columns", "second"),
    [
        (5000, 10, 64, "boosting"),
        (500, 10, 64, "extra-trees"),
        (5000, 90, 64, "extra-trees"),
        (5000, 10, 65, "extra-trees"),
    ],
)
def test_features_get_an_mlp_and_boosting_where_it_can_learn_in_little_time(n_examples, n_classes, n_columns, second):
    chosen = choose(ModelConfig(), None, n_examples, n_classes, n_columns)
    assert [one.name for one in chosen] == ["mlp", second]


@pytest.mark.parametrize("sizes", [None, SMALL, PHOTOS])
def test_trees_of_so_many_classes_that_they_fill_the_memory_are_no_second_opinion(sizes):
    (alone,) = choose(ModelConfig(), sizes, 20_000, 10_000)
    assert "no second opinion: trees of 10,000 classes take too much memory" in alone.tip
    assert len(choose(ModelConfig(), sizes, 20_000, 500)) == 2
    assert len(choose(ModelConfig(name=("mlp", "extra-trees")), None, 20_000, 10_000)) == 2


def test_embeddings_get_two_linear_models_unless_there_are_too_many_of_them():
    facts = DataFacts("embeddings", None, 10_000, 10, 768)
    assert [one.name for one in choose_models(ModelConfig(), facts)] == ["linear", "ridge"]
    (alone,) = choose_models(ModelConfig(), replace(facts, n_examples=1_000_000))
    assert "no second opinion" in alone.tip


@pytest.mark.skipif(not lite0_installed(), reason="needs the extra lite0")
def test_small_colour_images_get_pretrained_features_and_a_short_training_where_weights_are_at_hand():
    lite0, small = choose(ModelConfig(), SMALL_COLOUR)
    assert (lite0.name, small.name, small.frozen) == ("efficientnet-lite0", "small-cnn:effort=0.5", None)
    usual = SmallCNN().recipe(4000, (32, 32, 3)).epochs
    assert small.model.recipe(4000, (32, 32, 3)).epochs == usual / 2
    assert lite0.frozen.make_features
    for config in (ModelConfig(weights="none"), ModelConfig(freeze="no")):
        assert [one.name for one in choose(config, SMALL_COLOUR)] == ["small-cnn", "extra-trees"]
    assert choose(ModelConfig(freeze="yes"), SMALL_COLOUR)[0].frozen == lite0.frozen


def test_small_colour_images_without_weights_get_a_tip(monkeypatch):
    no_weights(monkeypatch)
    small, trees = choose(ModelConfig(), SMALL_COLOUR)
    assert "labelscan[lite0]" in small.tip
    assert trees.name == "extra-trees"


@pytest.mark.skipif(not lite0_installed(), reason="needs the extra lite0")
def test_photos_get_two_heads_on_frozen_pretrained_features_where_weights_are_at_hand():
    linear, trees = choose(ModelConfig(), PHOTOS)
    assert (linear.name, trees.name) == ("efficientnet-lite0", "efficientnet-lite0:head=extra-trees")
    assert linear.frozen == trees.frozen  # its features are computed once
    assert isinstance(linear.model, LinearHead)
    assert isinstance(trees.model, ExtraTrees)
    whole, pixels = choose(ModelConfig(freeze="no"), PHOTOS)
    assert (whole.frozen, pixels.name) == (None, "extra-trees")
    (named,) = choose(ModelConfig(name=("efficientnet-lite0",), freeze="no"), PHOTOS)
    assert named.frozen is None


def test_photos_without_weights_are_trained_from_scratch_with_a_warning(monkeypatch):
    no_weights(monkeypatch)
    small, trees = choose(ModelConfig(), PHOTOS)
    assert (small.name, trees.name) == ("small-cnn", "extra-trees")
    assert "labelscan[lite0]" in small.warning
    assert not trees.warning


@pytest.mark.parametrize(
    ("name", "more", "sizes", "code"),
    [
        ("resnet81", {}, PHOTOS, "unknown-model"),
        ("efficentnet", {}, None, "unknown-model"),
        ("small-cnn", {}, None, "wrong-model"),
        ("small-cnn", {"freeze": "yes"}, SMALL, "no-model"),
        ("small-cnn", {"weights": __file__}, SMALL, "flag-without-effect"),
        ("auto", {"weights": "nowhere.pt"}, PHOTOS, "no-file"),
        ("auto", {"weights": __file__}, PHOTOS, "no-model"),
        ("resnet18", {"weights": "none", "freeze": "yes"}, PHOTOS, "no-weights"),
        ("small-cnn:depth=3", {}, SMALL, "unknown-option"),
        ("small-cnn:width=0", {}, SMALL, "out-of-range"),
        ("small-cnn:effort=0", {}, SMALL, "out-of-range"),
        ("mlp:layers=-1", {}, None, "out-of-range"),
        ("linear:dropout=1", {}, None, "out-of-range"),
        ("extra-trees:n_estimators=0", {}, None, "out-of-range"),
        ("small-cnn:head=mlp", {}, SMALL, "wrong-model"),
        ("resnet18:head=extra-tree", {"weights": "default"}, PHOTOS, "unknown-head"),
        ("resnet18:head=small-cnn", {"weights": "default"}, PHOTOS, "unknown-head"),
        ("resnet18:head=mlp", {"weights": "none"}, PHOTOS, "no-weights"),
        ("resnet18:head=mlp", {"weights": "default", "freeze": "no"}, PHOTOS, "wrong-model"),
        ("resnet18:width=3", {}, PHOTOS, "wrong-option"),
        ("small-cnn extra-trees", {"freeze": "yes"}, SMALL, "no-model"),
        ("resnet18 resnet34", {"weights": __file__}, PHOTOS, "several-models"),
    ],
)
def test_a_model_that_cannot_be_is_refused(name, more, sizes, code):
    with refuses(ConfigError, code, "model"):
        choose(ModelConfig(name=tuple(name.split()), **more), sizes)


class Theirs(LinearHead):
    load = LinearHead.make  # a method that text embeddings have too


def test_a_model_of_another_package_is_what_it_declares_whatever_methods_it_has(monkeypatch):
    monkeypatch.setitem(MODELS._parts, "theirs", Theirs)
    (chosen,) = choose(ModelConfig(name=("theirs",)), None)
    assert (chosen.model, chosen.frozen) == (Theirs(), None)
    for wrong in (type("SaysNothing", (), {}), type("NetworkOfTexts", (LinearHead,), {"takes": "texts"})):
        monkeypatch.setitem(MODELS._parts, "theirs", wrong)
        with refuses(ConfigError, "plug-in-broken", "model.name"):
            choose(ModelConfig(name=("theirs",)), None)


def test_weights_from_a_file_are_loaded_and_their_last_layer_is_replaced(tmp_path):
    network = TorchvisionModel("resnet18", "none").make((64, 64, 3), 7)
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    model = TorchvisionModel("resnet18", str(tmp_path / "weights.pt"))
    assert model.pretrained
    loaded = model.make((64, 64, 3), 5)
    torch.testing.assert_close(loaded.conv1.weight, network.conv1.weight)
    assert loaded(torch.zeros(2, 3, 64, 64)).shape == (2, 5)
    assert model.make_features()(torch.zeros(2, 3, 64, 64)).shape == (2, 512)


def test_weights_of_another_model_are_refused_and_no_pickle_is_loaded(tmp_path):
    lacking = TorchvisionModel("resnet18", "none").make((64, 64, 3), 7).state_dict()
    del lacking["conv1.weight"]  # only the last layer may be another
    torch.save(lacking, tmp_path / "lacking.pt")
    torch.save({"layer.weight": torch.zeros(2)}, tmp_path / "other.pt")
    (tmp_path / "evil.pt").write_bytes(pickle.dumps({"code": print}))
    for name, code in (("lacking", "no-weights"), ("other", "no-weights"), ("evil", "no-weights"), ("none", "no-file")):
        with refuses(ConfigError, code, ""):
            TorchvisionModel("resnet18", str(tmp_path / f"{name}.pt")).make((64, 64, 3), 5)


@pytest.mark.skipif(not lite0_installed(), reason="needs the extra lite0")
def test_the_packaged_weights_of_lite0_load_whole_and_tell_images_apart():
    model = MODELS.build("efficientnet-lite0")
    features = model.make_features().eval()
    ramp = torch.linspace(-1, 1, 96).expand(1, 3, 96, 96)
    with torch.inference_mode():
        flat, striped = features(torch.zeros(1, 3, 96, 96)), features(ramp)
    assert flat.shape == (1, 1280)
    assert torch.isfinite(striped).all()
    assert (flat - striped).abs().max() > 0.1


def test_a_network_that_ends_in_a_convolution_gets_a_new_last_layer_too():
    model = TorchvisionModel("squeezenet1_1", "none")
    images = torch.zeros(2, 3, 64, 64)
    assert model.make((64, 64, 3), 5)(images).shape == (2, 5)
    assert model.make_features()(images).shape == (2, 512)


@pytest.mark.parametrize(("name", "side"), [("googlenet", 64), ("inception_v3", 75)])
def test_auxiliary_classifiers_are_left_out_so_that_all_of_a_network_learns(name, side, tmp_path):
    whole = torchvision.models.get_model(name, weights=None, init_weights=False)
    torch.save(whole.state_dict(), tmp_path / "weights.pt")
    network = TorchvisionModel(name, str(tmp_path / "weights.pt")).make((side, side, 3), 5).train()
    logits = network(torch.rand(2, 3, side, side))
    logits.sum().backward()
    assert logits.shape == (2, 5)
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_images_are_stored_at_a_size_that_the_network_can_take():
    assert TorchvisionModel("vit_b_16", "none").image_size(32) == 224
    assert TorchvisionModel("resnet18", "none").image_size(32) == 160
    assert TorchvisionModel("resnet18", "none").image_size(500) == 224


@pytest.mark.parametrize(
    ("width", "shape", "gains"),
    [
        (16, (32, 32, 3), True),
        (16, (28, 28, 1), True),
        (16, (16, 40, 3), True),
        (16, (8, 8, 1), False),
        (8, (32, 32, 3), False),
    ],
)
def test_small_cnn_is_for_matrix_units_where_there_is_enough_to_multiply(width, shape, gains):
    assert SmallCNN(width=width).recipe(1000, shape).matrix_units is gains


def test_logits_of_small_cnn_keep_their_digits_in_bfloat16():
    torch.manual_seed(0)
    network, images = SmallCNN().make((16, 16, 3), 4).eval(), torch.randn(64, 3, 16, 16)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        logits = network(images)
    assert logits.dtype is torch.float32
    assert not torch.equal(logits, logits.bfloat16().float())
