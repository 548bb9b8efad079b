"""A replay says what scoring the export twice would say, draws a fair sample, and takes back what a person judged."""

from __future__ import annotations

import csv
import json
import pickle
import random
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import tiny_models as tiny
import typer
from click.testing import Result
from rich.console import Console
from typer.testing import CliRunner

from pipeline import bundle as bundles
from pipeline.errors import InputError, UsageError
from pipeline.history import read_history
from pipeline.judging import KINDS, SHEET, Judgement, judge, read_judged, read_replay, replays
from pipeline.risk import rank
from pipeline.routing.dryrun import dry_run
from pipeline.routing.scored import Job as RouteJob
from pipeline.run import PLAIN
from pipeline.run import Job as ScoreJob
from pipeline.run import run as score_file
from pipeline.service.store.engine import Store
from pipeline.service.store.erase import forget
from pipeline.settings import Settings, load_settings
from pipeline.training.registry.commands import registry_commands
from pipeline.training.registry.store import Registry
from pipeline.training.replay.commands import replay_commands
from pipeline.training.replay.compare import Job, Replayed, replay
from pipeline.training.replay.fact import Fact, Model, Said
from pipeline.training.replay.judged import judgement_of, take_up
from pipeline.training.replay.sample import Sample
from pipeline.training.replay.summary import Effect, add_up
from pipeline.training.replay.view import to_json

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
SECRET = "4111 1111 1111 1111"  # a card number of the kind that is published for tests


def write_export(path: Path) -> Path:
    """Four months of messages of forty customers; the desk's own are among them."""
    rows = tiny.messages(12, split="export")
    draw = random.Random(4)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["ticket id", "customer", "created at", "direction", "status", "message"])
        for place, row in enumerate(draw.sample(rows, len(rows))):
            at = START + timedelta(hours=20 * place)
            text = f"{row.text} {SECRET}" if place % 10 == 0 else row.text
            status = draw.choice(["open", "solved", "reopened"])
            writer.writerow([f"t{place // 2}", f"c{draw.randrange(40)}", at.isoformat(), "inbound", status, text])
        writer.writerow(["t1", "c1", START.isoformat(), "outbound", "open", "We are looking into it"])
    return path


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_export(tmp_path_factory.mktemp("export") / "tickets.csv")


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load_settings(environment={})


@pytest.fixture(scope="module")
def found(tiny_models: Path, export: Path, settings: Settings) -> Replayed:
    old, new = (Model(bundles.load(tiny_models / name), settings.routes) for name in ("old", "deaf"))
    return replay(Job(str(export), quiet=True), old, new, Sample(seed=1), console())


@pytest.fixture(scope="module")
def effect(found: Replayed, settings: Settings) -> Effect:
    return add_up(found, settings.risk)


