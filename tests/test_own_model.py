"""Every verb with a model of the user's own labels, in three scripts, from the command line."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from own_model import NAMES, QUEUES, build, messages
from typer.testing import CliRunner

from pipeline.cli import app

Nabd = Callable[..., Result]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with models/mine, in which an export was scored by it."""
    folder = tmp_path_factory.mktemp("own")
    build(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = CliRunner().invoke(
            app,
            ["score", "export.csv", "-o", "scored.csv", "--model", "models/mine", "--embeddings", "v.parquet", "-q"],
        )
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def nabd(desk: Path, monkeypatch: pytest.MonkeyPatch) -> Nabd:
    monkeypatch.chdir(desk)

    def run(*words: str) -> Result:
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, result.output
        return result

    return run


def cells(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_label_goes_to_its_own_queue_without_any_settings(desk: Path) -> None:
    found = cells(desk / "scored.csv")
    assert {row["nabd_topic"] for row in found} == set(NAMES.values())
    sent = [row for row in found if not row["nabd_review"] and row["nabd_churn"] == "no"]
    assert len(sent) > len(found) / 2
    assert all(row["nabd_queue"] == QUEUES[row["nabd_topic"]] for row in sent)
    right = [row["nabd_topic"] == truth["label"] for row, truth in zip(found, messages(), strict=True)]
    assert sum(right) > 0.9 * len(right)


def test_routes_are_tried_and_applied_with_the_labels_of_the_model_that_scored(nabd: Nabd, desk: Path) -> None:
    tried = json.loads(nabd("route", "scored.csv", "--dry-run", "--json").stdout)
    assert {"فريق المال", "second line", "Thanks; praise"} <= tried["queues"].keys()
    assert tried["misroutes"]["all"]["expected"] < 0.2 * len(cells(desk / "scored.csv"))
    said = nabd("route", "scored.csv", "-o", "again.csv")
    assert "0 (0%) to another queue" in said.stdout
    assert cells(desk / "again.csv") == cells(desk / "scored.csv")
    unscored = json.loads(nabd("route", "export.csv", "--dry-run", "--json", "--model", "mine").stdout)
    assert unscored["messages"] == tried["messages"]


def test_risk_counts_the_users_own_topics_of_money(nabd: Nabd, desk: Path) -> None:
    (desk / "own.toml").write_text('[risk]\nmoney_topics = ["Money back"]\nmoney_dispute = 50\n', encoding="utf-8")
    with pytest.raises(AssertionError):
        nabd("risk", "scored.csv", "-o", "risk.csv", "--settings", "own.toml")
    (desk / "own.toml").write_text(f'model = "mine"\n{(desk / "own.toml").read_text("utf-8")}', encoding="utf-8")
    nabd("risk", "scored.csv", "-o", "risk.csv", "--settings", "own.toml")
    assert any("money_dispute" in row["drivers"] for row in cells(desk / "risk.csv"))
    nabd("risk", "scored.csv", "-o", "plain.csv")
    assert not any("money_dispute" in row["drivers"] for row in cells(desk / "plain.csv"))


@pytest.mark.parametrize(("lang", "named"), [("en", "App bug"), ("ar", "استرداد"), ("fa", "بازگشت پول")])
def test_a_page_calls_the_labels_by_their_names(nabd: Nabd, desk: Path, lang: str, named: str) -> None:
    nabd("report", "scored.csv", "-o", f"{lang}.html", "--lang", lang, "--embeddings", "v.parquet")
    assert named in (desk / f"{lang}.html").read_text(encoding="utf-8")


def test_one_command_takes_the_pulse(nabd: Nabd, desk: Path) -> None:
    nabd("run", "export.csv", "-o", "pulse", "--model", "mine", "--lang", "fa", "-q")
    assert "فنی" in (desk / "pulse" / "report.html").read_text(encoding="utf-8")
    assert {row["nabd_category"] for row in cells(desk / "pulse" / "scored.csv")} >= {"Tech", "Money back"}


def test_issues_and_drift_are_found_among_own_labels(nabd: Nabd) -> None:
    issues = json.loads(nabd("emerging", "scored.csv", "--embeddings", "v.parquet", "--json").stdout)
    assert issues["messages"] > 0
    same = nabd("drift", "scored.csv", "--reference", "scored.csv", "--label", "label", "--lang", "ar")
    assert same.stdout


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("please give me my money back for order 9", "Money back"),
        ("التطبيق يعلق كل ما أفتح الصفحة 5", "عطل في التطبيق"),
        ("بسته 12 هنوز نرسیده و پیک دیر کرده", "تأخیر در تحویل"),
    ],
)
@pytest.mark.parametrize("task", ["topic", "category"])
def test_a_message_is_explained(nabd: Nabd, text: str, topic: str, task: str) -> None:
    found = json.loads(nabd("explain", text, "--model", "mine", "--json", "--task", task).stdout)
    assert found["label"] == (topic if task == "topic" or topic == "Money back" else "Tech")
    assert topic in nabd("explain", text, "--model", "mine").stdout


def test_it_is_listed_and_calibrated_anew_with_its_routes(nabd: Nabd, desk: Path) -> None:
    assert "mine@" in nabd("models").stdout
    nabd(
        "calibrate", "--max-misroutes", "5%", "--labelled", "export.csv", "--category", "label", "--text", "message",
        "--model", "mine", "-o", "models/strict",
    )  # fmt: skip
    assert (desk / "models/strict/routes.toml").read_text("utf-8") == (desk / "models/mine/routes.toml").read_text(
        "utf-8"
    )
