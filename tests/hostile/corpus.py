"""All kinds of hostile input, by what they are given as; the reference lists them with what happens."""

from collections.abc import Iterator, Mapping, Sequence

from hostile import (
    arrays,
    columns,
    folders,
    images,
    manifests,
    other_manifests,
    probabilities,
    reviews,
    runs,
    settings,
    tables,
    texts,
)
from hostile.kinds import Kind

CORPUS: Mapping[str, Sequence[Kind]] = {
    "manifests": [*manifests.KINDS, *other_manifests.KINDS],
    "tables": tables.KINDS,
    "texts": texts.KINDS,
    "embeddings": columns.EMBEDDINGS,
    "Hugging Face data sets": columns.HUGGING_FACE,
    "arrays": arrays.KINDS,
    "class folders": folders.KINDS,
    "images": images.KINDS,
    "probabilities": probabilities.KINDS,
    "files of settings": settings.FILES,
    "settings": settings.VALUES,
    "parts and their options": settings.PARTS,
    "run folders": runs.KINDS,
    "decisions": reviews.DECISIONS,
    "baselines": reviews.BASELINES,
}


def kinds(*groups: str) -> Iterator[tuple[str, Kind]]:
    """Yield each kind of some groups, or of all, under a name of its own."""
    for group in groups or CORPUS:
        for kind in CORPUS[group]:
            yield f"{group}: {kind.what}", kind
