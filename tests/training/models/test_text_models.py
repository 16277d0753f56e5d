"""Models of texts: those that need no weights, and embeddings that are frozen."""

import pickle

import numpy as np
import pytest
from refusals import refuses
from tiny_texts import draw_texts, save_static_embedding

from labelscan.arrays import as_strings
from labelscan.config import ModelConfig
from labelscan.errors import ConfigError
from labelscan.events import Noted, ignore
from labelscan.images.cache import Cache
from labelscan.training.models import MODELS
from labelscan.training.models.automatic import DataFacts
from labelscan.training.models.choice import choose_models
from labelscan.training.models.named_embeddings import find_embedding
from labelscan.training.models.text_embeddings import BLOCK, embed_texts, wordllama_installed

TEXTS = DataFacts("texts", None, 500, 3)
NAMES = [name for name in MODELS if (model := MODELS.build(name)).kind == "classifier" and model.takes == "texts"]


@pytest.mark.parametrize("name", NAMES)
def test_a_model_of_texts_learns_from_any_of_them_and_its_seed_decides(name):
    texts, true, _ = draw_texts(90)
    model = pickle.loads(pickle.dumps(MODELS.build(name)))
    probs = []
    for _ in range(2):
        encoder = model.make_encoder()
        classifier = model.make_classifier(3, 1).fit(encoder.fit_transform(as_strings(texts[:60])), np.array(true[:60]))
        probs.append(classifier.predict_proba(encoder.transform(as_strings(texts[60:]))))
    np.testing.assert_array_equal(*probs)
    np.testing.assert_allclose(probs[0].sum(axis=1), 1, rtol=1e-6)
    assert (classifier.classes_[probs[0].argmax(axis=1)] == np.array(true[60:])).mean() > 0.9


def test_texts_get_tfidf_and_embeddings_where_their_weights_are_installed(monkeypatch):
    monkeypatch.setattr("labelscan.training.models.automatic.wordllama_installed", lambda: True)
    first, second = choose_models(ModelConfig(), TEXTS)
    assert (first.name, first.frozen, second.frozen.name) == ("tfidf", None, "wordllama")


def test_texts_without_embeddings_get_one_model_that_is_always_there_and_a_tip(monkeypatch):
    monkeypatch.setattr("labelscan.training.models.automatic.wordllama_installed", lambda: False)
    (alone,) = choose_models(ModelConfig(), TEXTS)
    assert alone.name == "tfidf"
    assert "labelscan[text]" in alone.tip


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("mlp", "texts"),
        ("small-cnn", "texts"),
        ("tfidf", "features"),
        ("wordllama", "columns"),
        ("small-cnn", "columns"),
        ("bayes", "images"),
    ],
)
def test_a_model_that_cannot_take_the_data_is_refused(name, kind):
    with refuses(ConfigError, "wrong-model", "model.name"):
        choose_models(ModelConfig(name=(name,)), DataFacts(kind, None, 500, 3, 4))


@pytest.mark.parametrize(
    ("more", "code"), [({"freeze": "no"}, "wrong-model"), ({"weights": __file__}, "no-model")], ids=["whole", "file"]
)
def test_an_embedding_is_never_trained_whole_and_takes_no_weights_from_a_file(more, code):
    with refuses(ConfigError, code, "model."):
        choose_models(ModelConfig(name=("wordllama",), **more), TEXTS)


@pytest.mark.parametrize("head", ["linear", "ridge", "mlp"])
def test_an_embedding_takes_a_head(head):
    (chosen,) = choose_models(ModelConfig(name=(f"wordllama:head={head}",)), TEXTS)
    assert chosen.frozen.name == "wordllama"
    assert type(chosen.model).__name__.lower().startswith(head)


@pytest.mark.skipif(not wordllama_installed(), reason="needs the extra text")
def test_the_embeddings_inside_a_wheel_know_what_texts_are_about():
    embed = MODELS.build("wordllama").load()
    football, goal, soup, empty = embed(["football match", "the team scored a goal", "tomato soup recipe", " "])

    def alike(a, b):
        return a @ b / np.linalg.norm(a) / np.linalg.norm(b)

    assert football.shape == (256,)
    assert alike(football, goal) > alike(football, soup)
    assert np.isfinite(empty).all()


class Lengths:
    """Embeds a text as its length; the numbers of texts embedded at a time are kept."""

    name = "lengths"
    package = "numpy"

    def __init__(self):
        self.seen = []

    def load(self):
        def embed(texts):
            self.seen.append(len(texts))
            return np.array([[len(text), 1] for text in texts], dtype=np.float32)

        return embed


def test_features_of_texts_are_computed_once_and_a_longer_list_only_adds_to_them(tmp_path):
    texts = [f"{'word ' * (row % 7)}{row}" for row in range(BLOCK + 10)]
    texts[5] = "  "
    cache, model, notes = Cache(tmp_path / "cache"), Lengths(), []

    def features(texts, notify=ignore):
        embed_texts(as_strings(texts), model, "weights", tmp_path / "features.npy", cache=cache, notify=notify)
        return np.load(tmp_path / "features.npy")

    first = features(texts)
    assert first[:, 0].tolist() == [0 if row == 5 else len(text) for row, text in enumerate(texts)]
    assert model.seen == [BLOCK, 9]
    again = features([*texts, "a new one"], lambda event: notes.append(event))
    np.testing.assert_array_equal(again[: len(texts)], first)
    assert model.seen == [BLOCK, 9, 10]  # the block that it falls into is done as a whole
    assert f"{BLOCK:,} of {BLOCK + 10:,} features are reused" in [
        one.message for one in notes if isinstance(one, Noted)
    ]


def test_weights_that_are_not_here_are_not_fetched(monkeypatch):
    pytest.importorskip("model2vec")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with refuses(ConfigError, "flag-without-effect"):
        find_embedding("model2vec/potion-that-is-nowhere", "auto").load()


def test_a_library_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr("labelscan.training.models.named_embeddings.find_spec", lambda name: None)
    with refuses(ConfigError, "not-installed"):
        find_embedding("sentence-transformers/all-MiniLM-L6-v2", "auto")


def test_a_folder_of_static_embeddings_is_a_model(tmp_path):
    save_static_embedding(tmp_path / "weights", {"red": [1, 0], "blue": [0, 1]})
    found = find_embedding(str(tmp_path / "weights"), "auto")
    embedded = found.load()(["red", "blue blue", "red blue"])
    np.testing.assert_allclose(embedded, [[1, 0], [0, 1], [0.5, 0.5]], atol=1e-6)
    (tmp_path / "weights" / "model.safetensors").write_bytes(b"damaged")
    with refuses(ConfigError, "no-weights"):
        found.load()
