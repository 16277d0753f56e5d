"""What every engine keeps to: the features of torch in float32, an image's own whatever its neighbours."""

from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from torch import nn

from labelscan.training.device import Device
from labelscan.training.engines import CPU_BATCH, EngineChoice, make_engine
from labelscan.training.models.timm_model import TimmModel, installed
from labelscan.training.models.torchvision_model import TorchvisionModel

needs_openvino = pytest.mark.skipif(find_spec("openvino") is None, reason="needs labelscan[cpu]")
ENGINES = ["torch", pytest.param("openvino", marks=needs_openvino)]
SHAPE = (3, 64, 64)


def network_of(model):
    torch.manual_seed(0)
    network = model.make_features().eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):  # in its initial state it does nothing
            nn.init.uniform_(module.running_mean, -0.1, 0.1)
            nn.init.uniform_(module.bias, -0.1, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return network.to(memory_format=torch.channels_last)


def engine_of(network, name, dtype_name="float32", **options):
    return make_engine(network, SHAPE, Device("cpu"), EngineChoice(name, "1", dtype_name), **options)


def draw(n=CPU_BATCH, shape=SHAPE):
    return torch.randn(n, *shape, generator=torch.Generator().manual_seed(1)).to(memory_format=torch.channels_last)


def relative(features, expected):
    return float(np.abs(features - expected).max() / np.abs(expected).max())


@pytest.fixture(scope="module")
def mobilenet():
    return network_of(TorchvisionModel("mobilenet_v3_small", "none"))


def eager(network, images):
    with torch.inference_mode():
        return network(images).flatten(1).numpy()


@pytest.mark.parametrize("name", ENGINES)
def test_features_are_those_of_the_network(mobilenet, name):
    engine, images = engine_of(mobilenet, name), draw()
    features = engine(images)
    assert (features.dtype, features.shape, engine.name, engine.batch_size) == (np.float32, (8, 1024), name, 8)
    assert relative(features, eager(mobilenet, images)) < 1e-4


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("dtype_name", ["float32", "bfloat16"])
def test_features_of_an_image_do_not_depend_on_its_neighbours(mobilenet, name, dtype_name):
    engine, images = engine_of(mobilenet, name, dtype_name), draw(3 * CPU_BATCH)
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(2))
    parts = [np.concatenate([engine(part) for part in some.split(CPU_BATCH)]) for some in (images, images[order])]
    np.testing.assert_array_equal(parts[0][order], parts[1])


@pytest.mark.parametrize("name", ENGINES)
def test_several_threads_get_what_one_gets(mobilenet, name):
    engine, batches = engine_of(mobilenet, name), draw(4 * CPU_BATCH).split(CPU_BATCH)
    alone = [engine(batch) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(engine, batches * 3))
    np.testing.assert_array_equal(np.concatenate(together), np.concatenate(alone * 3))


@pytest.mark.parametrize("name", ENGINES)
def test_images_that_do_not_lie_by_channels_have_the_same_features(mobilenet, name):
    engine, images = engine_of(mobilenet, name), draw()
    assert relative(engine(images.contiguous()), engine(images)) < 1e-5


@needs_openvino
def test_bfloat16_is_close_and_another_precision(mobilenet):
    exact, rounded = (engine_of(mobilenet, "openvino", dtype_name) for dtype_name in ("float32", "bfloat16"))
    images = draw()
    assert 1e-4 < relative(rounded(images), exact(images)) < 0.1
    assert exact.facts != rounded.facts


@needs_openvino
@pytest.mark.skipif(not installed(), reason="needs labelscan[timm]")
def test_networks_of_timm_run_on_openvino():
    network, received = network_of(TimmModel("tf_efficientnet_lite0")), []
    engine = engine_of(network, "openvino", notify=received.append)
    assert (engine.name, received) == ("openvino", [])
    assert relative(engine(draw()), eager(network, draw())) < 1e-4


def test_large_images_come_in_smaller_batches(mobilenet):
    engine = make_engine(mobilenet, (3, 1700, 1700), Device("cpu"), EngineChoice("torch", "1", "float32"))
    assert engine.batch_size == 1
