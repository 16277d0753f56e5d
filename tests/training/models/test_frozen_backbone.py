"""Features of a frozen backbone are computed once, also where the run is stopped in between."""

import numpy as np
import pytest
from torch import Tensor, nn

from labelscan.config import DeviceConfig
from labelscan.errors import Interrupted
from labelscan.events import Noted, StepAdvanced
from labelscan.training.batches import StoredInputs
from labelscan.training.device import choose_device
from labelscan.training.models import frozen_backbone
from labelscan.training.models.frozen_backbone import CPU_BATCH, embed

N_IMAGES = 9 * CPU_BATCH + 5


class Means(nn.Module):
    """Three features an image; counts the images that it has seen."""

    seen = 0

    def forward(self, images: Tensor) -> Tensor:
        Means.seen += len(images)
        return images.mean(dim=(2, 3))


class Tiny:
    pretrained = True
    scale = ((100.0, 110.0, 120.0), (50.0, 60.0, 70.0))

    def make_features(self) -> nn.Module:
        return Means()


@pytest.fixture
def compute(tmp_path, monkeypatch):
    monkeypatch.setattr(frozen_backbone, "available_cores", lambda: 1)
    images = np.random.default_rng(0).integers(0, 256, (N_IMAGES, 4, 4, 3), dtype=np.uint8)
    np.save(tmp_path / "images.npy", images)

    def run(name, notify=lambda event: None):
        stored = StoredInputs(tmp_path / "images.npy", 2**20)
        device = choose_device(DeviceConfig(name="cpu"))
        Means.seen = 0
        embed(stored, Tiny(), tmp_path / name, mirror=False, device=device, notify=notify)
        return (tmp_path / name).read_bytes(), Means.seen

    return run


def test_an_interrupted_computation_goes_on_and_ends_with_the_same_bytes(compute):
    def stop(event):
        if isinstance(event, StepAdvanced) and event.done >= 5 * CPU_BATCH:
            raise Interrupted("enough")

    with pytest.raises(Interrupted):
        compute("features.npy", stop)
    told = []
    resumed, n_computed = compute("features.npy", told.append)
    assert Noted(f"{5 * CPU_BATCH} of {N_IMAGES} features are reused from an interrupted run") in told
    whole, n_images = compute("whole.npy")
    assert resumed == whole
    assert (n_images, n_computed) == (N_IMAGES, N_IMAGES - 5 * CPU_BATCH)
