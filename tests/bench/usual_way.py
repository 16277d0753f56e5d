"""The usual way to find label errors, which whole runs are measured against: skorch, cross_val_predict, cleanlab.

    python tests/bench/usual_way.py arrays ARCHIVE LABELS TRUE        a two-convolution CNN, 5 folds, 10 epochs
    python tests/bench/usual_way.py photos FOLDER TRUTH [EPOCHS]      a frozen backbone on a folder of JPEG photos
    python tests/bench/usual_way.py ours ARCHIVE LABELS TRUE OUTPUT   labelscan with the model, epochs, folds and batch
                                                                      size of the first: only the engine differs

Prints one line of JSON with F1 and what cleanlab flags by default.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from cleanlab.filter import find_label_issues
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from skorch import NeuralNetClassifier
from skorch.helper import SliceDataset
from torch import Tensor, nn
from torchvision import transforms
from torchvision.datasets import ImageFolder

import labelscan
from labelscan.data.readers.arrays import dataset_from_arrays

EPOCHS, FOLDS, BATCH = 10, 5, 64


class TwoConvolutions(nn.Module):
    """The two-convolution network of many tutorials, for 28 x 28 grey images and 10 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 3)
        self.less, self.least = nn.Dropout(0.25), nn.Dropout(0.5)
        self.hidden, self.output = nn.Linear(9216, 128), nn.Linear(128, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Return (B, 10) logits."""
        maps = torch.relu(self.second(torch.relu(self.first(images))))
        rows = self.less(torch.max_pool2d(maps, 2)).flatten(1)
        return self.output(self.least(torch.relu(self.hidden(rows))))


class FrozenBackbone(nn.Module):
    """EfficientNet-Lite0 with ImageNet weights that are not trained, and a linear layer that is."""

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        from labelscan.training.models.timm_model import EfficientNetLite0

        self.backbone = EfficientNetLite0().make_features().requires_grad_(False)
        self.output = nn.Linear(1280, n_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return (B, K) logits."""
        self.backbone.eval()
        with torch.no_grad():
            features = self.backbone(images)
        return self.output(features)


def wrapped(module: type[nn.Module], **options: object) -> NeuralNetClassifier:
    """Return the module as a scikit-learn classifier."""
    return NeuralNetClassifier(
        module,
        **{f"module__{name}": value for name, value in options.items()},
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=1e-3,
        max_epochs=EPOCHS,
        batch_size=BATCH,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    )


def arrays(archive: str, labels: str, true: str) -> None:
    """Find label errors in arrays."""
    with np.load(archive) as content:
        images, given, truth = (content[name] for name in ("images", labels, true))
    inputs = ((images[:, None].astype(np.float32) / 255) - 0.1307) / 0.3081
    report(wrapped(TwoConvolutions), inputs, given.astype(np.int64), truth.astype(np.int64) != given)


def photos(folder: str, truth: str, epochs: str = str(EPOCHS)) -> None:
    """Find label errors in class folders of photos."""
    steps = [transforms.Resize((224, 224)), transforms.PILToTensor(), lambda image: (image.float() - 127) / 128]
    photographs = ImageFolder(folder, transforms.Compose(steps))
    known = pd.read_csv(truth, index_col="file")["is_error"]
    errors = [bool(known[str(Path("images") / Path(path).relative_to(folder))]) for path, _ in photographs.samples]
    given = np.array(photographs.targets)
    classifier = wrapped(FrozenBackbone, n_classes=given.max() + 1).set_params(max_epochs=int(epochs))
    report(classifier, SliceDataset(photographs), given, np.array(errors))


def ours(archive: str, labels: str, true: str, output: str) -> None:
    """Run labelscan once in a fresh folder."""
    with np.load(archive) as content:
        dataset = dataset_from_arrays(content["images"], content[labels], true_labels=content[true])
    settings = labelscan.settings(
        loss="ce", epochs=EPOCHS, folds=FOLDS, batch_size=BATCH, overrides={"training.augment": "none"}
    )
    run = labelscan.detect(dataset, settings=settings, model=TwoConvolutions, output=output, fresh=True)
    assert run.summary.against_truth is not None
    quality = run.summary.against_truth.quality["confident-learning"]
    print(json.dumps({"f1": quality.f1, "flagged": quality.n_flagged}))


def report(classifier: NeuralNetClassifier, inputs: object, given: np.ndarray, errors: np.ndarray) -> None:
    """Cross-validate, let cleanlab judge, and print the result."""
    torch.manual_seed(0)
    splitter = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    pred_probs = cross_val_predict(classifier, inputs, given, cv=splitter, method="predict_proba")
    flagged = find_label_issues(given, pred_probs, n_jobs=1)
    print(json.dumps({"f1": f1_score(errors, flagged), "flagged": int(flagged.sum())}))


if __name__ == "__main__":
    {"arrays": arrays, "photos": photos, "ours": ours}[sys.argv[1]](*sys.argv[2:])
