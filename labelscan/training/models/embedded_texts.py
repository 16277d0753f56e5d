"""Features of texts by a frozen embedding, computed once and kept in the cache, as those of photos are."""

import hashlib
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

from labelscan.arrays import Strings
from labelscan.events import Listener, Noted, StepAdvanced, StepDone, StepStarted
from labelscan.files.rows_file import rows_file
from labelscan.images.cache import Cache
from labelscan.images.segment import DIGEST_BYTES
from labelscan.training.models.text_embeddings import TextEmbedding

BLOCK = 256


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
            digests = [_digest(texts[row]) for row in block]
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


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()
