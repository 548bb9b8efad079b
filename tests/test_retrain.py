"""`nabd retrain` end to end on a fake encoder: learn, compare, write, read the gate back; and its parts."""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from retrain_export import TEXTS, rows, write
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from typer.testing import CliRunner

from pipeline import bundle as bundles
from pipeline.encoder import FakeEncoder
from pipeline.errors import InputError, UsageError
from pipeline.records import Message
from pipeline.route import Rule
from pipeline.score import score
from pipeline.taxonomy import DEFAULT, OUT_OF_SCOPE, TASKS, Label, Taxonomy
from pipeline.training.retrain.commands import retrain_commands
from pipeline.training.retrain.compare import Said, compare, topics_said
from pipeline.training.retrain.discriminant import Discriminant
from pipeline.training.retrain.heads import Candidate, candidates, fit, fit_one, out_of_fold
from pipeline.training.retrain.lessons import ALWAYS, Lessons, fold_numbers
from pipeline.training.retrain.recipes import choose
from pipeline.training.retrain.rows import Labelled, read_export
from pipeline.training.retrain.run import Retrained, check, retrain
from pipeline.training.retrain.splits import gate_rows, read_record
from pipeline.training.retrain.survey import Request
from pipeline.training.retrain.suspects import COLUMNS, read_corrections, suspects
from pipeline.training.retrain.unseen import Unseen, category_thresholds

ANYWHERE = (Rule("all", "desk", "normal", 60),)


def made(tmp_path: Path, base: Path, given: list[dict[str, str]] | None = None, **options: Any) -> Retrained:
    """A retraining of `given` into `mine`, beside `base`."""
    data = write(
        tmp_path / "export.csv", rows() if given is None else given, options.pop("columns", ("id", "message", "label"))
    )
    options = {"vectors": tmp_path / "vectors", "encoder": FakeEncoder()} | options
    return retrain(data, base.parent / "mine", base=base, **options)


@pytest.fixture(scope="module")
def retrained(tiny_bundle: bundles.Bundle, tmp_path_factory: pytest.TempPathFactory) -> tuple[Retrained, str]:
    folder = tmp_path_factory.mktemp("retrained")
    bundles.save(tiny_bundle, folder / "models" / "tiny")
    return made(folder, folder / "models" / "tiny"), str(folder / "export.csv")


def test_own_labels_are_learnt_and_answered_in_three_languages(retrained: tuple[Retrained, str]) -> None:
    found, _ = retrained
    bundle = bundles.load(found.bundle_folder, encoder=FakeEncoder())
    assert bundle.sha256 == found.digest
    assert set(bundle.taxonomy.topic_ids) == {*TEXTS, OUT_OF_SCOPE}
    asked = [(label, TEXTS[label][language][0].format(n=9)) for label in TEXTS for language in ("en", "ar", "fa")]
    said = score([Message(text) for _, text in asked], bundle, ANYWHERE)
    assert [one.topic.label for one in said] == [label for label, _ in asked]
    assert all(one.category.label == one.topic.label == one.domain for one in said)
    assert set(bundle.temperatures["topic"]) >= {"*", "ar", "fa", "en"}


def test_the_other_tasks_answer_as_the_base_does(retrained: tuple[Retrained, str], tiny_bundle: bundles.Bundle) -> None:
    bundle = bundles.load(retrained[0].bundle_folder, encoder=FakeEncoder())
    texts, languages = ["where is my order", "وين طلبي", "سفارشم کجاست"], ["en", "ar", "fa"]
    mine, base = (each.judge(texts, languages).probabilities for each in (bundle, tiny_bundle))
    for task in TASKS[1:]:
        assert np.allclose(mine[task], base[task], atol=1e-6)


def test_the_same_inputs_give_the_same_bundle(
    retrained: tuple[Retrained, str], tiny_bundle: bundles.Bundle, tmp_path: Path
) -> None:
    bundles.save(tiny_bundle, tmp_path / "models" / "tiny")
    base = tmp_path / "models" / "tiny"
    assert made(tmp_path, base).digest == retrained[0].digest
    assert made(tmp_path, base, seed=1).digest != retrained[0].digest
    assert made(tmp_path, base, rows(4)).digest != retrained[0].digest


