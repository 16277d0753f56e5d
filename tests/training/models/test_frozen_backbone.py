"""Features of a frozen backbone are computed once for an image, whichever run asks, and do not depend on others."""

import threading
import weakref
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from labelscan.arrays import as_strings
from labelscan.errors import Interrupted
from labelscan.events import Noted, StepAdvanced, StepDone, ignore
from labelscan.images import blocks
from labelscan.images.blocks import ImageBlocks, build_rows
from labelscan.images.cache import Cache
from labelscan.images.decoding import ImageShape
from labelscan.images.sources import ImageArray, ImageFiles
from labelscan.images.store import Store
from labelscan.training.device import Device, make_network, reproducible
from labelscan.training.engines import CPU_BATCH, EngineChoice, make_engine, openvino
from labelscan.training.models import frozen_backbone
from labelscan.training.models.frozen_backbone import embed
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


class Small(Tiny):
    """Convolutions of each kind, which compile in a moment."""

    def make_features(self) -> nn.Module:
        wide, by_channel, narrow = nn.Conv2d(3, 16, 3, stride=2), nn.Conv2d(16, 16, 3, groups=16), nn.Conv2d(16, 64, 1)
        return nn.Sequential(wide, nn.BatchNorm2d(16), nn.Hardswish(), by_channel, narrow, nn.AdaptiveAvgPool2d(1))


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (N_IMAGES, 4, 4, 3), dtype=np.uint8)


@pytest.fixture
def compute(tmp_path, monkeypatch):
    """Return a function that gives the features of images, and how many images the network saw for that."""
    monkeypatch.setattr(frozen_backbone, "available_cores", lambda: 1)
    number = iter(range(100))

    def run(
        images, backbone=None, *, mirror=False, device=None, engine="torch", notify=ignore, cache="cache", shape=None
    ):
        source = images if isinstance(images, ImageFiles) else ImageArray(images)
        shape = shape or ImageShape(*images.shape[1:])
        folder = tmp_path / f"run-{next(number)}"
        Means.seen, device = 0, device or Device("cpu")
        store = embed(
            ImageBlocks(source=source, shape=shape, max_pixels=10**6),
            backbone or Tiny(),
            folder / "features.npy",
            cache=Cache(tmp_path / cache),
            mirror=mirror,
            device=device,
            choice=EngineChoice(engine, "1", device.dtype_name),
            notify=notify,
        )
        assert sorted(entry.name for entry in folder.iterdir()) == ["features.npy", "features.npz"]
        return store.rows(), Means.seen

    return run


def test_an_interrupted_computation_goes_on_and_ends_with_the_same_bytes(images, compute):
    def stop(event):
        if isinstance(event, StepAdvanced) and event.done >= 5 * CPU_BATCH:
            raise Interrupted("interrupted", "enough")

    with pytest.raises(Interrupted):
        compute(images, notify=stop)
    received = []
    resumed, n_computed = compute(images, notify=received.append)
    assert Noted(f"{5 * CPU_BATCH} of {N_IMAGES} features are reused") in received
    whole, _ = compute(images, cache="another")
    np.testing.assert_array_equal(resumed, whole)
    assert n_computed == 5 * CPU_BATCH  # 37 images in whole batches


def test_features_that_are_whole_are_kept_though_the_run_is_interrupted_when_it_learns_so(images, compute, tmp_path):
    def stop(event):
        if isinstance(event, StepDone):
            raise Interrupted("interrupted", "enough")

    with pytest.raises(Interrupted):
        compute(images, notify=stop)
    assert Store.read(tmp_path / "run-0" / "features.npy") is not None


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
    received = []
    compute(images, **other, notify=received.append)
    assert StepAdvanced("features", N_IMAGES) in received
    assert not [event for event in received if isinstance(event, Noted)]  # that some are reused


def test_features_of_another_processor_are_others(images, compute, monkeypatch):
    compute(images)
    monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda: "ABACUS")
    _, n_computed = compute(images)
    assert n_computed >= N_IMAGES


@pytest.mark.parametrize("engine", ["torch", pytest.param("openvino", marks=needs_openvino)])
def test_features_do_not_depend_on_which_images_are_computed_together(compute, engine):
    backbone = Random(TorchvisionModel("mobilenet_v3_small", "none"))
    images = np.random.default_rng(0).integers(0, 256, (CPU_BATCH + 3, 96, 96, 3), dtype=np.uint8)
    together, _ = compute(images, backbone, mirror=True, engine=engine)
    compute(images[[1, CPU_BATCH + 2]], backbone, mirror=True, engine=engine, cache="parts")
    reversed_, _ = compute(images[::-1].copy(), backbone, mirror=True, engine=engine, cache="parts")
    np.testing.assert_array_equal(reversed_[::-1], together)


@pytest.fixture
def decoded(monkeypatch):
    """Return the contents of images that are decoded, as a list that grows with each."""
    counted, original = [], blocks._decode

    def decode(content, shape, max_pixels):
        counted.append(content)
        return original(content, shape, max_pixels)

    monkeypatch.setattr(blocks, "_decode", decode)
    return counted


@pytest.fixture
def photos(tmp_path):
    """Return files of more than a batch and a block, each of a size of its own; the third is no image."""
    (tmp_path / "photos").mkdir()
    generator = np.random.default_rng(0)
    for row in range(4 * CPU_BATCH + 5):
        coarse = Image.fromarray(generator.integers(0, 256, (6, 8, 3), dtype=np.uint8))
        coarse.resize((300 + row, 200)).save(tmp_path / "photos" / f"{row:02}.jpg")
    (tmp_path / "photos" / "02.jpg").write_bytes(b"no image")
    return ImageFiles(tmp_path / "photos", as_strings(sorted(path.name for path in (tmp_path / "photos").iterdir())))


