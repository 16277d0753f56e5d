"""Embeddings by name or from a folder of weights, read by sentence-transformers or model2vec, where installed.

The names are those of the Hugging Face hub. What is in its cache on this machine is used; only ``--weights default``
downloads. Fine-tuning is out of scope: these models are frozen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from labelscan.errors import ConfigError
from labelscan.files.reading import why, with_home
from labelscan.training.models.text_embeddings import Embed

Library: TypeAlias = Literal["sentence-transformers", "model2vec"]
LIBRARIES: tuple[Library, ...] = ("sentence-transformers", "model2vec")
OWN_ORGANISATION = {"sentence-transformers": "sentence-transformers", "model2vec": "minishlab"}
"""Where on the hub a name without an organisation is."""
CONFIG = "config.json"
STATIC_MARKS = {CONFIG: '"model2vec"', "modules.json": "StaticEmbedding"}
"""What the files of a folder say where its model is one of tokens alone."""


@dataclass(frozen=True)
class NamedEmbedding:
    """A model of texts that a library loads."""

    kind: ClassVar[Literal["text embedding"]] = "text embedding"
    takes = "texts"
    name: str
    """As after ``--model``: ``LIBRARY/NAME``, or a folder."""
    package: Library
    source: str
    """The name on the hub, or the folder."""
    download: bool = False

    def files(self) -> list[Path]:
        return sorted(path for path in self._folder().rglob("*") if path.is_file())

    def load(self) -> Embed:
        folder = self._folder()
        try:
            return _LOADERS[self.package](folder)
        except Exception as error:  # whatever a library raises at files that it does not understand
            problem = f"{folder} is no model of {self.package} ({why(error)})"
            raise ConfigError("no-weights", problem, where="model.name", hint="check the name or folder") from error

    def _folder(self) -> Path:
        """Return the folder with the weights, fetched only where that is asked for."""
        if with_home(self.source).is_dir():
            return with_home(self.source)
        from huggingface_hub import snapshot_download  # both libraries bring it
        from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

        try:
            return Path(snapshot_download(self.source, local_files_only=not self.download))
        except (LocalEntryNotFoundError, HFValidationError, OSError) as error:
            problem = f"the weights of {self.source} are not on this machine"
            hint = "use --weights default to download them, or give a folder of weights"
            if self.download:
                problem, hint = f"{self.source} cannot be downloaded ({why(error)})", "check the name and the network"
            raise ConfigError("flag-without-effect", problem, where="model.weights", hint=hint) from error


def find_embedding(text: str, weights: str) -> NamedEmbedding | None:
    """Return the embedding that ``text`` names, or None where it names none.

    Raises:
        ConfigError: its library is not installed.
    """
    library, _, name = text.partition("/")
    if library in LIBRARIES and name:
        source = name if "/" in name else f"{OWN_ORGANISATION[library]}/{name}"
        found = NamedEmbedding(text, library, source, download=weights == "default")
    elif (with_home(text) / CONFIG).is_file():
        says = {name: with_home(text) / name for name in STATIC_MARKS}
        is_static = any(
            path.is_file() and STATIC_MARKS[name] in path.read_text(encoding="utf-8", errors="replace")
            for name, path in says.items()
        )
        found = NamedEmbedding(text, "model2vec" if is_static else "sentence-transformers", text)
    else:
        return None
    if find_spec(found.package.replace("-", "_")) is None:
        problem = f"{text} needs {found.package}, which is not installed"
        raise ConfigError(
            "not-installed", problem, where="model.name", hint=f"pip install {found.package}, or use tfidf"
        )
    return found


def _load_sentence_transformer(folder: Path) -> Embed:
    logging = import_module("transformers.utils.logging")
    shows = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # it would draw one of its own while weights are read
    try:
        from sentence_transformers import SentenceTransformer

        model = SentenceTransformer(str(folder), local_files_only=True)
    finally:
        if shows:
            logging.enable_progress_bar()

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        return np.asarray(model.encode(list(texts), show_progress_bar=False), dtype=np.float32)

    return embed


def _load_model2vec(folder: Path) -> Embed:
    from model2vec import StaticModel

    model = StaticModel.from_pretrained(str(folder))

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        encoded = model.encode(list(texts), max_length=None, use_multiprocessing=False)
        return np.asarray(encoded, dtype=np.float32)

    return embed


_LOADERS = {"sentence-transformers": _load_sentence_transformer, "model2vec": _load_model2vec}