def test_it_is_compared_with_the_baseline_on_dev(retrained: tuple[Retrained, str]) -> None:
    found, _ = retrained
    record = read_record(found.bundle_folder)
    assert record["dev"] == found.metrics
    measured = found.metrics["all"]["macro_f1"]
    assert measured["recipe"]["value"] > 0.9
    difference = measured["recipe"]["value"] - measured["linear"]["value"]
    assert measured["difference"]["value"] == pytest.approx(difference, abs=2e-4)
    assert any("| rows of dev | measure | rows | heads | linear | difference |" in note for note in found.notes)
    sizes = {name: record["splits"][name]["rows"] for name in ("train", "dev", "gate")}
    assert sum(sizes.values()) == record["rows"]["kept"] == len(rows())
    assert min(sizes.values()) > 10


def test_a_file_held_out_is_judged_by_and_nothing_is_learnt_of_it(
    retrained: tuple[Retrained, str], tiny_bundle: bundles.Bundle, tmp_path: Path
) -> None:
    bundles.save(tiny_bundle, tmp_path / "models" / "tiny")
    fresh = [{**row, "message": f"{row['message']} 777", "id": "h" + row["id"]} for row in rows(2)]
    odd = [{"id": "u", "message": "a label that nobody taught", "label": "Invoice"}, rows()[0]]
    data = write(tmp_path / "held.csv", fresh + odd)
    found = made(tmp_path, tmp_path / "models" / "tiny", held_out=data)
    assert found.digest == retrained[0].digest
    assert found.metrics == retrained[0].metrics
    assert found.held_out["all"]["n"] == sum(found.held_out[language]["n"] for language in ("ar", "fa", "en"))
    assert found.held_out["all"]["accuracy"]["recipe"]["value"] > 0.9
    assert read_record(found.bundle_folder)["held_out"] == found.held_out
    said = "\n".join(found.notes)
    assert "| rows of held.csv | measure | rows | heads | linear | difference |" in said
    counted = re.search(r"held.csv: (\d+) rows to judge by. Left out: (\d+) whose .* holds, (\d+) with no label", said)
    assert counted
    assert sum(map(int, counted.groups())) == len(fresh) + len(odd)
    assert int(counted[1]) == found.held_out["all"]["n"]
    assert int(counted[2]) >= 1
    assert int(counted[3]) >= 1


def test_a_file_held_out_with_nothing_to_judge_by_is_refused(tiny_bundle: bundles.Bundle, tmp_path: Path) -> None:
    bundles.save(tiny_bundle, tmp_path / "models" / "tiny")
    data = write(tmp_path / "held.csv", rows(2))
    with pytest.raises(InputError, match=r"--held-out .*held.csv: none of its 48 labelled rows can be judged"):
        made(tmp_path, tmp_path / "models" / "tiny", held_out=data)
    assert not (tmp_path / "models" / "mine").exists()


def test_nothing_that_is_written_inside_the_model_holds_a_message(retrained: tuple[Retrained, str]) -> None:
    folder = retrained[0].bundle_folder
    assert {path.name for path in folder.iterdir()} == {
        "routes.toml",
        "reference.parquet",
        "manifest.json",
        "heads.safetensors",
        "MODEL_CARD.md",
        "retrain.json",
    }
    written = "".join(
        path.read_text(encoding="utf-8")
        for path in folder.glob("*[!s]")
        if path.suffix not in (".safetensors", ".parquet")
    )
    assert not any(row["message"] in written for row in rows())
    assert "# Model card: mine" in written


