import functools
import importlib.util
import linecache

import pytest
from refusals import refuses
from sklearn.linear_model import LogisticRegression
from torch import nn

from labelscan.errors import ConfigError
from labelscan.training.user_model import check_given, fingerprint_of, name_of


def test_the_same_factory_has_the_same_fingerprint_twice():
    def make():
        return nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 2))

    assert fingerprint_of(make) == fingerprint_of(make)
    assert "make" in name_of(make)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda: nn.Linear(4, 2), lambda: nn.Linear(4, 3)),
        (functools.partial(nn.Linear, 4, 2), functools.partial(nn.Linear, 4, 2, bias=False)),
        (lambda: nn.Dropout(0.1), lambda: nn.Dropout(0.2)),
        (LogisticRegression(C=1), LogisticRegression(C=2)),
    ],
)
def test_other_layers_sizes_or_parameters_have_another_fingerprint(one, other):
    assert fingerprint_of(one) != fingerprint_of(other)


def test_other_first_weights_have_another_fingerprint():
    trained = nn.Linear(4, 2)
    before = fingerprint_of(lambda: trained)
    nn.init.ones_(trained.weight)
    assert fingerprint_of(lambda: trained) != before


def test_another_forward_pass_has_another_fingerprint(tmp_path):
    prints = []
    for act in ("relu", "tanh"):
        path = tmp_path / "nets.py"
        path.write_text(
            "import torch\nfrom torch import nn\n\n\nclass Net(nn.Linear):\n"
            f"    def forward(self, x):\n        return torch.{act}(super().forward(x))\n"
        )
        linecache.clearcache()
        spec = importlib.util.spec_from_file_location("nets", path)
        nets = importlib.util.module_from_spec(spec)
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(importlib.import_module("sys").modules, "nets", nets)
            exec(compile(path.read_text(), str(path), "exec"), nets.__dict__)
            prints.append(fingerprint_of(lambda kind=nets.Net: kind(4, 2)))
    assert prints[0] != prints[1]


@pytest.mark.parametrize(
    ("check", "given"),
    [
        (check_given, "resnet18"),
        (check_given, LogisticRegression),
        (check_given, nn.Linear(2, 2)),
        (check_given, 3),
        (fingerprint_of, list),  # a factory that makes no network
    ],
)
def test_what_is_no_model_is_refused(check, given):
    with refuses(ConfigError, "wrong-model", "model"):
        check(given)
