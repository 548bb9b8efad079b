"""`nabd run`: an export in, a folder with everything out. Every message is synthetic."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.settings import home

DEMO = str(home() / "data" / "demo.csv")


@pytest.fixture(scope="module")
def pulse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pulse")
    result = CliRunner().invoke(app, ["run", DEMO, "-o", str(folder), "--model", "nabd-fast", "--lang", "ar", "-q"])
    assert result.exit_code == 0, result.output
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def test_everything_is_there(pulse: Path) -> None:
    assert {path.name for path in pulse.iterdir()} == {
        "scored.csv", "vectors.parquet", "tickets.csv", "risk.csv", "report.html",
    }  # fmt: skip


def test_the_parts_agree(pulse: Path) -> None:
    scored, tickets, risks = (rows(pulse / f"{name}.csv") for name in ("scored", "tickets", "risk"))
    assert len(scored) == sum(int(ticket["messages"]) for ticket in tickets) == 247
    assert {row["customer_id"] for row in scored} == {row["customer"] for row in risks}
    known = {row["ticket_id"] for row in scored}
    named = {id for row in risks for driver in row["evidence"].split(" | ") for id in driver.split(";") if id}
    assert named
    assert named <= known, "every reason names messages that exist"


def test_who_gave_up_is_at_risk_and_who_was_won_back_is_not(pulse: Path) -> None:
    """The stories of the demo: some customers leave in so many words, most are content."""
    risks = rows(pulse / "risk.csv")
    assert risks == sorted(risks, key=lambda row: -float(row["risk"]))
    assert risks[0]["band"] == "critical"
    assert "announced_leaving" in risks[0]["drivers"]
    assert sum(row["band"] == "low" for row in risks) > len(risks) / 3


def test_the_report_is_of_this_file(pulse: Path) -> None:
    page = (pulse / "report.html").read_text(encoding="utf-8")
    assert '<html lang="ar" dir="rtl">' in page
    assert "٢٤٧" in page
    assert rows(pulse / "risk.csv")[0]["customer"] in page


def test_an_export_without_times_is_refused_before_it_is_scored(tmp_path: Path) -> None:
    path = tmp_path / "no_times.csv"
    path.write_text("message\nwhere is my parcel, it is late again\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["run", str(path), "-o", str(tmp_path / "out")])
    assert result.exit_code != 0
    assert "--time" in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_without_customers_there_is_no_risk_but_a_report(tmp_path: Path) -> None:
    path = tmp_path / "no_customers.csv"
    path.write_text(
        "date,message\n2026-10-01,where is my parcel it is late again\n2026-10-02,کالای من هنوز نرسیده است\n",
        encoding="utf-8",
    )
    result = CliRunner().invoke(app, ["run", str(path), "-o", str(tmp_path / "out"), "--model", "nabd-fast", "-q"])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out" / "report.html").exists()
    assert not (tmp_path / "out" / "risk.csv").exists()


def test_a_row_that_has_no_time_is_kept_once_with_its_reason(tmp_path: Path) -> None:
    path, out = tmp_path / "a_time_is_lost.csv", tmp_path / "out"
    path.write_text(
        "date,customer,message\n2026-10-01,A,where is my parcel it is late again\n"
        "2026-10-02,B,کالای من هنوز نرسیده است\n2026-10-02,B,ليش ما وصل طلبي لحد الآن\nsome day,C,hello there again\n",
        encoding="utf-8",
    )
    result = CliRunner().invoke(app, ["run", str(path), "-o", str(out), "--model", "nabd-fast", "-q"])
    assert result.exit_code == 3, result.output
    assert len(rows(out / "scored.csv")) == 4
    (told,) = out.glob("*.rejects.jsonl")
    assert "some day" in told.read_text(encoding="utf-8")
    assert result.output.count("could not be read") == 1
