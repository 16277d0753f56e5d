"""Embeddings of texts by pretrained models, frozen: features computed once, on which each fold trains a head.

Weights come from a package or a folder on this machine; nothing is fetched unless ``--weights default`` asks for it.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from labelscan.arrays import Strings
from labelscan.errors import ConfigError
from labelscan.events import Listener, Noted, StepAdvanced, StepDone, StepStarted
from labelscan.files.rows_file import rows_file
from labelscan.images.cache import Cache
from labelscan.images.segment import DIGEST_BYTES

BLOCK = 256
"""Texts that are embedded at a time."""

Embed: TypeAlias = Callable[[Sequence[str]], NDArray[np.float32]]
"""Returns (B, D) features of B texts, the same for the same B texts."""


class TextEmbedding(Protocol):
    """A pretrained model of texts; picklable, since its weights are only named."""

    kind: ClassVar[Literal["text embedding"]]
    takes: str

    @property
    def name(self) -> str:
        """Return its name, as after ``--model``."""

    @property
    def package(self) -> str:
        """Return the package that computes features, whose version they depend on."""

    def files(self) -> Sequence[Path]:
        """Return the files of its weights, by which a later run knows it again.

        Raises:
            ConfigError: they are not on this machine, and may not be fetched.
        """

    def load(self) -> Embed:
        """Return what embeds texts, with its weights in memory.

        Raises:
            ConfigError: as ``files``, or they cannot be read.
        """


@dataclass(frozen=True)
class WordLlama:
    """Static embeddings of tokens, averaged over a text; the weights come in the wheel of wordllama: works offline.

    Source: https://github.com/dleemiller/WordLlama, token embeddings of large language models, trained down to 256
    dimensions.
    """

    kind: ClassVar[Literal["text embedding"]] = "text embedding"
    takes = "texts"
    name = "wordllama"
    package = "tokenizers"

    def files(self) -> tuple[Path, Path]:
        if not wordllama_installed():
            problem = "wordllama is not installed"
            raise ConfigError(
                "not-installed", problem, where="model.name", hint="pip install 'labelscan[text]', or use tfidf"
            )
        return _one_file("*.safetensors"), _one_file("*tokenizer*.json")

    def load(self) -> Embed:
        weights, tokenizer_file = self.files()
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        vectors: NDArray[np.float32] = load_file(weights)["embedding.weight"].astype(np.float32)
        tokenizer = Tokenizer.from_file(str(tokenizer_file))
        tokenizer.no_truncation()
        tokenizer.no_padding()

        def embed(texts: Sequence[str]) -> NDArray[np.float32]:
            encoded = tokenizer.encode_batch(list(texts), add_special_tokens=False)
            features = np.zeros((len(texts), vectors.shape[1]), dtype=np.float32)
            for row, tokens in zip(features, encoded, strict=True):
                if tokens.ids:
                    row[:] = vectors[tokens.ids].mean(axis=0)
            return features

        return embed


def wordllama_installed() -> bool:
    """Return whether the weights of wordllama are here, and what reads them."""
    return all(find_spec(name) is not None for name in ("wordllama", "tokenizers", "safetensors"))


def _one_file(pattern: str) -> Path:
    """Return a file of wordllama, found without importing it: its own loader looks in another folder."""
    spec = find_spec("wordllama")
    assert spec is not None
    assert spec.origin is not None
    found = sorted(Path(spec.origin).parent.rglob(pattern))
    if not found:
        raise ConfigError(
            "not-installed", f"wordllama has no {pattern}", where="model.name", hint="pip install -U 'labelscan[text]'"
        )
    return found[0]


def digest_of_files(paths: Sequence[Path]) -> str:
    """Return 32 hexadecimal digits that change with the contents of any of the files."""
    digest = hashlib.blake2b(digest_size=16)
    for path in paths:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def embed_texts(
    texts: Strings, embedding: TextEmbedding, weights: str, path: Path, *, cache: Cache, notify: Listener
) -> None:
    """Write the (N, D) float32 features of (N,) texts to the .npy file ``path``; those of empty texts are zeros.

    ``weights`` is a digest of those of the embedding, by which features in the cache are known again.
    They are computed in blocks of the same texts in whatever process: some models fill up the texts of a block to the
    longest, which changes last digits. A block of which any is missing in the cache is computed as a whole.
    """
    started = time.monotonic()
    notify(StepStarted("features", len(texts)))
    embed = embedding.load()
    made_by = {"embedding": embedding.name, "weights": weights, embedding.package: version(embedding.package)}
    rows = np.array([row for row, text in enumerate(texts) if text.strip()], dtype=np.int64)
    n_reused = 0
    with cache.shelf("features", made_by, notify=notify) as shelf, rows_file(path, len(texts)) as file:
        for block in np.split(rows, range(BLOCK, len(rows), BLOCK)):
            contents = [texts[row].encode("utf-8", "surrogatepass") for row in block]
            digests = [hashlib.blake2b(content, digest_size=DIGEST_BYTES).digest() for content in contents]
            known = [shelf.get(digest) for digest in digests]
            if all(features is not None for features in known):
                features = np.stack([each.view("<f4") for each in known if each is not None])
                n_reused += len(block)
            else:
                features = np.ascontiguousarray(embed([texts[row] for row in block]), dtype="<f4")
                shelf.add(digests, features)
            for row, values in zip(block.tolist(), features, strict=True):
                file.put(row, values[None])
            notify(StepAdvanced("features", int(block[-1]) + 1))
    if n_reused:
        notify(Noted(f"{n_reused:,} of {len(rows):,} features are reused"))
    notify(StepDone("features", time.monotonic() - started))