def test_the_gate_rows_are_read_back_and_were_not_learnt(retrained: tuple[Retrained, str], tmp_path: Path) -> None:
    found, data = retrained
    gate = gate_rows(data, found.bundle_folder)
    given = rows()
    assert [row.number for row in gate] == sorted(number for number, _ in read_record(found.bundle_folder)["gate"])
    for row in gate:
        stated = given[row.number - 1]
        assert (row.id, row.text, row.topic, row.category) == (
            stated["id"], stated["message"], stated["label"], stated["label"],
        )  # fmt: skip
    other = write(tmp_path / "other.csv", rows(4))
    with pytest.raises(InputError, match="is not the file that mine was retrained on"):
        gate_rows(other, found.bundle_folder)
    with pytest.raises(InputError, match=r"holds no retrain\.json"):
        gate_rows(data, found.bundle_folder.parent / "tiny")


def test_the_gate_is_not_even_encoded(tiny_bundle: bundles.Bundle, tmp_path: Path) -> None:
    read: set[str] = set()

    class Listening(FakeEncoder):
        def encode(self, texts: Any) -> Any:
            read.update(texts)
            return super().encode(texts)

    bundles.save(tiny_bundle, tmp_path / "models" / "tiny")
    found = made(tmp_path, tmp_path / "models" / "tiny", encoder=Listening())
    numbers = {number for number, _ in read_record(found.bundle_folder)["gate"]}
    export = read_export(str(tmp_path / "export.csv"))
    assert not read & {row.prepared for row in export.rows if row.number in numbers}
    assert read >= {row.prepared for row in export.rows if row.number not in numbers}


