"""The `nabd` command as people run it: real processes, and for the many small faults `main()` in this one."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.cli import STOPPED, main
from pipeline.output import COLUMNS
from pipeline.readers import open_source
from pipeline.settings import home
from pipeline.telemetry import SWITCHES
from pipeline.writers import open_writer

NABD = str(Path(sys.executable).with_name("nabd"))
SECRET = "Sara-4412"
MESSAGES = (
    ("ar", f"لم يصلني طلبي رغم مرور أسبوع كامل ولا أحد يرد علي {SECRET}"),
    ("fa", f"سفارشم هنوز به دستم نرسیده، لطفاً پیگیری کنید {SECRET}"),
    ("en", f"My order has not arrived after a week and nobody answers {SECRET}"),
    ("ar", "شكرا جزيلا على سرعة الرد"),
)
ROWS = [{"رقم": str(n), "text": text, "زبان": language} for n, (language, text) in enumerate(MESSAGES, 1)]
Inside = Callable[..., tuple[int, str, str]]


@pytest.fixture
def tickets(tmp_path: Path) -> Path:
    path = tmp_path / "tickets.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ROWS[0])
        writer.writeheader()
        writer.writerows(ROWS)
    return path


@pytest.fixture
def many(tmp_path: Path) -> Path:
    path = tmp_path / "many.csv"
    lines = (f"{n},{MESSAGES[n % 4][1]} {n}" for n in range(20_000))
    path.write_text("id,text\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Inside]:
    """Runs `nabd ...` in this process, in a folder of its own: exit code, stdout, stderr."""
    kept = {name: signal.getsignal(getattr(signal, name)) for name in STOPPED}
    for name, value in SWITCHES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["nabd", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        return int(stop.value.code or 0), *capsys.readouterr()

    yield run
    for name, handler in kept.items():
        signal.signal(getattr(signal, name), handler)


def outside(*arguments: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    """Runs `nabd ...` as a process of its own."""
    command = [NABD, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=False, **options)  # type: ignore[call-overload,no-any-return]


def read(path: Path) -> tuple[list[str], list[dict[str, object]]]:
    with open_source(path) as source:
        return list(source.columns), [dict(row.values) for row in source]


def last_line(text: str) -> str:
    return text.strip().splitlines()[-1]


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_run_prints_what_it_found_and_what_it_did(tickets: Path, tmp_path: Path) -> None:
    done = outside("score", tickets, "-o", tmp_path / "out.csv", cwd="/")
    assert done.returncode == 0, done.stderr
    assert "CSV, ',' separated, UTF-8" in done.stderr
    assert "text = text" in done.stderr
    assert f"Written to {tmp_path / 'out.csv'} by nabd-base@" in done.stderr
    assert "4 scored" in done.stdout
    assert SECRET not in done.stdout + done.stderr
    columns, rows = read(tmp_path / "out.csv")
    assert columns == [*ROWS[0], *COLUMNS]
    assert [{name: row[name] for name in ROWS[0]} for row in rows] == ROWS
    assert [row["nabd_language"] for row in rows] == [language for language, _ in MESSAGES]
    assert left_in(tmp_path) == {"tickets.csv", "out.csv"}


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.xlsx", "t.jsonl", "t.parquet"])
def test_a_table_keeps_its_columns_and_can_be_scored_again(inside: Inside, tmp_path: Path, name: str) -> None:
    with open_writer(tmp_path / name, columns=list(ROWS[0])) as writer:
        writer.write(ROWS)
    once, twice = tmp_path / f"once-{name}", tmp_path / f"twice-{name}"
    for source, out in ((tmp_path / name, once), (once, twice)):
        code, printed, errors = inside("score", source, "-o", out)
        assert code == 0, errors
        assert "4 scored" in printed
    columns, rows = read(once)
    assert columns == [*ROWS[0], *COLUMNS]
    assert [{key: row[key] for key in ROWS[0]} for row in rows] == ROWS
    assert [row["nabd_language"] for row in rows] == [language for language, _ in MESSAGES]
    assert read(twice) == (columns, rows)


LETTER = """From: {sender}
To: desk@example.com
Subject: {subject}
Date: Mon, 5 Jan 2026 10:00:00 +0000
Message-ID: <{number}@example.com>
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

