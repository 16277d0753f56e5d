"""Tiny images that a network can learn in seconds: bright squares, bars and crosses at 8 x 8 pixels."""

from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("bar", "cross", "square")


def draw_shapes(n_examples: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return (N, 8, 8) uint8 images and (N,) int64 true labels."""
    generator = np.random.default_rng(seed)
    labels = np.arange(n_examples) % len(CLASSES)
    images = generator.integers(0, 60, (n_examples, 8, 8))
    for image, label in zip(images, labels, strict=True):
        row, column = generator.integers(1, 4, 2)
        area = image[row : row + 4, column : column + 4]
        if label == 0:
            area[:, 1] += 180
        elif label == 1:
            area[[0, 1, 2, 3], [0, 1, 2, 3]] += 180
            area[[0, 1, 2, 3], [3, 2, 1, 0]] += 180
        else:
            area += 120
    return images.clip(0, 255).astype(np.uint8), labels.astype(np.int64)


def plant_errors(true_labels: np.ndarray, rows: list[int]) -> np.ndarray:
    """Return labels of which those in ``rows`` are moved to the next class."""
    given = true_labels.copy()
    given[rows] = (given[rows] + 1) % len(CLASSES)
    return given


def write_folder(folder: Path, images: np.ndarray, labels: np.ndarray) -> Path:
    """Write class folders of PNG files, ``<class>/<row>.png``."""
    for row, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = folder / CLASSES[label] / f"{row:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    return folder


def write_manifest(path: Path, images: np.ndarray, labels: np.ndarray, *, order: np.ndarray | None = None) -> Path:
    """Write PNG files and a manifest of them, in the order of rows given."""
    (path.parent / "png").mkdir(parents=True, exist_ok=True)
    lines = []
    for row, (image, label) in enumerate(zip(images, labels, strict=True)):
        Image.fromarray(image).save(path.parent / "png" / f"{row:04}.png")
        lines.append(f"png/{row:04}.png,{CLASSES[label]}")
    lines = lines if order is None else [lines[row] for row in order]
    path.write_text("\n".join(["path,label", *lines]) + "\n")
    return path
