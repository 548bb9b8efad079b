"""The features of the fast student: the same for a text whatever stands beside it, and the same for ever."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from safetensors.numpy import save as to_bytes

from pipeline.bundle import Bundle, load, save
from pipeline.encoder import Vectors, manifest_id
from pipeline.errors import BundleError
from pipeline.manifest import file_hash
from pipeline.normalise import normalise
from pipeline.static import LONGEST, NOTHING, PART, StaticEncoder, features

BUCKETS, WIDTH, ALL = 1 << 10, 8, 1 << 32
TEXTS = (
    "وين طلبي؟ صار له أسبوع",
    "شو هالخدمة 😡😡 ما حدا عم يرد",
    "سفارشم هنوز نرسیده، پیگیری کنید",
    "ممنون از پشتیبانی خوبتون",
    "I was charged TWICE for one order!",
    "3ayez a3raf el order feen",
    "salam, sefaresham nareside",
    "",
    "؟",
    "ok",
    "a b c d",
    "\ud800\udfff x",
    "👨\u200d👩\u200d👧 ❤",
    "كلمة" * 40,
    "the parcel came late and the box was open " * 100,
)
ANY_TEXT = st.one_of(
    st.sampled_from(TEXTS),
    st.text(max_size=30),
    st.text("ab وه سپ3😡\ud800\x00\nİß", max_size=30),
)  # fmt: skip
LISTS = st.lists(ANY_TEXT, max_size=8)


def by_text(texts: Sequence[str], buckets: int = BUCKETS) -> list[list[int]]:
    """The features of each text."""
    ids, starts = features(texts, buckets=buckets)
    assert starts.tolist() == sorted(starts.tolist())
    return [part.tolist() for part in np.split(ids, starts[1:])] if texts else []


def runs(text: str) -> list[int]:
    """Hashes of 3 to 5 letters of a word with its two edges."""
    framed, found = f" {text} ", []
    for length in (3, 4, 5):
        for start in range(len(framed) - length + 1):
            run = framed[start : start + length]
            if " " not in run[1:-1]:
                value = length
                for letter in run:
                    value = (value * 0x01000193 + ord(letter)) % ALL
                found.append(value)
    return found


def words(text: str) -> list[int]:
    """Hashes of the words, then of each with the one after it."""
    single = []
    for word in filter(None, text.split(" ")):
        powers = [pow(0x85EBCA6B, place % 64, ALL) for place in range(len(word))]
        single.append(sum((ord(letter) + 0x01000193) * power for letter, power in zip(word, powers, strict=True)) % ALL)
    after = [*single[1:], 0]
    pairs = [(one * 0x9E3779B1 + (other ^ 0x01000193)) % ALL for one, other in zip(single, after, strict=True)]
    return single + pairs


def plainly(text: str, buckets: int = BUCKETS) -> list[int]:
    """`features` of one text in plain Python, number by number."""
    read = text[:LONGEST].lower().strip(" ") or NOTHING
    bits = buckets.bit_length() - 1
    return [((value ^ value >> 15) * 0x9E3779B1 % ALL) >> (32 - bits) for value in runs(read) + words(read)]


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
@pytest.mark.parametrize("buckets", [2, BUCKETS, 1 << 18])
def test_features_are_those_of_the_definition(text: str, buckets: int) -> None:
    assert by_text([text], buckets) == [plainly(text, buckets)]


@effort(max_examples=150, deadline=None)
@given(LISTS)
def test_a_text_alone_has_the_same_features_as_in_any_list(texts: list[str]) -> None:
    together = by_text(texts)
    assert together == [plainly(text) for text in texts]
    assert by_text(texts[::-1]) == together[::-1]
    assert all(found and set(found) <= set(range(BUCKETS)) for found in together)


PINNED = {
    "": [64040, 12615, 3125],
    "وين طلبي": [
        32003, 21567, 47977, 63772, 44479, 6934, 34595, 1787, 33924, 39258, 15487, 62832, 47899, 34245, 61647, 4033,
        46356, 41092, 2605,
    ],
    "سفارش من": [
        8261, 41522, 30572, 3240, 42755, 28749, 23308, 35029, 62208, 20068, 40599, 62186, 37779, 45145, 60859, 31693,
        36480, 41047, 13156,
    ],
    "ok 5€": [38280, 17131, 6406, 5486, 18210, 13274, 36410, 51232, 13077, 43742],
    "😡": [18592, 23503, 57240],
}  # fmt: skip


@pytest.mark.parametrize("text", PINNED, ids=ascii)
def test_features_never_change(text: str) -> None:
    """A trained table knows its rows by these numbers: where they change, the fast model must be trained again."""
    assert by_text([text], 1 << 16) == [PINNED[text]]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Where IS My Order", "where is my order"),
        ("WEIN RAH", "wein rah"),
        ("ÉCRAN Привет", "écran привет"),
        (" ok ", "ok"),
        ("   ", ""),
        ("x" * LONGEST, "x" * (LONGEST + 1)),
        ("كلمة " * LONGEST, "كلمة " * 2 * LONGEST),
    ],
    ids=lambda text: ascii(text[:12]),
)
def test_what_is_no_difference(one: str, other: str) -> None:
    assert by_text([one]) == by_text([other])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("not good", "good not"),
        ("لا أريد", "أريد"),
        ("نمی خواهم", "می خواهم"),
        ("a bc", "ab c"),
        ("😡", "😂"),
        ("", "؟"),
        ("ok", "ok ok"),
    ],
)
def test_what_is_a_difference(one: str, other: str) -> None:
    assert sorted(by_text([one], 1 << 20)[0]) != sorted(by_text([other], 1 << 20)[0])


@pytest.mark.parametrize(
    ("one", "near", "far"),
    [
        ("سفارشم نرسیده", "سفارش من نرسید", "کارتم مسدود شد"),
        ("وين طلبي تأخر", "طلبي متأخر وين", "نسيت كلمة السر"),
        ("my order is late", "where is my order", "forgot password"),
    ],
)
def test_near_texts_share_features(one: str, near: str, far: str) -> None:
    first, second, third = (
        Counter(found) for found in by_text([normalise(text) for text in (one, near, far)], 1 << 20)
    )
    assert (first & second).total() > 2 * (first & third).total()


def test_words_do_not_pair_across_texts() -> None:
    assert by_text(["good", "not"]) == [plainly("good"), plainly("not")]
    assert by_text(["good", "not"])[0] != by_text(["good not"])[0][: len(plainly("good"))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An encoder of a small random table."""
    chance = np.random.default_rng(5)
    table = chance.integers(-127, 128, (BUCKETS, WIDTH), dtype=np.int8)
    scale = chance.uniform(0.001, 0.1, BUCKETS).astype(np.float16)
    path = tmp_path / "models" / "static"
    path.mkdir(parents=True)
    (path / "table.safetensors").write_bytes(to_bytes({"table": table, "scale": scale}))
    files = {"table.safetensors": file_hash(path / "table.safetensors")}
    content = {"kind": "static", "source": "none", "licence": "Apache-2.0", "width": WIDTH, "files": files}
    (path / "encoder.json").write_text(json.dumps({**content, "id": manifest_id(content)}))
    return path