{text}
"""


@pytest.mark.parametrize("name", ["mail.eml", "mail.mbox"])
def test_mail_comes_out_as_json_lines(inside: Inside, tmp_path: Path, name: str) -> None:
    letters = [
        LETTER.format(sender="a@example.com", subject="طلب / order", number=n, text=text)
        for n, (_, text) in enumerate(MESSAGES)
    ]
    if name == "mail.eml":
        letters = letters[1:2]
    else:
        letters = [f"From a@example.com Mon Jan  5 10:00:00 2026\n{letter}" for letter in letters]
    (tmp_path / name).write_text("\n".join(letters), encoding="utf-8")
    code, _, errors = inside("score", name, "-o", "out.jsonl")
    assert code == 0, errors
    _, rows = read(tmp_path / "out.jsonl")
    assert len(rows) == len(letters)
    assert {str(row["from"]) for row in rows} == {"a@example.com"}
    assert [row["nabd_language"] for row in rows] == (["fa"] if name == "mail.eml" else ["ar", "fa", "en", "ar"])


def binary(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


BAD_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: None, "does not exist"),
    "folder": (Path.mkdir, "is a folder without .eml files"),
    "empty": (binary(b""), "is empty: 0 bytes"),
    "header only": (binary(b"id,text\r\n"), "has no rows below its header"),
    "no text column": (binary(b"id,when,price\n1,2026-01-05,12\n2,2026-01-06,13\n"), "'id', 'when', 'price'"),
    "PNG": (binary(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), "looks like a PNG picture"),
    "PDF": (binary(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), "looks like a PDF document"),
    "random bytes": (binary(bytes(range(256)) * 40), "looks like a binary file"),
    "old Excel": (binary(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600), "save it as .xlsx"),
    "damaged XLSX": (binary(b"PK\x03\x04" + b"x" * 50), "damaged"),
    "damaged gzip": (binary(b"\x1f\x8b\x08\x00" + b"x" * 50), "gzip data is damaged"),
    "damaged Parquet": (binary(b"PAR1" + b"x" * 50), "no readable Parquet file"),
    "web page": (binary(b"<!DOCTYPE html><html><body>hi</body></html>"), "looks like a web page"),
}


@pytest.mark.parametrize(("make", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_one_clear_line(
    inside: Inside, tmp_path: Path, make: Callable[[Path], object], message: str
) -> None:
    make(tmp_path / "in.csv")
    code, printed, errors = inside("score", "in.csv", "-o", "out.csv")
    assert (code, printed) == (2, "")
    assert errors.startswith("nabd: ")
    assert errors.count("\n") == 1
    assert message in errors
    assert left_in(tmp_path) <= {"in.csv"}


BAD_USE: dict[str, tuple[tuple[str, ...], str]] = {
    "unknown flag": (("--colour",), "No such option"),
    "unknown model": (("--model", "nowhere"), "nowhere is no model"),
    "negative threads": (("--threads", "-1"), "threads is -1"),
    "threads in words": (("--threads", "two"), "--threads"),
    "no such column": (("--text", "txt"), "there is no column 'txt'. Did you mean 'text'?"),
    "no such customer": (("--customer", "who"), "--customer: there is no column 'who'"),
    "wrong encoding": (("--encoding", "ascii"), "is not ASCII"),
    "UTF-16 that is none": (("--encoding", "utf-16"), "UTF-16"),
    "unknown encoding": (("--encoding", "klingon"), "unknown encoding 'klingon'"),
    "no text encoding": (("--encoding", "rot13"), "unknown encoding 'rot13'"),
    "wrong format": (("--format", "parquet"), "no readable Parquet file"),
    "unknown format": (("--format", "doc"), "unknown input format 'doc'"),
    "long delimiter": (("--delimiter", "::"), "must be one character"),
    "no settings": (("--settings", "nowhere.toml"), "nowhere.toml does not exist"),
    "output of no known kind": (("-o", "out.doc"), "unknown extension '.doc'"),
    "output without a folder": (("-o", "no/where/out.csv"), "the folder does not exist"),
    "output is a folder": (("-o", "folder"), "it is a folder"),
    "output is the input": (("-o", "tickets.csv"), "is the input itself"),
    "output is a link to the input": (("-o", "link.csv"), "is the input itself"),
    "rejects are the input": (("--rejects", "link.csv"), "is the input itself"),
    "rejects are the output": (("--rejects", "./out.csv"), "is the output itself"),
}


@pytest.mark.parametrize(("options", "message"), BAD_USE.values(), ids=BAD_USE)
def test_bad_use_is_refused_and_nothing_is_lost(
    inside: Inside, tickets: Path, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link.csv").symlink_to(tickets)
    before = tickets.read_bytes()
    code, printed, errors = inside("score", "tickets.csv", "-o", "out.csv", *options)
    assert (code, printed) == (2, "")
    assert message in last_line(errors)
    assert "Traceback" not in errors
    assert SECRET not in errors
    assert tickets.read_bytes() == before
    assert left_in(tmp_path) == {"tickets.csv", "folder", "link.csv"}


def test_the_closest_guess_at_the_messages_is_named(inside: Inside, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id,when,code\n1,2026-01-05,late\n2,2026-01-06,none\n")
    code, _, errors = inside("score", "in.csv", "-o", "out.csv")
    assert code == 2
    assert "The closest is 'code'. The columns are: 'id', 'when', 'code'. Name it with --text COLUMN" in errors


def test_no_command_is_bad_use_and_help_is_not(inside: Inside) -> None:
    code, _, errors = inside()
    assert code == 2
    assert "score" in errors
    code, printed, _ = inside("score", "--help")
    assert code == 0
    assert "nabd score tickets.csv -o scored.csv" in printed
    assert inside("--version")[1].count(".") == 2
    assert inside("score", "in.csv")[0] == 2


def test_column_names_are_printed_as_they_are(inside: Inside, tmp_path: Path) -> None:
    name = "text [/b] [red] :smile: " + "and-so-on-" * 12
    (tmp_path / "in.csv").write_text(f'"{name}",b\nwhere is my order,1\n')
    code, _, errors = inside("score", "in.csv", "-o", "out.csv", "--text", name)
    assert code == 0, errors
    assert f"text = {name}" in errors


def test_rows_that_cannot_be_read_are_kept_aside(inside: Inside, tmp_path: Path) -> None:
    text = (
        "id,text\n"
        f"1,{MESSAGES[0][1]}\n"
        f'2,"{MESSAGES[1][1].replace("،", "")}" and {SECRET}\n'
        f"3,{MESSAGES[2][1]}\n"
        f"4,too,many,{SECRET}\n"
        "5\n"
        f"6,{MESSAGES[3][1]}\n"
    )
    (tmp_path / "in.csv").write_text(text, encoding="utf-8")
    code, printed, errors = inside("score", "in.csv", "-o", "out.csv")
    assert code == 3
    assert "3 scored" in printed
    assert "3 rejected" in printed
    assert "3 rows could not be read; each with its reason: out.csv.rejects.jsonl" in errors
    assert SECRET not in printed + errors
    assert [row["id"] for row in read(tmp_path / "out.csv")[1]] == ["1", "3", "6"]
    rejects = [json.loads(line) for line in (tmp_path / "out.csv.rejects.jsonl").read_text("utf-8").splitlines()]
    assert [each["number"] for each in rejects] == [2, 4, 5]
    assert "broken quoting" in rejects[0]["reason"]
    assert "4 fields, the header has 2" in rejects[1]["reason"]
    assert all(SECRET not in each["reason"] for each in rejects)
    assert SECRET in json.dumps(rejects[0]["values"])


def test_a_null_byte_loses_no_row(inside: Inside, tmp_path: Path) -> None:
    rows = [f"{n},{text} {n}" for n in range(20) for _, text in MESSAGES[:1]]
    rows[3] += "\0"
    (tmp_path / "in.csv").write_text("id,text\n" + "\n".join(rows) + "\n", encoding="utf-8")
    code, _, errors = inside("score", "in.csv", "-o", "out.csv")
    assert code in (0, 3), errors
    aside = tmp_path / "out.csv.rejects.jsonl"
    lost = len(aside.read_text("utf-8").splitlines()) if aside.exists() else 0
    assert len(read(tmp_path / "out.csv")[1]) + lost == 20
    assert lost <= 1


def test_an_unexpected_fault_shows_where_it_came_from_only_when_asked(
    inside: Inside, tickets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(f"customer wrote {SECRET}")

    monkeypatch.setattr("pipeline.run.find_roles", fail)
    code, _, errors = inside("score", tickets, "-o", "out.csv")
    assert code == 2
    assert errors == "nabd: unexpected RuntimeError; `nabd --debug ...` shows where it came from\n"
    code, _, errors = inside("--debug", "score", tickets, "-o", "out.csv")
    assert code == 2
    assert "Traceback" in errors


def test_the_models_are_listed_verified_or_refused(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    code, printed, _ = inside("models")
    assert code == 0
    assert "nabd-base" in printed
    assert "verified" in printed


@pytest.mark.parametrize("place", [0, 4])
def test_debug_before_or_after_the_verb_shows_the_traceback(inside: Inside, place: int) -> None:
    arguments = ["score", "nowhere.csv", "-o", "out.csv"]
    arguments.insert(place, "--debug")
    code, _, errors = inside(*arguments)
    assert code == 2
    assert "Traceback" in errors
    assert last_line(errors).endswith("nowhere.csv does not exist; check the path")


def test_rejects_of_an_earlier_run_do_not_stay_beside_a_run_without_any(inside: Inside, tickets: Path) -> None:
    aside = tickets.parent / "out.csv.rejects.jsonl"
    aside.write_text("{}\n", encoding="utf-8")
    assert inside("score", tickets, "-o", "out.csv")[0] == 0
    assert not aside.exists()


def test_pipes_in_and_out(tickets: Path) -> None:
    done = outside("score", "-", "-o", "-", input=tickets.read_text("utf-8"))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == ",".join([*ROWS[0], *COLUMNS])
    assert len(lines) == 5
    assert "4 scored" in done.stderr


def test_a_reader_that_stops_early_gets_no_traceback(many: Path) -> None:
    command = f"'{NABD}' score '{many}' -o - | head -n 1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert done.stdout.startswith("id,text,nabd_language")
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    assert "the program that reads the output has stopped" in last_line(done.stderr)


def test_a_pipe_given_as_a_file_is_read(tickets: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cp", tickets, pipe]):
        done = outside("score", pipe, "-o", "-", "-q")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 5
    assert done.stderr == ""


def heed_signals() -> None:
    """As in a terminal, though the tests may run in the background, where SIGINT and SIGHUP are ignored."""
    for name in ("SIGINT", *STOPPED):
        signal.signal(getattr(signal, name), signal.SIG_DFL)


@pytest.mark.parametrize(("stop", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_stopped_run_leaves_no_file(many: Path, tmp_path: Path, stop: str, code: int) -> None:
    work, spool = tmp_path / "work", tmp_path / "spool"
    work.mkdir()
    spool.mkdir()
    command = [NABD, "score", "-", "-o", str(work / "out.csv")]
    environment = {**os.environ, "TMPDIR": str(spool)}
    with many.open("rb") as file:
        process = subprocess.Popen(
            command, stdin=file, stderr=subprocess.PIPE, env=environment, encoding="utf-8", preexec_fn=heed_signals
        )
    deadline = time.monotonic() + 30
    while not left_in(work) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [name for name in left_in(work) if name.endswith(".part")]
    process.send_signal(getattr(signal, stop))
    _, errors = process.communicate(timeout=30)
    assert process.returncode == code
    assert last_line(errors) == "nabd: interrupted; no half-written file is left"
    assert "Traceback" not in errors
    assert left_in(work) == left_in(spool) == set()


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    rows = "\n".join(f"{n},{MESSAGES[n % 4][1]}" for n in range(150))
    (tmp_path / "in.csv").write_text(f"id,text\n{rows}\n", encoding="utf-8")
    command = f"ulimit -f 20; exec '{NABD}' score in.csv -o out.csv -q"
    done = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=60, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "nabd: out.csv cannot be written: File too large\n"
    assert left_in(tmp_path) == {"in.csv"}


def test_a_full_device_is_named(inside: Inside, tickets: Path) -> None:
    code, printed, errors = inside("score", tickets, "-o", "/dev/full", "-q")
    assert (code, printed) == (2, "")
    assert errors.startswith("nabd: /dev/full cannot be written: ")
    assert errors.count("\n") == 1


def test_a_folder_that_may_not_be_written_is_named(inside: Inside, tickets: Path, tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    if os.access(folder, os.W_OK):  # root may write anywhere but there
        folder = Path("/sys")
    code, _, errors = inside("score", tickets, "-o", folder / "out.csv", "-q")
    assert code == 2
    assert errors.startswith(f"nabd: {folder / 'out.csv'} cannot be written: ")
    assert errors.count("\n") == 1


def test_a_cell_of_100_megabytes_stays_below_a_gigabyte(tmp_path: Path) -> None:
    with (tmp_path / "in.csv").open("w", encoding="utf-8") as file:
        file.write(f"id,text\n1,{MESSAGES[0][1]}\n2,")
        for _ in range(100):
            file.write("سلام و " * 95_000)
        file.write(f"\n3,{MESSAGES[2][1]}\n")
    launcher = (  # a small process: one that is forked inherits the peak of its parent
        "import resource, subprocess, sys; code = subprocess.run(sys.argv[1:]).returncode; "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(code)"
    )
    command = [sys.executable, "-c", launcher, NABD, "score", "in.csv", "-o", "out.csv", "-q"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert done.returncode == 3, done.stderr
    assert int(done.stdout) * (1 if sys.platform == "darwin" else 1024) < 1e9
    assert [row["id"] for row in read(tmp_path / "out.csv")[1]] == ["1", "3"]
    reject = json.loads((tmp_path / "out.csv.rejects.jsonl").read_text("utf-8"))
    assert reject["number"] == 2
    assert len(reject["values"]["raw"]) < 1_000_000


def test_a_tampered_model_is_refused(tickets: Path, tmp_path: Path) -> None:
    model = tmp_path / "models" / "mine"
    shutil.copytree(home() / "models" / "nabd-base", model)
    heads = bytearray((model / "heads.safetensors").read_bytes())
    heads[-1] ^= 1
    (model / "heads.safetensors").write_bytes(heads)
    environment = {**os.environ, "NABD_MODEL": str(model)}
    done = outside("score", tickets, "-o", tmp_path / "out.csv", env=environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"nabd: {model / 'heads.safetensors'} was altered or is cut short")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out.csv").exists()


ALONE = """
import atexit, sys

def refuse(event, arguments):
    if event.startswith("socket."):
        raise AssertionError(event)

def tell():
    print(*sorted({name.partition(".")[0] for name in sys.modules}))

sys.addaudithook(refuse)
atexit.register(tell)
from pipeline.cli import main
main()
"""
HEAVY = {
    "torch",
    "transformers",
    "sklearn",
    "scipy",
    "pandas",
    "mlflow",
    "fastapi",
    "datasets",
    "uvicorn",
    "matplotlib",
}


def test_scoring_opens_no_socket_leaves_no_telemetry_and_imports_nothing_heavy(tickets: Path, tmp_path: Path) -> None:
    house = tmp_path / "home"
    house.mkdir()
    environment = {**os.environ, "HOME": str(house), "TMPDIR": str(house), "XDG_CACHE_HOME": str(house)}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    command = [sys.executable, "-c", ALONE, "score", str(tickets), "-o", str(tmp_path / "out.csv"), "-q"]
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    modules = set(done.stdout.split())
    assert {"onnxruntime", "pyarrow", "rich"} <= modules
    assert not modules & HEAVY
    assert left_in(house) == set()
    assert len(read(tmp_path / "out.csv")[1]) == 4
