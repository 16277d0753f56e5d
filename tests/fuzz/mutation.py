"""Small damages to bytes, drawn from a seed, for the smoke test; ``fuzz.py`` is led by coverage instead."""

import random
import struct
from collections.abc import Iterator, Sequence

MOST_DAMAGES = 4


def damaged(seeds: Sequence[bytes], words: Sequence[str], n: int, *, seed: int = 0) -> Iterator[bytes]:
    """Yield ``n`` of the seeds, each with one to ``MOST_DAMAGES`` damages."""
    draw = random.Random(seed)
    for _ in range(n):
        content = draw.choice(seeds)
        for _ in range(draw.randint(1, MOST_DAMAGES)):
            content = _damage(content, seeds, words, draw)
        yield content


def _damage(content: bytes, seeds: Sequence[bytes], words: Sequence[str], draw: random.Random) -> bytes:
    start, end = sorted(draw.randint(0, len(content)) for _ in range(2))
    before, cut, after = content[:start], content[start:end], content[end:]
    numbers = (struct.pack("<I", value) for value in (0, 1, 0x7FFFFFFF, 0xFFFFFFFF))
    ways = [
        before + after,
        before + cut + cut + after,
        before + draw.randbytes(draw.randint(0, 8)) + content[start:],
        before + draw.choice(list(numbers)) + content[start + 4 :],
        before + bytes([draw.randrange(256)]) + content[start + 1 :],
        before,
        before + draw.choice(seeds)[start:],
    ]
    if words:
        word = draw.choice(words).encode("utf-8", "surrogatepass")
        ways += 3 * [before + word + content[start:], before + word + after]
    return draw.choice(ways)
