"""Embeddings of texts by pretrained models, frozen: features computed once, on which each fold trains a head.

Weights come from a package or a folder on this machine; nothing is fetched unless ``--weights default`` asks for it.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from labelscan.errors import ConfigError

Embed: TypeAlias = Callable[[Sequence[str]], NDArray[np.float32]]
"""Returns (B, D) features of B texts."""


class TextEmbedding(Protocol):
    """A pretrained model of texts; picklable, since weights are only named."""

    @property
    def name(self) -> str:
        """Return its name, as after ``--model``."""

    def load(self) -> Embed:
        """Return the function that embeds texts, having read the weights."""

    def made_by(self) -> Mapping[str, object]:
        """Return what features depend on besides the text: the weights and the versions of packages."""


@dataclass(frozen=True)
class WordLlama:
    """Static embeddings of tokens, averaged over a text; the weights come in the wheel of wordllama: works offline.

    Source: https://github.com/dleemiller/WordLlama, the token embeddings of large language models, trained down to 256
    dimensions.
    """

    name = "wordllama"

    def load(self) -> Embed:
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        weights, tokenizer_file = _wordllama_files()
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

    def made_by(self) -> Mapping[str, object]:
        weights, tokenizer = _wordllama_files()
        return {"weights": _digest(weights), "tokenizer": _digest(tokenizer), "tokenizers": version("tokenizers")}


def wordllama_installed() -> bool:
    """Return whether the weights of wordllama are here, and what reads them."""
    return all(find_spec(name) is not None for name in ("wordllama", "tokenizers", "safetensors"))


def _wordllama_files() -> tuple[Path, Path]:
    """Return the files of weights and of the tokenizer, found without importing the package: its loader needs more."""
    spec = find_spec("wordllama")
    if spec is None or spec.origin is None or not wordllama_installed():
        problem = "wordllama is not installed"
        raise ConfigError(problem, where="model.name", hint="pip install 'labelscan[text]', or use tfidf")
    folder = Path(spec.origin).parent
    return next(_files(folder, "*.safetensors")), next(_files(folder, "*tokenizer*.json"))


def _files(folder: Path, pattern: str) -> Iterator[Path]:
    found = sorted(folder.rglob(pattern))
    if not found:
        raise ConfigError(f"wordllama has no {pattern}", where="model.name", hint="install wordllama 0.4.0.post1")
    return iter(found)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
