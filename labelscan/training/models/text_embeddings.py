"""Embeddings of texts by pretrained models, frozen: features computed once, on which each fold trains a head.

Weights come from a package or a folder on this machine; nothing is fetched unless ``--weights default`` asks for it.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from labelscan.errors import ConfigError

Embed: TypeAlias = Callable[[Sequence[str]], NDArray[np.float32]]
"""Returns (B, D) features of B texts, the same for the same B texts."""


class TextEmbedding(Protocol):
    """A pretrained model of texts; picklable, since its weights are only named."""

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
