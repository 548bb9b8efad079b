"""A cascade answers with its fast model what that is sure of, and hands the rest to the full one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from levels import level

from pipeline.bundle import HEADS, Bundle, find_bundle, load, save
from pipeline.calibrate import ANY, Floats
from pipeline.encoder import FakeEncoder, Vectors
from pipeline.errors import BundleError
from pipeline.manifest import digest
from pipeline.records import Message
from pipeline.route import Rule
from pipeline.score import score
from pipeline.taxonomy import DEFAULT, OUT_OF_SCOPE, TASKS, Taxonomy

RULES = (Rule("all", "desk", "normal", 60),)
ROWS = (
    ("سفارشم هنوز نرسیده، پیگیری کنید", "fa"), ("پولم را پس بدهید", "fa"), ("ممنون از پشتیبانی خوبتان", "fa"),
    ("خصمتوا مني الفلوس مرتين", "ar"), ("عايز أعرف الأوردر بتاعي فين", "ar"), ("شو هالخدمة ما حدا عم يرد", "ar"),
    ("3ayez a3raf el order beta3y feen", "ar-Latn"), ("salam sefaresham nareside", "fa-Latn"),
    ("I was charged twice and nobody answers", "en"), ("How do I change my address", "en"), ("thanks a lot", "en"),
    ("", "und"), ("🙂", "und"),
)  # fmt: skip
TEXTS, LANGUAGES = [text for text, _ in ROWS], [language for _, language in ROWS]
ACCEPT = 0.55
FULL = "d" * 64


def cascade_of(fast: Bundle, full: Bundle, *, accept: float = ACCEPT) -> Bundle:
    return replace(full, name="both", training={"full": full.sha256}, fast=fast, accept=accept)


def full_of(fast: Bundle) -> Bundle:
    """A model of the same labels that answers nothing as `fast` does."""
    heads = replace(fast.heads, weight=-fast.heads.weight, bias=np.linspace(-1, 1, len(fast.heads.bias), dtype="f4"))
    temperatures = {**fast.temperatures, "topic": {ANY: 1.0, "ar": 2.0, "fa": 0.5}}
    return replace(fast, name="full", heads=heads, temperatures=temperatures, sha256=FULL)


def said(bundle: Bundle, texts: Sequence[str] = TEXTS, languages: Sequence[str] = LANGUAGES) -> Floats:
    """(n, labels of all tasks): what is said of each row."""
    found = bundle.judge(texts, languages).probabilities
    return np.concatenate([found[task] for task in TASKS], axis=1)


def equal(one: Floats, other: Floats) -> list[bool]:
    """(n,): whether the rows say the same; a product of matrices may round differently by their size."""
    return np.isclose(one, other, atol=1e-6).all(axis=1).tolist()


def sureness(bundle: Bundle) -> list[float]:
    """Of the rows."""
    topics = bundle.judge(TEXTS, LANGUAGES).probabilities["topic"]
    return [float(best) for best in bundle.taxonomy.category_probabilities(topics).max(axis=1)]


class Listening(FakeEncoder):
    """Keeps what it was asked to encode."""

    def __init__(self, heard: list[str]) -> None:
        super().__init__()
        object.__setattr__(self, "heard", heard)

    heard: list[str]

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.heard.extend(texts)
        return super().encode(texts)


@pytest.fixture(scope="module")
def fast(tiny_bundle: Bundle) -> Bundle:
    """Sure of some of the rows and not of others."""
    heads = replace(tiny_bundle.heads, weight=tiny_bundle.heads.weight / 2)
    return replace(tiny_bundle, name="fast", heads=heads, sha256="f" * 64)


@pytest.fixture(scope="module")
def cascade(fast: Bundle) -> Bundle:
    return cascade_of(fast, full_of(fast))


def test_rows_that_the_fast_model_is_sure_of_are_its_own_and_the_others_the_full_ones(
    fast: Bundle, cascade: Bundle
) -> None:
    sure = [best >= ACCEPT for best in sureness(fast)]
    assert {True, False} == set(sure), "both kinds are among the rows"
    assert equal(said(cascade), said(fast)) == sure
    assert equal(said(cascade), said(full_of(fast))) == [not each for each in sure]


def test_the_full_model_reads_only_what_is_handed_to_it(fast: Bundle) -> None:
    heard: list[str] = []
    cascade = cascade_of(fast, replace(full_of(fast), encoder=Listening(heard)))
    cascade.judge(TEXTS, LANGUAGES)
    assert heard == [text for text, best in zip(TEXTS, sureness(fast), strict=True) if best < ACCEPT]
    heard.clear()
    assert all(equal(said(replace(cascade, accept=0.0)), said(fast)))
    assert heard == []
    replace(cascade, accept=1.01).judge(TEXTS, LANGUAGES)
    assert heard == TEXTS


def test_a_row_exactly_as_sure_as_asked_stays_with_the_fast_model(fast: Bundle) -> None:
    row = TEXTS[:1], LANGUAGES[:1]
    sure = float(DEFAULT.category_probabilities(fast.judge(*row).probabilities["topic"]).max())
    kept, handed_on = (cascade_of(fast, full_of(fast), accept=accept) for accept in (sure, sure + 1e-9))
    assert equal(said(kept, *row), said(fast, *row)) == [True]
    assert equal(said(handed_on, *row), said(full_of(fast), *row)) == [True]


def test_a_row_alone_equals_the_row_in_a_batch(cascade: Bundle) -> None:
    alone = [said(cascade, [text], [language]) for text, language in ROWS]
    assert all(equal(np.concatenate(alone), said(cascade)))


@effort(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(ROWS), max_size=8))
def test_any_batch_says_of_each_row_what_the_rows_alone_say(tiny_bundle: Bundle, rows: list[tuple[str, str]]) -> None:
    fast = replace(tiny_bundle, heads=replace(tiny_bundle.heads, weight=tiny_bundle.heads.weight / 2))
    cascade = cascade_of(fast, full_of(fast))
    texts, languages = [text for text, _ in rows], [language for _, language in rows]
    together = cascade.judge(texts, languages)
    assert together.strange.tolist() == [False] * len(rows)
    for task in TASKS:
        found = together.probabilities[task]
        assert found.shape == (len(rows), len(DEFAULT.labels(task)))
        alone = [cascade.judge([text], [language]).probabilities[task] for text, language in rows]
        assert all(equal(np.concatenate([found[:0], *alone]), found))


def test_rows_strange_to_the_fast_model_go_on_however_sure_it_is(fast: Bundle) -> None:
    known = familiar(fast)
    assert known.judge(TEXTS, LANGUAGES).strange.tolist() == [False] + [True] * (len(ROWS) - 1)
    cascade = cascade_of(known, full_of(fast), accept=0.0)
    assert equal(said(cascade), said(fast)) == [True] + [False] * (len(ROWS) - 1)
    assert equal(said(cascade), said(full_of(fast))) == [False] + [True] * (len(ROWS) - 1)
    assert not cascade.judge(TEXTS, LANGUAGES).strange.any(), (
        "the last word is the full model's, which knows no distance"
    )


def test_what_is_strange_to_the_full_model_too_is_for_a_person(fast: Bundle) -> None:
    known = familiar(fast)
    found = score([Message(text) for text in TEXTS], cascade_of(known, replace(known, sha256=FULL)), RULES)
    assert [OUT_OF_SCOPE in each.review for each in found[1:]] == [True] * (len(ROWS) - 1)


def familiar(fast: Bundle) -> Bundle:
    """The first text is the one topic that it knows."""
    vectors = fast.encoder.encode(TEXTS)
    return replace(fast, heads=replace(fast.heads, centres=np.stack([vectors.mean(axis=0), vectors[0]])), farthest=0.1)


def test_thresholds_and_name_are_the_cascades_own(cascade: Bundle) -> None:
    for threshold, ambiguous in ((0.01, False), (1.01, True)):
        found = score([Message(text) for text in TEXTS], replace(cascade, thresholds=level(threshold)), RULES)
        assert {"ambiguous" in each.review for each in found} == {ambiguous}
        assert {each.model for each in found} == {cascade.version}


@pytest.fixture
def models(fast: Bundle, tmp_path: Path) -> Path:
    """A folder of the two models and their cascade."""
    for name, bundle in {"quick": fast, "slow": replace(full_of(fast), farthest=1.5)}.items():
        save(bundle, tmp_path / "models" / name)
    quick, slow = (load(tmp_path / "models" / name, encoder=FakeEncoder()) for name in ("quick", "slow"))
    save(replace(cascade_of(quick, slow), thresholds=level(0.42)), tmp_path / "models" / "both")
    return tmp_path / "models"


def loaded(models: Path) -> Bundle:
    return load(models / "both", encoder=FakeEncoder())


def test_a_saved_cascade_comes_back_and_holds_no_weights(models: Path, cascade: Bundle) -> None:
    back = loaded(models)
    assert [path.name for path in (models / "both").iterdir()] == ["manifest.json"]
    assert (back.name, back.accept, back.farthest, back.thresholds) == ("both", ACCEPT, 1.5, level(0.42))
    assert back.fast is not None
    quick, slow = (load(models / name, encoder=FakeEncoder()).sha256 for name in ("quick", "slow"))
    assert (back.fast.sha256, back.training["full"]) == (quick, slow)
    assert back.version == f"both@{back.sha256[:8]}"
    assert len({back.sha256, quick, slow}) == 3
    assert all(equal(said(back), said(cascade)))


def test_the_hash_of_a_cascade_follows_its_models(models: Path, fast: Bundle) -> None:
    both = loaded(models)
    assert save(both, models / "again", built={"on": "2026-01-01"}) == both.sha256
    for other in (replace(both, fast=fast), replace(both, accept=0.56), replace(both, training={"full": FULL})):
        assert save(other, models / "again") != both.sha256


def test_models_are_found_by_their_hash_whatever_their_folder_is_called(models: Path) -> None:
    before = loaded(models)
    (models / "quick").rename(models / "zzz")
    (models / "another").mkdir()
    (models / "another" / "manifest.json").write_text("half a fi")
    after = loaded(models)
    assert after.sha256 == before.sha256
    assert all(equal(said(after), said(before)))


@pytest.mark.parametrize("name", ["quick", "slow"])
def test_a_cascade_without_one_of_its_models_is_refused(models: Path, name: str) -> None:
    wanted = load(models / name, encoder=FakeEncoder()).sha256
    (models / name).rename(models.parent / "elsewhere")
    with pytest.raises(BundleError, match=rf"no model {wanted[:8]} below .*build the cascade again"):
        loaded(models)
    with pytest.raises(BundleError, match=f"no model {wanted[:8]}"):
        find_bundle(models, wanted)


@pytest.mark.parametrize("name", ["quick", "slow"])
def test_a_model_trained_again_is_another_and_the_cascade_says_so(models: Path, fast: Bundle, name: str) -> None:
    wanted = load(models / name, encoder=FakeEncoder()).sha256
    save(replace(fast, name="again"), models / name)
    with pytest.raises(BundleError, match=f"no model {wanted[:8]}"):
        loaded(models)


@pytest.mark.parametrize("name", ["quick", "slow"])
def test_altered_weights_of_either_model_are_refused(models: Path, name: str) -> None:
    (models / name / HEADS).write_bytes(b"")
    with pytest.raises(BundleError, match=r"heads\.safetensors was altered"):
        loaded(models)


@pytest.mark.parametrize("name", ["quick", "slow", "both"])
def test_models_of_other_labels_make_no_cascade(models: Path, name: str) -> None:
    first, *others = DEFAULT.topics
    table = Taxonomy(DEFAULT.categories, (replace(first, en="Entrance"), *others))
    changed = replace(load(models / name, encoder=FakeEncoder()), taxonomy=table)
    save(changed, models / name)
    quick, slow = (load(models / each, encoder=FakeEncoder()) for each in ("quick", "slow"))
    both = replace(slow, name="both", taxonomy=table if name == "both" else DEFAULT, fast=quick, accept=ACCEPT)
    save(replace(both, training={"full": slow.sha256}), models / "both")
    with pytest.raises(BundleError, match="the two models of both have other labels"):
        loaded(models)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"accept": "0.5"}, "accept is str"),
        ({"accept": float("nan")}, "accept is nan"),
        ({"accept": -0.5}, "accept is -0.5"),
        ({"fast": 5}, "fast is int"),
        ({"full": None}, "full is NoneType"),
        ({"schema": 1}, "schema 2"),
        ({"encoder": "fake-64"}, "schema 2"),
        ({"thresholds": {}}, "thresholds"),
        ({"normaliser": "0"}, "trained with normaliser 0"),
    ],
)
def test_a_cascade_that_this_version_does_not_know_is_refused_even_when_signed(
    models: Path, changes: dict[str, object], message: str
) -> None:
    path = models / "both" / "manifest.json"
    manifest = {**json.loads(path.read_text("utf-8")), **changes}
    path.write_text(json.dumps({**manifest, "sha256": digest(manifest)}), "utf-8")
    with pytest.raises(BundleError, match=message):
        loaded(models)


def test_an_edited_cascade_is_refused(models: Path) -> None:
    path = models / "both" / "manifest.json"
    path.write_text(path.read_text("utf-8").replace(str(ACCEPT), "0.01"), "utf-8")
    with pytest.raises(BundleError, match=r"manifest\.json was altered"):
        loaded(models)
