"""Features of texts by a frozen embedding, computed once and kept in the cache, as those of photos are."""

import hashlib
import time
from pathlib import Path

import numpy as np

from labelscan.arrays import Strings
from labelscan.data.cache import Cache
from labelscan.data.rows_file import rows_file
from labelscan.data.segment import DIGEST_BYTES
from labelscan.events import Listener, Noted, StepAdvanced, StepDone, StepStarted
from labelscan.training.models.text_embeddings import TextEmbedding

BATCH = 256


def embed_texts(texts: Strings, embedding: TextEmbedding, path: Path, *, cache: Cache, notify: Listener) -> None:
    """Write the (N, D) float32 features of (N,) texts to the .npy file ``path``; those of empty texts are zeros."""
    started = time.monotonic()
    notify(StepStarted("features", len(texts)))
    made_by = {"embedding": embedding.name, **embedding.made_by()}
    digests = [_digest(text) for text in texts]
    with cache.shelf("features", made_by, notify=notify) as shelf, rows_file(path, len(texts)) as rows:
        missing, n_empty = [], 0
        for row, text in enumerate(texts):
            known = shelf.get(digests[row]) if text.strip() else None
            if known is not None:
                rows.put(row, known.view("<f4")[None])
            elif text.strip():
                missing.append(row)
            else:
                n_empty += 1
        done = len(texts) - len(missing)
        if done > n_empty:
            notify(Noted(f"{done - n_empty:,} of {len(texts) - n_empty:,} features are reused"))
        embed = embedding.load() if missing else None
        for start in range(0, len(missing), BATCH):
            few = missing[start : start + BATCH]
            assert embed is not None
            block = np.ascontiguousarray(embed([texts[row] for row in few]), dtype="<f4")
            for row, features in zip(few, block, strict=True):
                rows.put(row, features[None])
            shelf.add([digests[row] for row in few], block)
            notify(StepAdvanced("features", done + start + len(few)))
    notify(StepDone("features", time.monotonic() - started))


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()
