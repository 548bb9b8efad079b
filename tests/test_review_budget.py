"""`nabd review`: what is worth a label, the sheet that is filled in, and the curve of what labels buy."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_models as tiny
import typer
from retrain_export import rows, write
from typer.testing import CliRunner

from pipeline.calibrate import uncertainty
from pipeline.encoder import FakeEncoder
from pipeline.errors import InputError, UsageError
from pipeline.readers import open_source
from pipeline.records import Row
from pipeline.taxonomy import DEFAULT
from pipeline.training.metrics import Estimate
from pipeline.training.retrain.commands import retrain_commands
from pipeline.training.retrain.rows import Labelled, read_export
from pipeline.training.retrain.survey import Request
from pipeline.training.review import pool as pools
from pipeline.training.review.choose import NEAR, Pool, choose, points, quotas
from pipeline.training.review.commands import review_commands
from pipeline.training.review.curve import RANDOM, REVIEW, Point, Study, learning_curve
from pipeline.training.review.measure import least_certain, measure
from pipeline.training.review.study import curve
from pipeline.training.review.view import render_curve, verdict
from pipeline.writers import open_writer


def nabd(*arguments: str | Path) -> Any:
    app = typer.Typer()
    retrain_commands(app)  # with a second verb the first has its name
    review_commands(app)
    return CliRunner().invoke(app, [str(each) for each in arguments])


def pool(spread: Any, unsure: Any, languages: list[str] | None = None, labelled: Any = ()) -> Pool:
    vectors = np.asarray(spread, np.float32)
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    spoken = np.array(languages or ["en"] * len(vectors), np.str_)
    known = None if unsure is None else np.asarray(unsure, np.float64)
    return Pool(vectors, spoken, np.isin(np.arange(len(vectors)), labelled), known)


@pytest.mark.parametrize(
    ("chances", "expected"),
    [([0.25] * 4, 1.0), ([1.0, 0, 0, 0], 0.0), ([0.5, 0.5, 0, 0], 0.5), ([1.0], 0.0), ([0.5, 0.5], 1.0)],
)
def test_uncertainty_has_known_answers(chances: list[float], expected: float) -> None:
    assert float(uncertainty(chances)) == pytest.approx(expected)
    assert uncertainty([chances, chances]).tolist() == pytest.approx([expected, expected])


def test_languages_get_seats_by_their_share() -> None:
    counts = {"ar": 900, "fa": 100, "en": 400}
    assert quotas(counts, 60, 0.0) == {"ar": 20, "fa": 20, "en": 20}
    assert quotas(counts, 60, 0.5) == {"ar": 30, "fa": 10, "en": 20}
    assert quotas(counts, 14, 1.0) == {"ar": 9, "fa": 1, "en": 4}
    assert quotas({"ar": 100, "fa": 3}, 20, 0.0) == {"ar": 17, "fa": 3}, "what one language lacks goes to the others"
    assert quotas({"ar": 2}, 9, 0.5) == {"ar": 2}
    assert quotas({}, 9, 0.5) == {}


def test_no_two_that_are_chosen_say_the_same_and_none_says_what_is_labelled() -> None:
    one, two, three = np.eye(3)
    close = one + 0.1 * two
    found = choose(pool([one, close, two, three, three], [0.9, 0.8, 0.5, 0.4, 0.9], labelled=[4]), 4)
    assert found == [0, 2]
    assert choose(pool([one, close, two], [0.8, 0.9, 0.5]), 2) == [1, 2]
    assert choose(pool([one], [0.5], labelled=[0]), 3) == []


def four_clusters() -> tuple[Any, Any]:
    """Thirty messages each; of the fourth the model is sure."""
    rng = np.random.default_rng(0)
    spread = np.concatenate([centre + rng.normal(0, 0.25, (30, 8)) for centre in np.eye(8)[:4]])
    return spread, np.where(np.arange(120) < 90, 0.9 + 0.05 * rng.random(120), 0.01)


def test_without_a_model_that_knows_the_labels_every_cluster_has_its_message() -> None:
    spread, _ = four_clusters()
    chosen = choose(pool(spread, None), 4)
    assert {place // 30 for place in chosen} == {0, 1, 2, 3}
    assert chosen == choose(pool(spread, None), 4), "the same every time"


def test_with_one_the_sure_messages_are_left() -> None:
    spread, unsure = four_clusters()
    chosen = choose(pool(spread, unsure), 9)
    assert len(set(chosen)) == 9
    counts = Counter(place // 30 for place in chosen)
    assert set(counts) == {0, 1, 2}
    assert max(counts.values()) <= 5
    assert chosen == choose(pool(spread, unsure), 9), "the same every time"


def test_any_first_part_of_the_list_holds_every_language() -> None:
    rng = np.random.default_rng(1)
    spoken = ["ar"] * 60 + ["fa"] * 15 + ["en"] * 30
    given = pool(rng.normal(0, 1, (105, 64)), rng.random(105), spoken)
    chosen = choose(given, 30, balance="equal")
    assert Counter(spoken[place] for place in chosen) == {"ar": 10, "fa": 10, "en": 10}
    assert {spoken[place] for place in chosen[:3]} == {"ar", "fa", "en"}
    assert Counter(spoken[place] for place in choose(given, 30, balance="none"))["ar"] >= 16
    with pytest.raises(UsageError, match="--balance is 'fair', expected one of equal, sqrt, none"):
        choose(given, 30, balance="fair")


def test_a_language_is_no_direction_of_its_own() -> None:
    """The same three matters in two languages that lie apart: less their means they are near."""
    rng = np.random.default_rng(2)
    matters = np.repeat(np.eye(16)[:3], 20, axis=0) + rng.normal(0, 0.02, (60, 16))
    vectors = np.concatenate([matters + 5 * np.eye(16)[5], matters + 5 * np.eye(16)[9]]).astype(np.float32)
    spread = points(vectors, np.array(["ar"] * 60 + ["fa"] * 60))
    assert (spread[0] @ spread[60]) > 1 - NEAR > (spread[0] @ spread[25])


@pytest.fixture
def tickets(tmp_path: Path) -> Path:
    """Three languages, copies that differ in a number, customers and dates, and rows that cannot be labelled."""
    given = [
        {**row, "customer_id": f"C-{place % 9}", "created_at": f"2026-10-{place % 28 + 1:02} 09:00"}
        for place, row in enumerate(rows(4))
    ]
    given += [
        {
            "id": "P",
            "message": "call me on +971 50 123 4567 about the loan of my car",
            "customer_id": "C-1",
            "created_at": "2026-10-09 09:00",
        },
        {"id": "H", "message": "मेरा पार्सल अभी तक नहीं आया है, कृपया मदद करें"},
        {"id": "B", "message": "..."},
    ]
    return Path(write(tmp_path / "tickets.csv", given, ("id", "message", "customer_id", "created_at")))


def sheet(path: Path) -> list[dict[str, Any]]:
    with open_source(path) as source:
        return [dict(item.values) for item in source if isinstance(item, Row)]


@pytest.mark.parametrize("name", ["to_label.csv", "to_label.xlsx", "to_label.jsonl"])
def test_a_sheet_is_filled_in_and_read_back(tickets: Path, tiny_models: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    done = nabd("review", tickets, "--budget", "12", "-o", out, "--model", tiny_models / "old", "--balance", "equal")
    assert done.exit_code == 0, done.output
    assert "12 of 99 messages to label (4 ar, 4 en, 4 fa), by old@" in done.output
    found = sheet(out)
    assert list(found[0])[:3] == ["id", "text", "label"]
    assert {"customer", "time"} <= set(found[0])
    assert not {"H", "B"} & {row["id"] for row in found}
    templates = {row["id"]: row["id"].rstrip("0123456789") + row["id"][-2:-1] for row in found}
    assert len(set(templates.values())) == len(found), "what differs in a number is one"
    assert all(row["nabd_topic"] in DEFAULT.topic_ids for row in found)
    labelled = [{**row, "label": ("yes", "no")[place % 2]} for place, row in enumerate(found)]
    with open_writer(out, columns=list(found[0])) as writer:
        writer.write(labelled)
    export = read_export(str(out))
    assert [(row.id, row.label) for row in export.rows] == [(row["id"], row["label"]) for row in labelled]
    assert export.found["label"] == "label"
    assert all(row.customer for row in export.rows)
    assert all(row.time is not None and row.time.year == 2026 for row in export.rows)


def test_what_has_a_label_is_not_asked_again_and_stays_in_the_sheet(
    tickets: Path, tiny_models: Path, tmp_path: Path
) -> None:
    known = [{**row, "message": row["message"] + " !"} for row in rows(1, labels=["App bug", "Late parcel"])]
    labelled = write(tmp_path / "labelled.csv", known)
    out = tmp_path / "next.csv"
    done = nabd("review", tickets, "--budget", "99", "-o", out, "--model", tiny_models / "old", "--labelled", labelled)
    assert done.exit_code == 0, done.output
    assert "99 were asked for" in done.output
    found = sheet(out)
    old = [row for row in found if row["label"]]
    assert [(row["id"], row["text"], row["label"]) for row in old] == [
        (row["id"], row["message"], row["label"]) for row in known
    ]
    new = [row for row in found if not row["label"]]
    assert new == found[: len(new)]
    assert not {row["id"][:2] for row in new if row["id"] != "P"} & {"Ap", "La"}
    assert len(new) == 13, "two templates of two labels in three languages, and one more"
    private = next(row for row in new if row["id"] == "P")
    assert "[phone]" in private["text"]


def test_uncertainty_counts_once_the_model_knows_the_labels(tickets: Path, tiny_models: Path, tmp_path: Path) -> None:
    own = write(tmp_path / "own.csv", rows(2))
    nabds = [
        {**row, "label": {"Thank you": "praise", "App bug": "fault"}.get(row["label"], "refund")} for row in rows(2)
    ]
    theirs = write(tmp_path / "nabds.csv", nabds)
    told = {
        name: nabd(
            "review", tickets, "--budget", "1", "-o", tmp_path / "out.csv", "--model", tiny_models / "old", *given
        ).output
        for name, given in {"none": (), "own": ("--labelled", own), "nabds": ("--labelled", theirs)}.items()
    }
    assert [name for name in told if "Chosen as typical of all" in told[name]] == ["none", "own"]
    assert "is least sure of" in told["nabds"]


def test_of_a_long_file_some_are_drawn(tickets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "MOST", 20)
    drawn, _, seen = pools._drawn(str(tickets), {}, 0)
    numbers = [row.number for row in drawn]
    assert (len(drawn), seen, numbers) == (20, 99, sorted(set(numbers)))
    assert max(numbers) > 60
    assert [row.number for row in pools._drawn(str(tickets), {}, 1)[0]] != numbers


def test_a_file_without_a_message_to_label_is_an_error(tiny_models: Path, tmp_path: Path) -> None:
    data = write(
        tmp_path / "none.csv", [{"id": "1", "message": "..."}, {"id": "2", "message": "؟؟؟"}], ("id", "message")
    )
    done = nabd("review", data, "-o", tmp_path / "out.csv", "--model", tiny_models / "old", "--text", "message")
    assert isinstance(done.exception, InputError)
    assert "none of its 2 messages can be labelled" in str(done.exception)
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    "given",
    [
        (),
        ("in.csv",),
        ("-o", "x.csv"),
        ("in.csv", "-o", "x.csv", "--curve", "y.csv"),
        ("in.csv", "-o", "x.csv", "--plot", "p.svg"),
    ],
)
def test_what_is_asked_must_be_one_thing(given: tuple[str, ...]) -> None:
    done = nabd("review", *given)
    assert isinstance(done.exception, UsageError)
    assert "name the messages to choose from and the sheet to write" in str(done.exception)


def toy(count: int = 400) -> Study:
    """Eight labels, each a direction; six of them rare, and all of the rare ones unknown to the first model."""
    rng = np.random.default_rng(3)
    truth = np.concatenate([rng.integers(0, 2, count), rng.integers(2, 8, count // 8)])
    rng.shuffle(truth)
    vectors = (np.eye(8, 24)[truth] + rng.normal(0, 0.2, (len(truth), 24))).astype(np.float32)
    given = [Labelled(n, str(n), f"t{n}", f"t{n}", b"", ("ar", "fa", "en")[n % 3], f"l{truth[n - 1]}") for n in
             range(1, len(truth) + 1)]  # fmt: skip
    dev, train = given[: len(given) // 4], given[len(given) // 4 :]
    first = np.array([0.1 if row.label in ("l0", "l1") else 0.9 for row in train])
    vector_of = {row.prepared: vector for row, vector in zip(given, vectors, strict=True)}
    return Study(train, dev, [], [f"l{n}" for n in range(8)], vector_of, first)


def test_unsure_messages_teach_rare_labels_sooner_than_chance() -> None:
    found = learning_curve(toy(), {REVIEW: choose}, draws=3)
    assert [point.labels for point in found] == [25, 50, 100, 200]
    assert found[0].gained[REVIEW].low > 0
    assert found[0].gained[REVIEW].value > 0.1
    assert found[-1].reached[RANDOM].value > found[0].reached[RANDOM].value
    for point in found:
        assert point.gained[REVIEW].value == pytest.approx(point.reached[REVIEW].value - point.reached[RANDOM].value)
        assert set(point.reached) == {REVIEW, RANDOM}
    told = render_curve(found)
    assert told.count("\n| ") == 5
    assert "from 100 to 200 labels, added" in told


def test_too_few_rows_make_no_curve() -> None:
    study = toy()
    with pytest.raises(InputError, match="40 rows to learn from are too few for a curve"):
        learning_curve(replace(study, pool=study.pool[:40]), {REVIEW: choose})


def test_uncertainty_alone_takes_the_least_certain() -> None:
    one, two, three = np.eye(3)
    given = pool([one, one + 0.1 * two, two, three], [0.7, 0.9, 0.5, 0.6], labelled=[3])
    assert least_certain(given, 2) == [1, 0]
    assert least_certain(replace(given, uncertainty=None), 3) == [0, 1, 2]


def test_the_curve_of_an_export_is_a_table_and_a_figure(bundle_folder: Path, tmp_path: Path) -> None:
    data = write(tmp_path / "export.csv", rows(8))
    request = Request(data, tmp_path / "m", bundle_folder, vectors=tmp_path / "vectors", encoder=FakeEncoder())
    told = curve(request, balance="sqrt", plot=tmp_path / "curve.svg")
    assert "| labels | chosen by `nabd review` | at random | difference |" in told
    assert "| 25 |" in told
    assert "<svg" in (tmp_path / "curve.svg").read_text(encoding="utf-8")
    with pytest.raises(UsageError, match=r"expected a name that ends in \.svg or \.png"):
        curve(request, balance="sqrt", plot=tmp_path / "curve.pdf")


def test_the_command_shows_the_curve(tiny_models: Path, tmp_path: Path) -> None:
    data = write(tmp_path / "export.csv", rows(6))
    done = nabd("review", "--curve", data, "--model", tiny_models / "old", "--vectors", tmp_path / "vectors")
    assert done.exit_code == 0, done.output
    assert "The last doubling, from" in done.output


def test_the_page_is_made_of_what_was_measured(tmp_path: Path) -> None:
    gold = [row for split in ("train", "dev") for row in tiny.messages(8, split=split)]
    ours = [replace(row, source="authored") for row in tiny.messages(4, split="ours")]
    scoped = [replace(row, id=f"{row.id}-o", topic="out_of_scope", text=f"note {n} to my followers, good morning {n}")
              for n, row in enumerate(ours[:6])]  # fmt: skip
    page = measure([*gold, *ours, *scoped], FakeEncoder(), tmp_path / "vectors", draws=1)
    assert "on 96 real messages of dev, after so many labels of 96 real messages of gold train" in page
    assert page.count("| 25 |") == page.count("| 50 |") == 2
    assert not any(row.text in page for row in gold)


def test_the_verdict_names_the_numbers_that_are_beyond_chance() -> None:
    good, bad, open_ = Estimate(0.1, 0.05, 0.15), Estimate(-0.1, -0.15, -0.05), Estimate(0.1, -0.05, 0.2)
    curve = [Point(size, {}, {REVIEW: gain}) for size, gain in ((25, bad), (50, open_), (1_600, good))]
    assert verdict(curve, {REVIEW: "it", RANDOM: "chance"}) == (
        "Labels at which it is better than chance: 1,600; worse: 25."
    )
    assert verdict(curve[:1], {REVIEW: "it", RANDOM: "chance"}).endswith("chance: none; worse: 25.")


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("choose", "run", "study", "curve"):
        monkeypatch.delitem(sys.modules, f"pipeline.training.review.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "sklearn.cluster", None)
    for given in (("in.csv", "-o", "x.csv"), ("--curve", "x.csv")):
        done = nabd("review", *given)
        assert isinstance(done.exception, UsageError)
        assert "pip install 'nabd[train]'" in str(done.exception)