@pytest.fixture(scope="module")
def scored(tiny_models: Path, export: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The export scored by each model, with `nabd score` and no replay."""
    place, made = tmp_path_factory.mktemp("scored"), {}
    for name in ("old", "deaf"):
        made[name] = str(place / f"{name}.csv")
        settings = replace(load_settings(environment={}), model=str(tiny_models / name))
        roles = dict.fromkeys(("text", "customer", "time", "id"))
        score_file(ScoreJob(str(export), made[name], None, {}, roles, quiet=True), settings)
    return made


def console() -> Console:
    return Console(quiet=True, **PLAIN)


def cells_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def cells(path: str) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["direction"] == "inbound"]


def test_what_changes_is_what_two_scored_files_say(effect: Effect, scored: Mapping[str, str]) -> None:
    before, after = (cells(scored[name]) for name in ("old", "deaf"))
    assert effect.messages == len(before) == 144
    for kind in KINDS:
        pairs = zip((row[f"nabd_{kind}"] for row in before), (row[f"nabd_{kind}"] for row in after), strict=True)
        assert effect.moves[kind] == Counter(pair for pair in pairs if pair[0] != pair[1]), kind
    assert effect.moves["topic"].total() > 10
    changed = [
        any(one[f"nabd_{kind}"] != two[f"nabd_{kind}"] for kind in KINDS)
        for one, two in zip(before, after, strict=True)
    ]
    assert effect.changed == sum(changed)


def test_loads_and_misroutes_are_those_of_a_dry_run(
    effect: Effect, scored: Mapping[str, str], settings: Settings
) -> None:
    for side, name in enumerate(("old", "deaf")):
        tried = dry_run(RouteJob(scored[name]), settings, console())
        assert effect.loads[side] == tried.loads
        both = ((effect.misroutes[side], tried.misroutes), (effect.unreviewed[side], tried.unreviewed))
        for ours, theirs in both:
            assert ours.messages == sum(each.messages for each in theirs.values())
            rounding = 0.005 * 17 * ours.messages  # of `nabd_topics`
            assert ours.expected == pytest.approx(sum(each.expected for each in theirs.values()), abs=rounding)


def test_the_customers_who_move_are_those_of_two_rankings(
    effect: Effect, scored: Mapping[str, str], settings: Settings
) -> None:
    bands = []
    for name in ("old", "deaf"):
        contacts = read_history(scored[name]).contacts
        ranked = rank([each for each in contacts if each.customer], now=contacts[-1].time, weights=settings.risk)
        bands.append({each.customer: each.band for each in ranked})
    moved = {name: (bands[0][name], bands[1][name]) for name in bands[0] if bands[0][name] != bands[1][name]}
    assert effect.bands == moved
    assert moved, "the test needs customers who move"
    assert effect.customers == len(bands[0])


def test_no_text_stays_in_memory_but_that_of_the_sample(found: Replayed, export: Path) -> None:
    held = pickle.dumps(found.facts)
    texts = [row["message"] for row in cells(str(export))]
    assert not any(text.encode() in held for text in texts)
    assert len(held) / len(found.facts) < 1_000, "bytes a message"


def test_the_sample_is_seeded_and_even_over_languages_and_kinds(found: Replayed) -> None:
    drawn = found.sample.drawn()
    assert drawn == found.sample.drawn()
    assert len(drawn) == min(50, sum(bool(list(fact.changes())) for fact in found.facts))
    assert len({each.fact.number for each in drawn}) == len(drawn)
    for each in drawn:
        assert each.kind == next(each.fact.changes())[0]


def said(topic: str, queue: str) -> Said:
    values = ("billing", topic, "neutral", "none", "normal", "no", queue, "normal", 0.5, 0.0, 0.5, 0.1)
    return Said(values, 60, 0.9, False)


def test_a_rare_language_is_in_the_sample_and_the_sample_holds_few() -> None:
    sample, same = Sample(seed=3, size=10), said("refund", "billing")
    for number in range(3_000):
        language = "fa" if number % 1000 == 7 else "en"
        kind = same if number % 2 else said("refund", "technical")
        sample.offer(
            Fact(number, language, {}, same, said("charge", "billing") if kind is same else kind), f"text {number}"
        )
    drawn = sample.drawn()
    assert Counter(each.fact.language for each in drawn)["fa"] == 3
    assert Counter(each.kind for each in drawn).keys() == {"queue", "topic"}
    assert sum(map(len, sample._held.values())) <= 23
    other = Sample(seed=4, size=10)
    for number in range(3_000):
        other.offer(Fact(number, "en", {}, same, said("charge", "billing")), f"text {number}")
    numbers = [each.fact.number for each in other.drawn()]
    assert min(numbers) < 1_500 < max(numbers), "drawn from all of it"


def test_an_unchanged_message_is_never_drawn() -> None:
    sample = Sample()
    sample.offer(Fact(1, "en", {}, said("refund", "billing"), said("refund", "billing")), "text")
    assert sample.drawn() == []


def test_an_export_without_customers_or_times_says_so(tiny_models: Path, tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "plain.csv"
    path.write_text("message\nplease give my money back for the order\nپیک هنوز نیاورده است سفارش\n", encoding="utf-8")
    models = [Model(bundles.load(tiny_models / name), settings.routes) for name in ("old", "deaf")]
    effect = add_up(replay(Job(str(path), quiet=True), models[0], models[1], Sample(), console()), settings.risk)
    assert effect.bands is None
    assert [note.partition(",")[0] for note in effect.notes] == ["no column of customers", "no column of times"]
    assert json.loads(to_json(effect))["bands"] is None


def nabd(*arguments: str | Path) -> Result:
    app = typer.Typer()
    registry_commands(app)
    replay_commands(app)
    return CliRunner().invoke(app, [str(each) for each in arguments], env={"COLUMNS": "200"})


def test_a_replay_is_judged_and_the_judgement_is_kept(tiny_models: Path, export: Path, tmp_path: Path) -> None:
    out = tmp_path / "replayed"
    models = ("--old", tiny_models / "old", "--new", tiny_models / "deaf")
    run = nabd("replay", export, *models, "-o", out, "-q")
    assert run.exit_code == 0, run.output
    assert re.search(r"\d+ of 144 messages change", run.output)
    assert "1 messages of the desk itself left out" in run.output
    written = {"changes.csv", "customers.csv", "judge.csv", "judge.html", "replay.json"}
    assert {path.name for path in out.iterdir()} == written
    page = (out / "judge.html").read_text(encoding="utf-8")
    rows = list(csv.DictReader((out / "judge.csv").read_text(encoding="utf-8").splitlines()))
    assert page.count("<fieldset") == len(rows) >= 30
    assert SECRET not in page
    assert not any(SECRET in row["text"] for row in rows)
    assert not re.search(r"(?:src|href)=|https?://", page), "it loads nothing"
    for place, row in enumerate(rows):
        row["verdict"] = ("worse", "Worse", "أسوأ", "same", "")[place % 5]
    judged = tmp_path / "judged.csv"
    with judged.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    tracking = f"sqlite:///{tmp_path / 'mlflow.db'}"
    kept = nabd("replay", "--judged", judged, "--new", tiny_models / "deaf", "--tracking", tracking, "--by", "Hala")
    assert kept.exit_code == 0, kept.output
    [version] = Registry(tracking).versions()
    told = judgement_of(version)
    counts = Counter(row["verdict"] for row in rows)
    worse = counts["worse"] + counts["Worse"] + counts["أسوأ"]
    pair = [bundles.load(tiny_models / name).sha256 for name in ("old", "deaf")]
    assert told == Judgement(pair[0], pair[1], better=0, worse=worse, same=counts["same"], by="Hala")


def test_what_is_judged_in_the_console_is_taken_up_with_the_version(
    tiny_models: Path, export: Path, tmp_path: Path
) -> None:
    """The sheet's own numbers, the last word on each, and the replay of this pair alone."""
    folder, tracking = tmp_path / "replays", f"sqlite:///{tmp_path / 'mlflow.db'}"
    for name, new in (("october", "deaf"), ("other", "new")):
        sides = ("--old", tiny_models / "old", "--new", tiny_models / new)
        assert nabd("replay", export, *sides, "-o", folder / name, "-q").exit_code == 0
    assert list(replays(folder)) == ["october", "other"]
    drawn = read_replay(folder / "october")
    assert drawn.sums["old_model"].startswith("old@")
    assert drawn.sums["messages"] == 144
    numbers = [row["number"] for row in drawn.rows]
    for place, verdict in enumerate(("worse", "better", "both fine", "both wrong", "better")):
        judge(folder / "october", numbers[place], verdict, by=("Hala", "نگار")[place % 2])
    judge(folder / "october", numbers[4], "worse", by="Hala")
    assert read_replay(folder / "october").verdicts[numbers[4]] == "worse"
    for number, verdict in ((numbers[0], "perhaps"), ("no row", "better")):
        with pytest.raises(UsageError, match=r"expected a row of october/judge\.csv and one of worse, better"):
            judge(folder / "october", number, verdict, by="Hala")
    judge(folder / "other", read_replay(folder / "other").rows[0]["number"], "worse", by="Hala")
    registry = Registry(tracking, create=True)
    new, old = (registry.register(tiny_models / name, ()) for name in ("deaf", "old"))
    told = judgement_of(take_up(folder, registry, new, old))
    assert told == Judgement(old.sha256, new.sha256, better=1, worse=2, same=2, by="Hala, نگار")
    assert judgement_of(registry.version(new.number)) == told, "it is kept"
    assert judgement_of(take_up(tmp_path / "none", registry, old, new)) is None


def test_an_erased_customer_is_in_no_replay(tiny_models: Path, export: Path, tmp_path: Path) -> None:
    """Their rows go, and the page that showed them; what was judged of others stays."""
    folder, out = tmp_path / "replays", tmp_path / "replays" / "october"
    models = ("--old", tiny_models / "old", "--new", tiny_models / "deaf")
    assert nabd("replay", export, *models, "-o", out, "-q").exit_code == 0
    before = {name: cells_of(out / name) for name in ("changes.csv", "customers.csv", "judge.csv")}
    named = set.intersection(*({row["customer"] for row in rows} for rows in before.values()))
    gone = min(named)
    mine = [row["number"] for row in before["judge.csv"] if row["customer"] == gone]
    others = [row["number"] for row in before["judge.csv"] if row["customer"] != gone]
    for number in (mine[0], others[0]):
        judge(out, number, "worse", by="Hala")
    store = Store.open(f"sqlite:///{tmp_path / 'nabd.db'}")
    with store.begin() as session:
        assert forget(session, gone, tmp_path / "uploads", folder, "key:1").files == 3
    for name, rows in before.items():
        assert cells_of(out / name) == [row for row in rows if row["customer"] != gone], name
    assert not (out / "judge.html").exists()
    assert gone not in re.findall(r"\w+", (out / "replay.json").read_text(encoding="utf-8"))
    left = read_replay(out)
    assert [row["number"] for row in left.rows] == others
    assert left.verdicts == {others[0]: "worse"}
    with store.begin() as session:
        assert not forget(session, gone, tmp_path / "uploads", folder, "key:1").anything
    store.close()


def test_a_folder_that_is_no_replay_is_refused(tmp_path: Path) -> None:
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / SHEET).write_text("number\n1\n", encoding="utf-8")
    assert list(replays(tmp_path)) == ["half"]
    with pytest.raises(InputError, match="half is not what `nabd replay` wrote"):
        read_replay(tmp_path / "half")


@pytest.mark.parametrize(
    ("better", "worse", "chance"),
    [(0, 0, 1.0), (5, 5, 0.623), (10, 0, 1.0), (0, 10, 1 / 1024), (1, 9, 11 / 1024)],
)
def test_the_sign_test_has_known_answers(better: int, worse: int, chance: float) -> None:
    assert Judgement("", "", better, worse, 7).chance() == pytest.approx(chance, abs=1e-3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("number,old_model,new_model\n1,a,b\n", "has no column verdict: it is no sheet"),
        ("number,verdict,old_model,new_model\n1,perhaps,a,b\n", "row 1: the verdict is none of better, worse, same"),
        ("number,verdict,old_model,new_model\n1,better,a,b\n2,same,a,c\n", "compares 2 pairs of models"),
    ],
)
def test_a_sheet_that_cannot_be_read_back_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "judged.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_judged(str(path))


def test_what_is_asked_must_be_one_thing() -> None:
    for arguments in ((), ("a.csv", "--judged", "b.csv")):
        found = nabd("replay", *arguments)
        assert isinstance(found.exception, UsageError)
        assert str(found.exception).startswith("name the EXPORT to replay, or by --judged")
