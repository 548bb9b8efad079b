"""Learning who leaves, and the backtest that says whether it is worth it: on small worlds whose truth is known."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from pipeline.errors import OutputError, UsageError
from pipeline.output import COLUMNS
from pipeline.records import Contact, Outcome
from pipeline.risk import Weights, risk
from pipeline.risk.backtest import Backtest, backtest, split
from pipeline.risk.drivers import DRIVERS
from pipeline.risk.features import FEATURES, features
from pipeline.risk.known import as_known, datable
from pipeline.risk.learn import learn, learn_from
from pipeline.risk.measures import draws, gain, lead_times, precision_at_top, reliability, roc_auc
from pipeline.risk.panel import Panel, cut_offs, panel
from pipeline.risk.plot import draw
from pipeline.risk.run import Options, run
from pipeline.risk.table import PROBABILITY
from pipeline.settings import load_settings
from pipeline.taxonomy import NEGATIVE, POSITIVE
from pipeline.training.metrics import RESAMPLES, average_precision

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 360
END = START + timedelta(days=DAYS)
WEIGHTS = Weights()


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def message(customer: str, at: float, negative: float, *, number: int, left: float | None, **others: Any) -> Contact:
    known: dict[str, Any] = {"ticket": f"T-{number}", "churn": 0.05, "topic": "fault"}
    return Contact(
        number=number, id=f"M-{number}", time=day(at), customer=customer, negative=negative,
        positive=(1 - negative) / 2, polarity=(1 - negative) / 2 - negative,
        sentiment=NEGATIVE if negative > 0.5 else POSITIVE,
        outcome=Outcome(left=None if left is None else day(left)), **(known | others),
    )  # fmt: skip


@cache
def world(*, told: bool, customers: int = 200, seed: int = 7) -> list[Contact]:
    """Everyone writes about every 12 days, however happy; nearly half leave.

    Where it is `told`, those who leave are displeased in their last 75 days; otherwise moods are by chance alone.
    """
    chance = random.Random(seed)
    contacts: list[Contact] = []
    for number in range(customers):
        left = chance.uniform(40, DAYS) if chance.random() < 0.45 else None
        at = chance.uniform(0, 12)
        while at < (DAYS if left is None else left):
            unhappy = told and left is not None and left - at < 75
            negative = (
                chance.uniform(0.6, 1.0) if chance.random() < (0.8 if unhappy else 0.15) else chance.uniform(0, 0.3)
            )
            contacts.append(message(f"c-{number:03}", at, negative, number=len(contacts), left=left))
            at += chance.expovariate(1 / 12)
    return contacts


@pytest.fixture(scope="module")
def telling() -> Backtest:
    return backtest(world(told=True), end=END, weights=WEIGHTS)


def test_where_the_unhappy_leave_both_beat_counting_tickets(telling: Backtest) -> None:
    for system in ("learnt", "prior"):
        judged, gap = telling.systems[system], telling.differences[system]
        assert judged.auc.value > 0.75
        assert judged.auc.low < judged.auc.value < judged.auc.high
        assert 0 < gap.low < gap.value < gap.high
        assert telling.verdict(system) == "beats ticket counts"
        assert judged.precision["top 20"] > 2 * telling.test.leaves.mean()
        assert 0 < judged.lead_days < 60
        assert judged.found > telling.systems["tickets"].found
    assert telling.systems["learnt"].brier < telling.systems["tickets"].brier
    assert telling.systems["learnt"].ece < 0.05


def test_where_moods_say_nothing_nothing_wins() -> None:
    found = backtest(world(told=False), end=END, weights=WEIGHTS)
    for system in ("learnt", "prior"):
        assert found.differences[system].low <= 0
        assert found.verdict(system) == "does not beat ticket counts"
        assert found.systems[system].auc.low < 0.56


def test_to_beat_a_count_that_is_worse_than_chance_is_nothing(telling: Backtest) -> None:
    learnt = telling.systems["learnt"]
    chance = replace(learnt, auc=replace(learnt.auc, value=0.52, low=0.48, high=0.56))
    assert telling.differences["learnt"].low > 0
    found = replace(telling, systems={**telling.systems, "learnt": chance})
    assert found.verdict("learnt") == "does not beat ticket counts"


def test_a_backtest_repeats_itself(telling: Backtest) -> None:
    again = backtest(random.Random(1).sample(world(told=True), len(world(told=True))), end=END, weights=WEIGHTS)
    assert again.differences == telling.differences
    assert again.systems["learnt"].precision == telling.systems["learnt"].precision


def test_train_outcomes_end_before_the_test_begins(telling: Backtest) -> None:
    train, test = telling.train, telling.test
    assert len(train.cuts) == 10
    latest, first = train.cuts[train.cut.max()], test.cuts[test.cut.min()]
    assert latest + timedelta(days=telling.horizon) < first
    assert test.cuts[-1] + timedelta(days=telling.horizon) <= END


def test_cut_offs_are_those_whose_outcome_is_known() -> None:
    assert cut_offs(day(0), day(130)) == (day(10), day(40), day(70))
    assert cut_offs(day(0), day(60)) == (day(0),)
    assert cut_offs(day(0), day(59)) == ()


def test_the_rows_of_a_panel_are_customers_who_could_still_be_kept() -> None:
    contacts = [
        message("early", 5, 0.1, number=1, left=None),
        message("late", 50, 0.1, number=2, left=None),
        message("gone", 5, 0.9, number=3, left=20),
        message("soon", 5, 0.9, number=4, left=95),
        message("", 5, 0.9, number=5, left=12),
    ]
    rows = panel(contacts, end=day(130), weights=WEIGHTS)
    seen = {
        (str(name), int(cut)): bool(leaves)
        for name, cut, leaves in zip(rows.customer, rows.cut, rows.leaves, strict=True)
    }
    assert seen == {
        ("early", 0): False, ("early", 1): False, ("early", 2): False, ("late", 2): False, ("gone", 0): True,
        ("soon", 0): False, ("soon", 1): True, ("soon", 2): True,
    }  # fmt: skip
    assert rows.days_to_leaving[rows.customer == "soon"].tolist() == [85, 55, 25]
    assert np.isnan(rows.days_to_leaving[rows.customer == "early"]).all()
    assert rows.leavers == 2


def test_the_prior_is_the_risk_of_that_day() -> None:
    contacts = world(told=True, customers=12)
    rows = panel(contacts, end=END, weights=WEIGHTS)
    for customer, cut, prior in zip(rows.customer, rows.cut, rows.prior, strict=True):
        own = [each for each in contacts if each.customer == customer]
        assert risk(own, now=rows.cuts[cut], weights=WEIGHTS).score == pytest.approx(prior)


def test_nothing_after_a_cut_off_changes_what_is_known_at_it() -> None:
    contacts = world(told=True, customers=30)
    before = panel(contacts, end=END, weights=WEIGHTS)
    cut = before.cuts[4]
    changed = [replace(each, negative=1.0, anger=1.0, churn=1.0) if each.time > cut else each for each in contacts]
    after = panel(changed, end=END, weights=WEIGHTS)
    early = before.cut <= 4
    assert np.array_equal(before.values[early], after.values[early])
    assert np.array_equal(before.prior[early], after.prior[early])
    assert not np.array_equal(before.values, after.values)


def test_an_outcome_is_known_from_its_day_on() -> None:
    solved = Outcome(status="solved", resolution=2 * 1440, csat=0.1, nps=3.0, revenue=5.0, left=day(9))
    contacts = [replace(message("c", 1, 0.9, number=1, left=None), outcome=solved)]
    assert as_known(contacts, day(0.5)) == []
    assert as_known(contacts, day(2))[0].outcome == Outcome(status="open")
    assert as_known(contacts, day(4))[0].outcome == Outcome(status="solved", csat=0.1)
    assert as_known(contacts, day(9))[0].outcome.left == day(9)


def test_a_state_that_cannot_be_dated_says_nothing() -> None:
    def states(*given: Outcome) -> list[str | None]:
        own = [replace(message("c", n, 0.9, number=n, left=None), outcome=each) for n, each in enumerate(given)]
        return [each.outcome.status for each in as_known(datable(own), day(10))]

    assert states(Outcome(status="open"), Outcome(status="solved"), Outcome(status="reopened")) == [None, None, None]
    dated = Outcome(status="solved", resolution=60)
    assert states(Outcome(status="open"), Outcome(status="reopened"), dated) == ["open", None, "solved"]
    kept = datable(
        [replace(message("c", 1, 0.9, number=1, left=None), outcome=Outcome(status="open", csat=0.0, left=day(5)))]
    )
    assert kept[0].outcome == Outcome(left=day(5))


def test_features_are_named_finite_and_of_the_past() -> None:
    own = [message("c", at, 0.9, number=at, left=None) for at in (1, 50, 98, 99, 300)]
    found = features(own, now=day(100))
    assert tuple(found) == FEATURES
    assert set(DRIVERS) <= set(FEATURES)
    assert all(math.isfinite(value) for value in found.values())
    assert [found[f"contacts_{days}_days"] for days in (7, 30, 90)] == [2, 2, 3]
    assert (found["days_since_contact"], found["days_known"], found["tickets_90_days"]) == (1, 99, 3)
    assert found["mean_polarity"] == pytest.approx(0.05 - 0.9)
    with pytest.raises(ValueError, match="no contact is at or before"):
        features(own, now=day(0))


def a_panel(
    leaves: Sequence[bool], *, customer: Sequence[str] | None = None, cut: Sequence[int] | None = None
) -> Panel:
    size = len(leaves)
    days = np.where(leaves, 30.0, np.nan)
    return Panel(
        cuts=(day(0), day(30)), customer=np.array(customer or [f"c{n}" for n in range(size)]),
        cut=np.array(cut or [0] * size), values=np.zeros((size, len(FEATURES))), prior=np.zeros(size),
        days_to_leaving=days, leaves=np.array(leaves, bool),
    )  # fmt: skip


def test_measures_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    leaves, score = rng.random(200) < 0.2, np.round(rng.random(200), 1)  # many ties
    rows, counts = a_panel(leaves.tolist()), rng.integers(0, 3, (4, 200)).astype(float)
    for drawn, auc, precision in zip(
        counts, roc_auc(rows, score)(counts), average_precision(leaves, score, counts), strict=True
    ):
        assert auc == pytest.approx(roc_auc_score(leaves, score, sample_weight=drawn))
        assert precision == pytest.approx(average_precision_score(leaves, score, sample_weight=drawn))


def test_known_rankings_have_known_values() -> None:
    rows, one = a_panel([True, False, False, False]), np.ones((1, 4))
    for score, auc in (([4, 3, 2, 1], 1.0), ([1, 2, 3, 4], 0.0), ([1, 1, 1, 1], 0.5)):
        assert roc_auc(rows, np.array(score, float))(one)[0] == auc
    assert np.isnan(roc_auc(a_panel([False, False]), np.zeros(2))(np.ones((1, 2)))[0])


def test_an_interval_is_over_customers_not_over_rows() -> None:
    rng = np.random.default_rng(0)
    leaves = (rng.random(60) < 0.4).repeat(6)
    score = leaves + rng.normal(0, 1.2, 60).repeat(6)
    names = [f"c{n}" for n in range(60) for _ in range(6)]
    by_customer = draws(
        roc_auc(a_panel(leaves.tolist(), customer=names), score), a_panel(leaves.tolist(), customer=names), seed=0
    )
    by_row = draws(roc_auc(a_panel(leaves.tolist()), score), a_panel(leaves.tolist()), seed=0)
    assert by_customer.shape == (RESAMPLES + 1,)
    assert by_customer[0] == by_row[0]
    assert by_customer[1:].std() > 1.8 * by_row[1:].std()  # about the root of 6


def test_precision_is_of_each_cut_off_and_equal_scores_share_their_places() -> None:
    leaves = [True] + [False] * 39 + [True] * 40
    cut = [0] * 40 + [1] * 40
    score = np.array([2.0] + [1.0] * 39 + [1.0] * 40)
    found = precision_at_top(a_panel(leaves, cut=cut), score)
    assert found["top 20"] == pytest.approx((1 + 20) / 40)
    assert found["top 50"] == pytest.approx(41 / 80)
    assert found["top 5%"] == pytest.approx((1 + 2) / 4)
    tied = precision_at_top(a_panel(leaves, cut=cut), np.zeros(80))
    assert tied["top 20"] == pytest.approx((20 / 40 + 20) / 40)


def test_the_gain_of_no_ranking_is_a_straight_line() -> None:
    rows, steps = a_panel([True, False, True, False]), [0.0, 0.25, 0.5, 1.0]
    assert gain(rows, np.zeros(4), steps) == pytest.approx(steps)
    assert gain(rows, np.array([4.0, 1, 3, 2]), steps) == pytest.approx([0, 0.5, 1, 1])


def test_lead_time_counts_from_the_first_time_in_the_top_tenth() -> None:
    names = [f"c{n}" for n in range(10)] * 2
    leaves = [True, True] + [False] * 8 + [True, True] + [False] * 8
    rows = replace(
        a_panel(leaves, customer=names, cut=[0] * 10 + [1] * 10),
        days_to_leaving=np.array([50.0, 55] + [np.nan] * 8 + [20.0, 25] + [np.nan] * 8),
    )
    first_then_second = np.array([9.0, 1] + [0] * 8 + [1.0, 9] + [0] * 8)
    assert lead_times(rows, first_then_second) == ((50 + 25) / 2, 1.0)
    never = lead_times(rows, np.zeros(20))
    assert math.isnan(never[0])
    assert never[1] == 0


def test_reliability_says_how_often_it_was_so() -> None:
    rows = a_panel([False] * 10 + [True] * 10)
    found = reliability(rows, np.array([0.1] * 10 + [0.8] * 10))
    assert [each["n"] for each in found] == [2] * 10
    assert [(each["said"], each["left"]) for each in found] == [(pytest.approx(0.1), 0)] * 5 + [
        (pytest.approx(0.8), 1)
    ] * 5


def test_what_is_learnt_points_the_right_way(telling: Backtest) -> None:
    assert next(iter(telling.learnt.coefficients)) == "negative_sentiment"
    assert telling.learnt.coefficients["negative_sentiment"] > 0
    assert "low_nps" not in telling.learnt.coefficients  # it never varied
    learnt, probability = learn_from(world(told=True), now=END, weights=WEIGHTS)
    gone = {each.customer for each in world(told=True) if each.outcome.left}
    assert not gone & probability.keys()
    assert all(0 < value < 1 for value in probability.values())
    assert learnt.leavers > telling.learnt.leavers


def test_learning_stops_at_now() -> None:
    contacts = world(told=True)
    now = day(250)
    known = [each for each in contacts if each.time <= now]
    known = [
        each if each.outcome.left and each.outcome.left <= now else replace(each, outcome=Outcome()) for each in known
    ]
    found, same = (learn_from(some, now=now, weights=WEIGHTS) for some in (contacts, known))
    assert (found[0].coefficients, found[1]) == (same[0].coefficients, same[1])


def test_too_few_who_leave_are_refused_with_their_number() -> None:
    few = world(told=True, customers=25)
    with pytest.raises(
        UsageError, match=r"too few customers leave for a backtest: \d+ to learn from, expected 20 or more"
    ):
        backtest(few, end=END, weights=WEIGHTS)
    with pytest.raises(UsageError, match=r"\d+ customers leave within 60 days of a cut-off .* expected 20 or more"):
        learn(panel(few, end=END, weights=WEIGHTS))
    empty = panel(few, end=day(20), weights=WEIGHTS)
    assert [len(part.leaves) for part in split(empty)] == [0, 0]
    everyone = a_panel([True] * 30)
    with pytest.raises(UsageError, match="nothing to tell apart"):
        learn(everyone)


@pytest.mark.parametrize("name", ["a.svg", "a.PNG"])
def test_the_figure_is_written_and_says_that_data_are_synthetic(telling: Backtest, tmp_path: Path, name: str) -> None:
    for synthetic in (True, False):
        draw(telling, tmp_path / name, synthetic=synthetic)
        content = (tmp_path / name).read_bytes()
        draw(telling, tmp_path / name, synthetic=synthetic)
        assert (tmp_path / name).read_bytes() == content
        if name == "a.svg":
            assert (b"SYNTHETIC" in content) is synthetic
    assert [path.name for path in tmp_path.iterdir()] == [name]
    with pytest.raises(OutputError, match="cannot be written"):
        draw(telling, tmp_path / "nowhere" / name, synthetic=True)


def test_the_command_learns_and_looks_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "scored.jsonl"
    source.write_text(
        "".join(json.dumps(as_row(each), ensure_ascii=False) + "\n" for each in world(told=True)), "utf-8"
    )
    options = Options(columns={"left": "gone"}, learns=True, backtests=True, plot=tmp_path / "a.svg")
    settings = load_settings(environment={})
    assert run(str(source), str(tmp_path / "risk.jsonl"), settings=settings, options=options) == 0
    printed = capsys.readouterr().out
    for said in ("SYNTHETIC", "prior (risk score) beats ticket counts: AUC +", "precision, top 5%",
                 "Learnt to tell who leaves within 60 days", "displeased_90_days"):  # fmt: skip
        assert said in printed
    rows = [json.loads(line) for line in (tmp_path / "risk.jsonl").read_text("utf-8").splitlines()]
    assert all((each[PROBABILITY] is None) == (each["band"] == "left") for each in rows)
    assert {each["band"] for each in rows} >= {"left", "low"}
    assert b"SYNTHETIC" in (tmp_path / "a.svg").read_bytes()


TEXTS = ("التطبيق ما يشتغل من أمس", "برنامه از دیروز کار نمی‌کند", "The app has been down since yesterday")


def as_row(contact: Contact) -> dict[str, Any]:
    """As `nabd score` writes it, with a column of the day that the customer left."""
    left = contact.outcome.left
    scored = dict.fromkeys(COLUMNS, "") | {
        "nabd_category": "technical_fix", "nabd_topic": contact.topic, "nabd_sentiment": contact.sentiment,
        "nabd_sentiment_confidence": max(contact.negative, contact.positive), "nabd_sentiment_score": contact.polarity,
        "nabd_emotion": "none", "nabd_churn_probability": contact.churn, "nabd_model": "m",
    }  # fmt: skip
    own = {"id": contact.id, "customer": contact.customer, "created_at": contact.time.isoformat()}
    text = TEXTS[contact.number % len(TEXTS)]
    return {**own, "text": text, "gone": left.isoformat() if left else "", "synthetic": "yes", **scored}
