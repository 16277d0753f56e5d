"""Features of a frozen backbone are computed once for an image, whichever run asks, and do not depend on others."""

from importlib.util import find_spec

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from labelscan.arrays import as_strings
from labelscan.config import StoreConfig
from labelscan.data.build_store import build_store
from labelscan.data.cache import Cache
from labelscan.data.decoding import ImageShape
from labelscan.data.inputs import ImageArray, ImageFiles
from labelscan.errors import Interrupted
from labelscan.events import Noted, StepAdvanced
from labelscan.training.device import Device
from labelscan.training.engines import CPU_BATCH, EngineChoice
from labelscan.training.models import frozen_backbone
from labelscan.training.models.frozen_backbone import embed
from labelscan.training.models.timm_model import EfficientNetLite0, lite0_installed
from labelscan.training.models.torchvision_model import TorchvisionModel

N_IMAGES = 9 * CPU_BATCH + 5
needs_openvino = pytest.mark.skipif(find_spec("openvino") is None, reason="needs labelscan[cpu]")


class Means(nn.Module):
    """Three features an image; counts the images that it has seen."""

    seen = 0

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor([gain]))

    def forward(self, images: Tensor) -> Tensor:
        Means.seen += len(images)
        return self.gain * images.mean(dim=(2, 3))


class Tiny:
    pretrained = True
    scale = ((100.0, 110.0, 120.0), (50.0, 60.0, 70.0))

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def make_features(self) -> nn.Module:
        return Means(self.gain)


class Random:
    """A real network with random weights that are always the same."""

    def __init__(self, model) -> None:
        self.model, self.scale = model, model.scale

    def make_features(self) -> nn.Module:
        network = self.model.make_features()
        for tensor in network.state_dict().values():  # batch norm in its initial state is no real one
            if tensor.is_floating_point() and tensor.ndim == 1:
                tensor.add_(torch.rand(tensor.shape) / 10)
        return network


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (N_IMAGES, 4, 4, 3), dtype=np.uint8)


@pytest.fixture
def compute(tmp_path, monkeypatch):
    """Return a function that gives the features of images, and how many images the network saw for that."""
    monkeypatch.setattr(frozen_backbone, "available_cores", lambda: 1)
    number = iter(range(100))

    def run(
        images, backbone=None, *, mirror=False, device=None, engine="torch", notify=lambda event: None, cache="cache"
    ):
        folder = tmp_path / str(next(number))
        cache = Cache(tmp_path / cache)
        shape = ImageShape(*images.shape[1:])
        store = build_store(
            ImageArray(images), shape, folder / "i.npy", cache=cache, config=StoreConfig(), max_pixels=10**6
        )
        Means.seen, device = 0, device or Device("cpu")
        embed(
            store,
            backbone or Tiny(),
            folder / "f.npy",
            cache=cache,
            mapped_bytes=2**20,
            mirror=mirror,
            device=device,
            choice=EngineChoice(engine, "1", device.dtype_name),
            notify=notify,
        )
        return np.load(folder / "f.npy"), Means.seen

    return run


def test_an_interrupted_computation_goes_on_and_ends_with_the_same_bytes(images, compute):
    def stop(event):
        if isinstance(event, StepAdvanced) and event.done >= 5 * CPU_BATCH:
            raise Interrupted("enough")

    with pytest.raises(Interrupted):
        compute(images, notify=stop)
    told = []
    resumed, n_computed = compute(images, notify=told.append)
    assert Noted(f"{5 * CPU_BATCH} of {N_IMAGES} features are reused") in told
    whole, _ = compute(images, cache="another")
    np.testing.assert_array_equal(resumed, whole)
    assert n_computed == 5 * CPU_BATCH  # 37 images in whole batches


def test_what_is_known_is_not_computed_in_any_order_or_selection(images, compute):
    features, _ = compute(images)
    order = np.random.default_rng(1).permutation(N_IMAGES)[:50]
    some, n_computed = compute(images[order])
    assert n_computed == 0
    np.testing.assert_array_equal(some, features[order])
    new = np.full((1, 4, 4, 3), 7, dtype=np.uint8)
    more, n_computed = compute(np.concatenate([new, images]))
    assert n_computed == CPU_BATCH
    np.testing.assert_array_equal(more[1:], features)
    np.testing.assert_allclose(more[0], [(7 - 100) / 50, (7 - 110) / 60, (7 - 120) / 70], rtol=1e-5)


@pytest.mark.parametrize(
    "other",
    [
        {"backbone": Tiny(gain=2.0)},
        {"mirror": True},
        {"device": Device("cpu", "bfloat16")},
        pytest.param({"engine": "openvino"}, marks=needs_openvino),
    ],
    ids=["weights", "mirror", "precision", "engine"],
)
def test_features_made_in_another_way_are_others(images, compute, other):
    compute(images)
    told = []
    compute(images, **other, notify=told.append)
    assert StepAdvanced("features", N_IMAGES) in told
    assert not [event for event in told if isinstance(event, Noted)]  # that some are reused


def test_features_of_another_processor_are_others(images, compute, monkeypatch):
    compute(images)
    monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda: "ABACUS")
    _, n_computed = compute(images)
    assert n_computed >= N_IMAGES


@pytest.mark.parametrize("engine", ["torch", pytest.param("openvino", marks=needs_openvino)])
def test_features_do_not_depend_on_which_images_are_computed_together(compute, engine):
    check_alone_and_together(compute, Random(TorchvisionModel("mobilenet_v3_small", "none")), 224, engine)


@pytest.mark.skipif(not lite0_installed(), reason="needs labelscan[lite0]")
def test_features_of_lite0_do_not_depend_on_which_images_are_computed_together(compute):
    check_alone_and_together(compute, EfficientNetLite0(), 64)


def check_alone_and_together(compute, backbone, side, engine="torch"):
    images = np.random.default_rng(0).integers(0, 256, (CPU_BATCH + 3, side, side, 3), dtype=np.uint8)
    together, _ = compute(images, backbone, mirror=True, engine=engine)
    compute(images[[1, CPU_BATCH + 2]], backbone, mirror=True, engine=engine, cache="parts")
    reversed_, _ = compute(images[::-1].copy(), backbone, mirror=True, engine=engine, cache="parts")
    np.testing.assert_array_equal(reversed_[::-1], together)


def test_unreadable_images_have_no_features_and_are_not_computed(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no image")
    Image.new("RGB", (4, 4), (100, 110, 190)).save(tmp_path / "b.png")
    source, cache = ImageFiles(tmp_path, as_strings(["a.png", "b.png"])), Cache(tmp_path / "cache")
    store = build_store(
        source, ImageShape(4, 4, 3), tmp_path / "i.npy", cache=cache, config=StoreConfig(), max_pixels=100
    )
    told = []
    for name in ("first.npy", "second.npy"):
        Means.seen = 0
        embed(
            store,
            Tiny(),
            tmp_path / name,
            cache=cache,
            mapped_bytes=2**20,
            mirror=False,
            device=Device("cpu"),
            choice=EngineChoice("torch", "1", "float32"),
            notify=told.append,
        )
        np.testing.assert_allclose(np.load(tmp_path / name), [[0, 0, 0], [0, 0, 1]], atol=1e-6)
    assert Means.seen == 0
    assert Noted("1 of 2 features are reused") in told