def test_a_taxonomy_file_names_sorts_and_routes(bundle_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "labels.toml"
    file.write_text(
        '[[label]]\nname = "refund"\nar = "استرداد"\ndescription = "wants money back"\naliases = ["Money back"]\n'
        'category = "money"\nqueue = "cash desk"\n[[label]]\nname = "App bug"\n[[label]]\nname = "Thank you"\n',
        encoding="utf-8",
    )  # fmt: skip
    found = made(tmp_path, bundle_folder, taxonomy=file)
    bundle = bundles.load(found.bundle_folder, encoder=FakeEncoder())
    assert bundle.taxonomy.category_of["refund"] == "money"
    assert bundle.taxonomy.topics[0].ar == "استرداد"
    assert 'queue = "cash desk"' in (found.bundle_folder / "routes.toml").read_text(encoding="utf-8")
    rejects = (bundle_folder.parent / "mine.rejects.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(rejects) == 30
    assert all("'Late parcel' is not in the taxonomy file" in json.loads(line)["reason"] for line in rejects)
    assert "30 rows have the label 'Late parcel', which the taxonomy file does not know" in found.notes[0]


def test_a_column_of_a_task_may_teach_it(bundle_folder: Path, tmp_path: Path) -> None:
    found = made(tmp_path, bundle_folder, rows(8), columns=("id", "message", "label", "sentiment"))
    learnt = read_record(found.bundle_folder)["parameters"]["learnt"]
    assert learnt["sentiment"] >= 100  # the base's head is random here, so that any is better
    assert learnt["urgency"] == 0
    bundle = bundles.load(found.bundle_folder, encoder=FakeEncoder())
    (said,) = score([Message("thanks a lot, lovely service from agent 5")], bundle, ANYWHERE)
    assert said.sentiment is not None
    assert said.sentiment.label == "positive"
    few = made(tmp_path, bundle_folder, rows(3), columns=("id", "message", "label", "sentiment"))
    assert any("sentiment: only" in note for note in few.notes)


def test_labels_that_look_wrong_are_listed_and_corrections_read_back(bundle_folder: Path, tmp_path: Path) -> None:
    given, rng = rows(8), random.Random(4)
    wrong = set(rng.sample(range(len(given)), 12))
    labels = list(TEXTS)
    turned = [
        {**row, "label": labels[(labels.index(row["label"]) + 1) % 4]} if place in wrong else row
        for place, row in enumerate(given)
    ]
    made(tmp_path, bundle_folder, turned)
    path = bundle_folder.parent / "mine.suspects.csv"
    found = read_table(path)
    assert tuple(found[0]) == COLUMNS
    numbers = {int(row["row"]) - 1 for row in found}
    assert len(numbers & wrong) >= 6, "most of those outside the gate"
    assert len(numbers - wrong) <= 3
    hit = next(row for row in found if int(row["row"]) - 1 in wrong)
    assert hit["suggested"] == given[int(hit["row"]) - 1]["label"]
    for row in found:
        row["corrected"] = given[int(row["row"]) - 1]["label"] if row is not hit else "-"
    corrected = Path(write(tmp_path / "corrected.csv", found, COLUMNS))
    export = read_export(str(tmp_path / "export.csv"))
    read = read_corrections(corrected, export)
    assert read[int(hit["row"])] == "-"
    again = made(tmp_path, bundle_folder, turned, corrections=corrected)
    record = read_record(again.bundle_folder)
    assert record["rows"]["corrected"] == len(found)
    assert record["rows"]["kept"] == len(given) - 1
    strange = write(tmp_path / "strange.csv", [{**hit, "id": "nobody"}], COLUMNS)
    with pytest.raises(InputError, match="the corrections are of another file"):
        read_corrections(Path(strange), export)
    with pytest.raises(UsageError, match="has no column 'corrected'"):
        read_corrections(tmp_path / "export.csv", export)


def read_table(path: Path) -> list[dict[str, Any]]:
    import csv

    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_a_check_makes_no_model(bundle_folder: Path, tmp_path: Path) -> None:
    data = write(tmp_path / "export.csv", rows(3))
    out = bundle_folder.parent / "mine"
    request = Request(data, out, bundle_folder, vectors=tmp_path / "vectors", encoder=FakeEncoder())
    report, findings = check(request)
    assert report.startswith(f"{data}: 72 rows, 72 of them labelled")
    assert "mine.labels.toml" in findings
    assert not out.exists()


@pytest.mark.parametrize(("recipe", "message"), [("linear", "makes no model"), ("magic", "expected one of heads"),
                                                 ("finetune", "needs --source")])  # fmt: skip
def test_a_recipe_that_cannot_be_used_is_refused(
    bundle_folder: Path, tmp_path: Path, recipe: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        made(tmp_path, bundle_folder, rows(2), recipe=recipe)


def test_the_recipe_follows_from_the_rows() -> None:
    assert choose(None, 10_000, None) == choose(None, 100, Path("x")) == "heads"
    assert choose(None, 10_000, Path("x")) == "finetune"


def test_the_command_learns_on_a_model_that_ships_and_brings_its_encoder(tmp_path: Path) -> None:
    app = typer.Typer()
    retrain_commands(app)
    data, out = write(tmp_path / "export.csv", rows(3)), tmp_path / "models" / "mine"
    given = [data, "-o", str(out), "--base", "nabd-fast", "--vectors", str(tmp_path / "vectors")]
    done = CliRunner().invoke(app, given)
    assert done.exit_code == 0, done.output
    assert "| all | macro-F1 |" in done.output
    bundle = bundles.load(out)
    assert [path.name for path in out.parent.glob("encoder-*")] == [f"encoder-{bundle.encoder.id[:8]}"]
    (said,) = score([Message("please give me my money back for order 77")], bundle, ANYWHERE)
    assert said.topic.label == "Money back"


def lessons_of(vectors: Any, truth: Any, labels: int = 3, **others: Any) -> Lessons:
    n = len(truth)
    none = (np.zeros((0, vectors.shape[1]), np.float32), np.zeros(0, np.int64))
    known = {"folds": np.arange(n) % 5, "described": none} | others
    return Lessons(tuple(f"l{i}" for i in range(labels)), vectors, truth, np.ones(n), **known)


def cloud(seed: int = 0, n: int = 90, labels: int = 3, width: int = 8) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    truth = np.arange(n) % labels
    return (rng.normal(0, 1, (n, width)) + 1.5 * np.eye(labels, width)[truth]).astype(np.float32), truth


@pytest.mark.parametrize("shrinkage", [0.0, 0.4, 1.0])
def test_the_discriminant_says_what_scikit_learn_does(shrinkage: float) -> None:
    vectors, truth = cloud()
    mine = Discriminant(shrinkage).fit(vectors, truth, np.ones(len(truth)))
    if shrinkage == 1.0:  # the nearest mean
        means = np.stack([vectors[truth == label].mean(axis=0) for label in range(3)])
        expected = ((vectors[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
    elif shrinkage == 0.0:
        known = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.0, priors=[1 / 3] * 3).fit(vectors, truth)
        expected = known.predict(vectors)
    else:
        apart = vectors - np.stack([vectors[truth == label].mean(axis=0) for label in range(3)])[truth]
        spread = apart.T @ apart / len(truth)
        pulled = np.linalg.inv((1 - shrinkage) * spread + shrinkage * np.trace(spread) / 8 * np.eye(8))
        means = np.stack([vectors[truth == label].mean(axis=0) for label in range(3)])
        away = vectors[:, None] - means
        expected = np.einsum("nkd,de,nke->nk", away, pulled, away).argmin(axis=1)
    assert np.array_equal((vectors @ mine.coef_.T + mine.intercept_).argmax(axis=1), expected)


def test_a_weight_counts_as_so_many_rows() -> None:
    vectors, truth = cloud(n=30)
    twice = np.concatenate([vectors, vectors[:10]]), np.concatenate([truth, truth[:10]])
    weights = np.where(np.arange(30) < 10, 2.0, 1.0)
    one, other = Discriminant(0.3).fit(vectors, truth, weights), Discriminant(0.3).fit(*twice, np.ones(40))
    assert np.allclose(one.coef_, other.coef_, atol=1e-8)


def test_a_label_of_few_rows_is_found_among_labels_of_many() -> None:
    """In many dimensions a mean of 8 rows lies far out by chance alone, and would lose to every other."""
    rng = np.random.default_rng(5)
    centres = 0.25 * rng.normal(0, 1, (4, 200))
    truth = np.repeat([0, 1, 2, 3], [400, 400, 400, 8])
    model = Discriminant(0.4).fit(centres[truth] + rng.normal(0, 1, (len(truth), 200)), truth, np.ones(len(truth)))
    asked = np.repeat(np.arange(4), 100)
    said = ((centres[asked] + rng.normal(0, 1, (400, 200))) @ model.coef_.T + model.intercept_).argmax(axis=1)
    assert (said[asked == 3] == 3).mean() > 0.8
    assert (said[asked != 3] == asked[asked != 3]).mean() > 0.9


def test_a_label_without_rows_is_never_said() -> None:
    vectors, truth = cloud()
    given = lessons_of(vectors, truth, labels=4)
    for kind, strength in (("discriminant", 0.4), ("logistic", 0.1)):
        head = fit_one(given, Candidate(kind, strength, False), np.full(90, True))
        assert head.weight.shape == (8, 4)
        assert (head.logits(vectors).argmax(axis=1) == truth).mean() > 0.8
        assert 3 not in head.logits(100 * vectors).argmax(axis=1)


def test_two_labels_are_told_apart_too() -> None:
    vectors, truth = cloud(labels=2)
    head = fit_one(lessons_of(vectors, truth, labels=2), Candidate("logistic", 0.1, False), np.full(90, True))
    assert (head.logits(vectors).argmax(axis=1) == truth).mean() > 0.8


def test_no_row_is_judged_by_a_head_that_saw_it() -> None:
    """Random labels cannot be guessed: out of fold they are right by chance, within train almost always."""
    rng = np.random.default_rng(1)
    vectors, truth = rng.normal(0, 1, (60, 200)).astype(np.float32), rng.integers(0, 3, 60)
    given = lessons_of(vectors, truth)
    candidate = Candidate("discriminant", 0.1, False)
    logits, judged = out_of_fold(given, candidate)
    assert (logits[judged].argmax(axis=1) == truth[judged]).mean() < 0.55
    seen = fit_one(given, candidate, np.full(60, True)).logits(vectors)
    assert (seen.argmax(axis=1) == truth).mean() > 0.9


def test_what_is_always_taught_is_never_judged() -> None:
    vectors, truth = cloud()
    folds = np.where(np.arange(90) < 30, ALWAYS, np.arange(90) % 5)
    fitted = fit(lessons_of(vectors, truth, folds=folds))
    assert set(fitted.judged.tolist()) == set(range(30, 90))


def test_descriptions_alone_teach_a_label() -> None:
    vectors, truth = cloud()
    kept = truth != 2
    described = (vectors[truth == 2][:3], np.array([2, 2, 2]))
    given = lessons_of(vectors[kept], truth[kept], described=described)
    with_text = fit_one(given, Candidate("discriminant", 0.4, True), np.full(60, True))
    without = fit_one(given, Candidate("discriminant", 0.4, False), np.full(60, True))
    third = vectors[truth == 2]
    assert (with_text.logits(third).argmax(axis=1) == 2).mean() > 0.5
    assert (without.logits(third).argmax(axis=1) == 2).mean() == 0
    assert any(each.described for each in candidates(given))


def test_customers_stay_in_one_fold() -> None:
    truth, who = np.arange(60) % 3, [f"c{i % 20}" for i in range(60)]
    folds = fold_numbers(truth, who, seed=0)
    assert all(len({folds[i] for i in range(60) if who[i] == name}) == 1 for name in who)
    assert set(folds.tolist()) == set(range(5))


GRID = Taxonomy(
    (Label("one", "1", "1", "1", parent="x"), Label("two", "2", "2", "2", parent="x"), DEFAULT.categories[-1]),
    (Label("a", "a", "a", "a", parent="one"), Label("b", "b", "b", "b", parent="two"),
     Label("c", "c", "c", "c", parent="two"), DEFAULT.topics[-1]),
)  # fmt: skip


def test_the_topic_is_the_best_of_the_best_category() -> None:
    said = topics_said(np.array([[0.4, 0.35, 0.25, 0.0], [0.7, 0.2, 0.1, 0.0]]), GRID)
    assert said.tolist() == ["b", "a"]
    assert topics_said(np.zeros((0, 4)), GRID).tolist() == []


def test_a_comparison_has_known_answers() -> None:
    truth = np.array(["a", "b"] * 20)
    wrong = np.array(["b", "a"] * 20)
    languages = np.array(["en"] * 20 + ["fa"] * 20)
    found = compare(Said(truth, truth, wrong, languages), seed=0)
    assert set(found) == {"all", "en", "fa"}
    for each in found.values():
        assert each["accuracy"]["recipe"]["value"] == each["macro_f1"]["difference"]["value"] == 1
        assert each["accuracy"]["linear"]["value"] == each["macro_f1"]["linear"]["value"] == 0
    same = compare(Said(truth, wrong, wrong, languages), seed=0)["all"]["accuracy"]["difference"]
    assert same == {"value": 0, "low": 0, "high": 0}


def unseen_of(logits: Any, truth: Any) -> Unseen:
    row = Labelled(1, "1", "t", "t", b"", "en", "a")
    return Unseen([replace(row, number=i + 1, id=str(i)) for i in range(len(truth))], np.array(truth), np.array(logits))


def test_a_category_that_is_always_right_opens_and_one_never_said_stays_shut() -> None:
    logits = np.tile(np.array([[9.0, 0, 0, 0], [0, 9.0, 0, 0]], np.float32), (100, 1))
    levels = category_thresholds(unseen_of(logits, [0, 1] * 100), {"*": 1.0}, GRID, max_error=0.15)
    assert levels["*"]["one"] < 1
    assert levels["*"][OUT_OF_SCOPE] == 1.01
    reversed_levels = category_thresholds(unseen_of(logits, [1, 0] * 100), {"*": 1.0}, GRID, max_error=0.15)
    assert set(reversed_levels["*"].values()) == {1.01}


def test_one_turned_label_is_the_suspect() -> None:
    truth = [0, 1] * 30
    logits = np.where(np.eye(2)[truth] > 0, 4.0, -4.0)
    truth[7] = 0
    (found,) = suspects(unseen_of(logits, truth), ["a", "b"])
    assert (found.row.number, found.suggested) == (8, "b")
    assert found.sure > 0.9
    assert suspects(unseen_of(logits, [0] * 60), ["a", "b"]) == []