def test_features_are_bit_for_bit_those_of_stored_pixels(photos, compute, tmp_path):
    backbone, shape = Random(TorchvisionModel("mobilenet_v3_small", "none")), ImageShape(64, 64, 3)
    features, _ = compute(photos, backbone, mirror=True, shape=shape)
    images = ImageBlocks(source=photos, shape=shape, max_pixels=10**6)
    pixels = torch.from_numpy(build_rows(images, tmp_path / "i.npy", cache=Cache(tmp_path / "c")).rows().copy())
    mean, deviation = (torch.tensor(values) for values in backbone.scale)
    with reproducible(0, threads=1):
        network = make_network(backbone.make_features, Device("cpu"), seed=0).eval()
        engine = make_engine(network, (3, 64, 64), Device("cpu"), EngineChoice("torch", "1", "float32"))
        for first in (5, 5 + CPU_BATCH):  # other batches than those of the stream
            rows = pixels[first : first + CPU_BATCH]
            views = [torch.addcmul(-mean / deviation, view.float(), 1 / deviation) for view in (rows, rows.flip(2))]
            both = np.mean([engine(view.permute(0, 3, 1, 2)) for view in views], axis=0)
            np.testing.assert_array_equal(features[first : first + CPU_BATCH], both)


@pytest.mark.parametrize("engine", ["torch", pytest.param("openvino", marks=needs_openvino)])
def test_the_number_of_cores_does_not_change_a_byte(photos, compute, monkeypatch, engine):
    found = []
    for cores in (1, 3):
        for module in (frozen_backbone, blocks, openvino):
            monkeypatch.setattr(module, "available_cores", lambda cores=cores: cores)
        features, _ = compute(
            photos, Random(Small()), engine=engine, shape=ImageShape(64, 64, 3), cache=f"cache-{cores}"
        )
        found.append(features.tobytes())
    assert found[0] == found[1]


def test_all_gpus_compute_features_and_none_is_another(images, compute, monkeypatch):
    alone, _ = compute(images, cache="alone")
    made, saw = [], []

    class Watched(Means):
        def forward(self, images: Tensor) -> Tensor:
            saw.append(id(self))
            return super().forward(images)

    class Several(Tiny):
        def make_features(self) -> nn.Module:
            made.append(Watched(self.gain))
            return made[-1]

    monkeypatch.setattr(frozen_backbone, "available_cores", lambda: 3)
    monkeypatch.setattr(frozen_backbone, "all_gpus", lambda device: [device] * 3)
    together, n_seen = compute(images, Several(), cache="together")
    np.testing.assert_array_equal(together, alone)
    assert n_seen == 10 * CPU_BATCH  # each batch once
    assert set(saw) == set(map(id, made))
    assert len(made) == 3


def test_networks_are_gone_when_the_memory_of_gpus_is_given_back(images, compute, monkeypatch):
    made, left = [], []

    class Watched(Tiny):
        def make_features(self) -> nn.Module:
            network = super().make_features()
            made.append(weakref.ref(network))
            return network

    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: left.append([one() for one in made if one() is not None]))
    compute(images, Watched())
    assert made
    assert left == [[]]


def test_unreadable_images_have_no_features_and_known_ones_are_not_even_decoded(photos, compute, decoded):
    received, shape = [], ImageShape(4, 4, 3)
    features, n_computed = compute(photos, shape=shape)
    assert (len(decoded), n_computed) == (len(photos), 5 * CPU_BATCH)
    assert not features[2].any()
    assert np.delete(features, 2, axis=0).all()
    again, n_computed = compute(photos, shape=shape, notify=received.append)
    np.testing.assert_array_equal(again, features)
    assert (decoded[len(photos) :], n_computed) == ([b"no image"], 0)
    assert Noted(f"{len(photos) - 1} of {len(photos)} features are reused") in received
    assert [event for event in received if isinstance(event, StepAdvanced)][-1].done == len(photos)


def test_an_image_that_is_too_large_now_is_unreadable_though_its_features_are_known(photos, tmp_path):
    stores = [
        embed(
            ImageBlocks(source=photos, shape=ImageShape(4, 4, 3), max_pixels=max_pixels),
            Tiny(),
            tmp_path / f"{max_pixels}.npy",
            cache=Cache(tmp_path / "cache"),
            mirror=False,
            device=Device("cpu"),
            choice=EngineChoice("torch", "1", "float32"),
            notify=ignore,
        )
        for max_pixels in (10**6, 310 * 200)
    ]
    assert [list(store.unreadable) for store in stores] == [[2], [2, *range(11, len(photos))]]


def test_an_interrupted_stream_decodes_only_what_is_missing(photos, compute, decoded):
    def stop(event):
        if isinstance(event, StepAdvanced) and event.done >= 2 * CPU_BATCH:
            raise Interrupted("interrupted", "enough")

    shape = ImageShape(4, 4, 3)
    with pytest.raises(Interrupted):
        compute(photos, shape=shape, notify=stop)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("decode", "features"))]
    decoded.clear()
    resumed, n_computed = compute(photos, shape=shape)
    assert len(decoded) - 1 < n_computed == 3 * CPU_BATCH  # one is no image, and a batch is filled up
    np.testing.assert_array_equal(resumed, compute(photos, shape=shape, cache="another")[0])


@pytest.mark.slow
def test_memory_stays_constant_for_images_larger_than_it(compute):
    import resource

    images = np.broadcast_to(np.zeros((1, 128, 128, 3), np.uint8), (20_000, 128, 128, 3))  # nearly a gigabyte
    compute(images[:500])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    features, _ = compute(images)
    assert features.shape == (20_000, 3)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000  # kB