def by_hand(folder: Path, text: str) -> list[float]:
    """The rows of a text's features added up, over the square root of how many they are."""
    from safetensors.numpy import load_file

    stored = load_file(folder / "table.safetensors")
    ids = plainly(text)
    rows = [[int(value) * float(stored["scale"][row]) for value in stored["table"][row]] for row in ids]
    return [sum(column) / math.sqrt(len(ids)) for column in zip(*rows, strict=True)]


def test_vectors_are_those_of_the_table(folder: Path) -> None:
    found = StaticEncoder(folder).encode(TEXTS)
    assert found.dtype == np.float32
    assert found == pytest.approx(np.array([by_hand(folder, text) for text in TEXTS]), rel=1e-4, abs=1e-4)


def test_no_text_gives_no_vector(folder: Path) -> None:
    assert StaticEncoder(folder).encode([]).shape == (0, WIDTH)


def test_a_vector_is_the_same_alone_and_in_a_list_of_any_length(folder: Path) -> None:
    encoder = StaticEncoder(folder)
    alone: dict[str, Vectors] = {text: encoder.encode([text])[0] for text in TEXTS}
    many = random.Random(2).choices(TEXTS[:-1], k=3 * PART + 7)
    for texts in (TEXTS, TEXTS[::-1], many[:PART], many[: PART + 1], many):
        assert np.array_equal(encoder.encode(texts), np.stack([alone[text] for text in texts]))


def test_a_bundle_finds_its_static_encoder_and_verifies_it(folder: Path, tiny_bundle: Bundle) -> None:
    heads = replace(tiny_bundle.heads, weight=tiny_bundle.heads.weight[:WIDTH])
    bundle = replace(tiny_bundle, encoder=StaticEncoder(folder), heads=heads)
    save(bundle, folder.parent / "fast")
    back = load(folder.parent / "fast")
    assert back.encoder == StaticEncoder(folder)
    said, again = (each.judge(TEXTS, ["ar"] * len(TEXTS)).probabilities["topic"] for each in (bundle, back))
    assert np.array_equal(said, again)
    assert replace(back, fast=back, accept=0.0).judge([], []).strange.shape == (0,)
    table = folder / "table.safetensors"
    table.write_bytes(table.read_bytes()[:-1] + b"\x55")
    with pytest.raises(BundleError, match=r"table\.safetensors was altered"):
        load(folder.parent / "fast")
