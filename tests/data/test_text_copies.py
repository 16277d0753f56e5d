"""Which texts are copies: nearly equal ones, and no others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelscan.data.duplicates import number_equal_texts
from labelscan.data.text_copies import number_copies

WORDS = [
    f"{start}{end}" for start in ("riv", "ston", "wint", "copp", "gard") for end in ("er", "ow", "ine", "ock", "un")
]


def sentences(n, seed=0, length=12):
    generator = np.random.default_rng(seed)
    return [" ".join(generator.choice(WORDS, length)) + "." for _ in range(n)]


def numbers_of(texts, most=10**6):
    texts = np.array(texts, dtype=object)
    return number_copies(texts, number_equal_texts(texts), most=most)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.upper().replace(".", "!"),
        lambda text: text.replace("o", "\N{LATIN SMALL LETTER O WITH DIAERESIS}").replace(" ", ",  "),
        lambda text: f"so {text}",
        lambda text: text.replace(text.split()[5], "x", 1),
        lambda text: text[: int(0.85 * len(text))],
    ],
)
def test_a_text_and_its_copy_have_the_same_number_and_others_have_not(change):
    texts = sentences(200)
    numbers, n_cut = numbers_of([*texts, *map(change, texts)])
    assert (numbers[:200] == numbers[200:]).mean() >= 0.97
    assert len(np.unique(numbers[:200])) == 200
    assert n_cut == 0


def test_texts_that_share_half_of_their_words_are_no_copies():
    texts = sentences(100)
    halves = [
        " ".join([*one.split()[:6], *other.split()[6:]]) for one, other in zip(texts, sentences(100, 1), strict=True)
    ]
    numbers, _ = numbers_of([*texts, *halves])
    assert len(np.unique(numbers)) == 200


@given(st.lists(st.text(max_size=8), min_size=1, max_size=12))
def test_equal_texts_are_copies_empty_ones_are_not_and_the_order_does_not_matter(texts):
    numbers, _ = numbers_of([*texts, *texts[::-1]])
    same = numbers[: len(texts)] == numbers[: len(texts) - 1 : -1]
    assert list(same) == [bool(text.split()) for text in texts]
    turned, _ = numbers_of(texts[::-1])
    numbers = numbers[: len(texts)]
    assert ((numbers[:, None] == numbers) == (turned[::-1][:, None] == turned[::-1])).all()


def test_a_chain_of_a_template_is_taken_apart_but_for_equal_texts():
    template = "please check out my new channel and subscribe to it today my friends, thank you all, number"
    texts = [*sentences(50), *(f"{template} {number}" for number in range(60)), f"{template} 0"]
    numbers, n_cut = numbers_of(texts, most=20)
    assert n_cut == 61
    assert len(np.unique(numbers)) == 110
    assert numbers[50] == numbers[110]
    assert len(np.unique(numbers_of(texts)[0])) == 51
