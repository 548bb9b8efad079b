"""A forgotten customer: the database file and the folder of uploads are searched for what was theirs, byte by byte."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from kept import NOW, TEXTS, days, keep, row
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from pipeline.readers import open_source
from pipeline.records import Row
from pipeline.service.store import audit, customers, erase, feedback, jobs
from pipeline.service.store.engine import Store
from pipeline.service.store.erase import Forgotten, forget
from pipeline.service.store.files import KEPT, REMOVED, REWRITTEN, clean_file
from pipeline.service.store.tables import Answered, Audit, Base, Customer, Job, Message, Outgoing
from pipeline.service.store.trace import Trace
from pipeline.writers import open_writer

GONE, STAYS = "cust-90417", "cust-11111"
ACTOR = "key:3f9a1c07b2d4"
WORDS = {
    "ar": "زعلانة منكم كثير، الطلب ضايع من أسبوع",
    "fa": "واقعا ناراحتم، سفارش من یک هفته است گم شده",
    "en": "my parcel with the blue teapot is lost",
}
SECRETS = [GONE, *WORDS.values()]
ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "cp1256")
FORMATS = ("csv", "tsv", "xlsx", "jsonl", "parquet", "csv.gz")


def forms(secret: str) -> Iterator[bytes]:
    """How a secret may stand in a file: in an encoding, or escaped as in JSON."""
    for encoding in ENCODINGS:
        try:
            yield secret.encode(encoding)
        except UnicodeEncodeError:
            continue
    yield json.dumps(secret)[1:-1].encode()


def found_in(content: bytes) -> list[str]:
    return [secret for secret in SECRETS for form in forms(secret) if form in content]


def contents(path: Path) -> Iterator[bytes]:
    """The bytes of a file, and what is packed in them."""
    yield path.read_bytes()
    if path.suffix == ".xlsx":
        with ZipFile(path) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    elif path.suffix == ".gz":
        yield gzip.decompress(path.read_bytes())
    elif path.suffix == ".parquet":
        with open_source(path) as source:
            yield repr(list(source)).encode()


def left_in(folder: Path) -> dict[str, list[str]]:
    """File -> the secrets that are still in it."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.name: found for path in files for content in contents(path) if (found := found_in(content))}


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_writer(path, columns=list(rows[0])) as writer:
        writer.write(rows)
    return path


def export(column: str = "customer") -> list[dict[str, Any]]:
    """Rows of the customer in three languages between those of another."""
    theirs = [{"id": f"t{n}", column: GONE, "text": words} for n, words in enumerate(WORDS.values())]
    others = [{"id": f"o{n}", column: STAYS, "text": words} for n, words in enumerate(TEXTS.values())]
    return [each for pair in zip(others, theirs, strict=True) for each in pair]


def read(path: Path) -> list[dict[str, Any]]:
    with open_source(path) as source:
        return [dict(item.values) for item in source if isinstance(item, Row)]


def job(id: str, state: str = jobs.DONE, **changes: Any) -> Job:
    values = {"id": id, "state": state, "filename": "export.csv", "actor": ACTOR, "created_at": NOW}
    return Job(**(values | changes))


def fill(session: Session) -> None:
    """Everything that the service keeps of a customer, and of another."""
    for id, words in ((GONE, WORDS), (STAYS, TEXTS)):
        for language, said in words.items():
            keep(session, row(f"{id}-{language}", id, text=said, at=NOW - days(1), ticket=f"T {id}"))
        name = f"{id}-en"
        feedback.on_message(session, name, task="topic", label="refund", actor=ACTOR, now=NOW)
        feedback.on_customer(session, id, task="stayed", actor=ACTOR, now=NOW)
        body = {"results": [{"id": name, "evidence": words["en"]}]}
        session.add(Answered(key=f"k-{id}", actor=ACTOR, asked="0" * 64, status=200, body=body, created_at=NOW))
        event = {"to": "x", "event": {"data": {"customer": id, "message": name}}}
        session.add(Outgoing(id=f"e-{id}", event="customer.at_risk", customer_id=id, body=event, state="waiting",
                             created_at=NOW, next_at=NOW))  # fmt: skip
        audit.note(session, actor=ACTOR, action="customer.read", target=id, now=NOW)
        audit.note(session, actor=ACTOR, action="message.label", target=name, now=NOW, of=id)
        customers.judge(session, id, NOW, erase_weights())
    keep(session, row("mention", STAYS, text=f"same fault as {GONE}, please look"))


def erase_weights() -> Any:
    from pipeline.risk import Weights

    return Weights()


def dumped(store: Store) -> bytes:
    """Every row of every table as text."""
    with store.read() as session:
        return "\n".join(
            repr(tuple(each)) for table in Base.metadata.sorted_tables for each in session.execute(select(table))
        ).encode()


def test_nothing_of_the_customer_is_left_in_the_store(store: Store, tmp_path: Path) -> None:
    with store.begin() as session:
        fill(session)
    assert set(found_in(dumped(store))) == set(SECRETS)
    with store.begin() as session:
        found = forget(session, GONE, tmp_path / "uploads", tmp_path / "replays", ACTOR, now=NOW)
    assert found == Forgotten(messages=3, feedback=2, events=1, answers=1, files=0, stopped=0, known=True)
    assert found_in(dumped(store)) == []
    for path in tmp_path.glob("nabd.db*"):
        assert found_in(path.read_bytes()) == [], path.name
    with store.read() as session:
        assert {each.id for each in session.scalars(select(Message))} == {
            *(f"{STAYS}-{language}" for language in TEXTS), "mention",
        }  # fmt: skip
        assert session.get_one(Message, "mention").text == "same fault as [erased], please look"
        assert [each.id for each in session.scalars(select(Customer))] == [STAYS]
        assert [each.id for each in session.scalars(select(Outgoing))] == [f"e-{STAYS}"]
        assert [each.key for each in session.scalars(select(Answered))] == [f"k-{STAYS}"]
        assert len(feedback.page(session).items) == 2


def test_the_file_of_a_large_store_holds_nothing_more(tmp_path: Path) -> None:
    """Pages split, overflow and are freed as the rows come and go; the bytes must not outlive them."""
    store = Store.open(f"sqlite:///{tmp_path / 'nabd.db'}")
    long = WORDS["en"] * 400
    with store.begin() as session:
        for number in range(150):
            owner = GONE if number % 3 == 0 else STAYS
            said = (long if number % 9 == 0 else WORDS["ar"]) if owner == GONE else TEXTS["fa"]
            keep(session, row(f"{zlib.crc32(bytes([number % 256, number // 256]))}", owner, text=said))
    with store.begin() as session:
        keep(session, *(row(f"again {number}", GONE, text=WORDS["fa"]) for number in range(50)))
    assert found_in((tmp_path / "nabd.db").read_bytes() + (tmp_path / "nabd.db-wal").read_bytes())
    with store.begin() as session:
        forget(session, GONE, tmp_path / "uploads", tmp_path / "replays", ACTOR)
    for path in tmp_path.glob("nabd.db*"):
        assert found_in(path.read_bytes()) == [], path.name
    store.close()
    assert found_in((tmp_path / "nabd.db").read_bytes()) == []


def test_one_line_says_that_it_was_done_under_a_salted_hash(store: Store, tmp_path: Path) -> None:
    with store.begin() as session:
        fill(session)
        forget(session, GONE, tmp_path / "uploads", tmp_path / "replays", ACTOR, now=NOW)
    with store.read() as session:
        lines = session.scalars(select(Audit).order_by(Audit.id)).all()
    last = lines[-1]
    assert (last.action, last.actor, last.time, last.detail["messages"]) == (erase.ACTION, ACTOR, NOW, 3)
    salt = bytes.fromhex(last.detail["salt"])
    assert last.target == hashlib.scrypt(GONE.encode(), salt=salt, n=1 << 14, r=8, p=1, dklen=16).hex()
    assert [each.action for each in lines if each.target == last.target] == [
        "customer.read", "message.label", erase.ACTION,
    ]  # fmt: skip


def test_to_forget_twice_or_whom_no_one_knows_does_no_harm(store: Store, tmp_path: Path) -> None:
    with store.begin() as session:
        fill(session)
    results = []
    for customer in (GONE, GONE, "nobody"):
        with store.begin() as session:
            results.append(forget(session, customer, tmp_path / "uploads", tmp_path / "replays", ACTOR).anything)
    assert results == [True, False, False]


def test_a_short_id_takes_only_what_is_surely_theirs(store: Store, tmp_path: Path) -> None:
    uploads = tmp_path / "uploads"
    rows = [
        {"customer": "7", "text": "mine, to go", "csat": "5"},
        {"customer": "8", "text": "give me 7 days", "csat": "7"},
    ]
    path = written(uploads / ("a" * 32) / "upload.csv", rows)
    with store.begin() as session:
        keep(session, row("m1", "7"), row("m2", "8", text="order 7 of 7"))
        session.add(job("a" * 32, options={"customer": "customer"}))
        forget(session, "7", uploads, tmp_path / "replays", ACTOR)
    assert read(path) == rows[1:]
    with store.read() as session:
        assert [(each.id, each.text) for each in session.scalars(select(Message))] == [("m2", "order 7 of 7")]


@pytest.mark.parametrize("id", ["nobody", "charged", "100000", "7", "a1"])
def test_an_id_that_is_a_plain_word_or_number_changes_no_words_of_others(store: Store, tmp_path: Path, id: str) -> None:
    said = "nobody says why I was charged 100000 on 7 and a1"
    path = written(tmp_path / "uploads" / ("a" * 32) / "upload.csv", [{"customer": STAYS, "text": said}])
    with store.begin() as session:
        keep(session, row("m1", STAYS, text=said), row("m2", id))
        assert forget(session, id, tmp_path / "uploads", tmp_path / "replays", ACTOR) == Forgotten(
            messages=1, known=True
        )
        assert session.get_one(Message, "m1").text == said
    assert read(path)[0]["text"] == said


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("column", ["customer", "held for"])
def test_files_of_jobs_are_rewritten_without_the_customer(store: Store, tmp_path: Path, kind: str, column: str) -> None:
    uploads, id = tmp_path / "uploads", "a" * 32
    rows = export(column)
    for name in ("upload", "result"):
        written(uploads / id / f"{name}.{kind}", rows)
    with store.begin() as session:
        session.add(job(id, options={"customer": column}, customers=[GONE, STAYS], filename=f"{GONE}.csv"))
    assert left_in(uploads)
    with store.begin() as session:
        assert forget(session, GONE, uploads, tmp_path / "replays", ACTOR).files == 2
    assert left_in(uploads) == {}
    for name in ("upload", "result"):
        assert read(uploads / id / f"{name}.{kind}") == [each for each in rows if each[column] == STAYS]
    with store.read() as session:
        found = session.get_one(Job, id)
        assert (found.state, found.customers, found.filename) == (jobs.DONE, [STAYS], "[erased].csv")


def test_rejects_and_folders_without_a_job_are_cleaned_too(store: Store, tmp_path: Path) -> None:
    uploads, id = tmp_path / "uploads", "b" * 32
    rejects = uploads / id / "rejects.jsonl"
    reasons = [
        {"number": 2, "reason": "row 2: no date", "values": {"customer": GONE, "text": WORDS["en"]}},
        {"number": 3, "reason": "row 3 is broken", "values": {"raw": f'"{GONE},{WORDS["fa"]}'}},
        {"number": 4, "reason": "row 4: no date", "values": {"customer": STAYS, "text": TEXTS["en"]}},
    ]
    rejects.parent.mkdir(parents=True)
    rejects.write_text("".join(f"{json.dumps(each, ensure_ascii=False)}\n" for each in reasons), encoding="utf-8")
    written(uploads / id / "upload.csv", export())
    later = datetime.now(UTC) + timedelta(minutes=11)
    with store.begin() as session:
        assert forget(session, GONE, uploads, tmp_path / "replays", ACTOR, now=later).files == 2
    assert left_in(uploads) == {}
    assert read(rejects) == reasons[2:]


def test_an_upload_that_is_still_coming_in_is_left_alone(store: Store, tmp_path: Path) -> None:
    """To rewrite it would cut it off; what comes now is as what comes after the erasure."""
    path = written(tmp_path / "uploads" / ("b" * 32) / "upload.csv", export())
    before = path.read_bytes()
    with store.begin() as session:
        assert forget(session, GONE, tmp_path / "uploads", tmp_path / "replays", ACTOR).files == 0
    assert path.read_bytes() == before


def mail() -> bytes:
    message = EmailMessage()
    message["From"], message["Subject"] = f"{GONE}@example.com", "lost"
    message.set_content(WORDS["en"])
    return bytes(message)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("upload.eml", mail(), REMOVED),
        ("upload.json", json.dumps(export(), ensure_ascii=False).encode(), REMOVED),
        ("upload.csv", b"id;text\r\n1;\x00\x01" + GONE.encode() + b"\x00\x02" * 90, REMOVED),
        ("upload.xlsx", b"PK\x03\x04 a torn archive", REMOVED),
        ("upload.csv", "id,text\n1,لا شيء هنا\n".encode("cp1256"), KEPT),
        ("upload.csv", "id,customer,text\n1,{},سلام\n".replace("{}", GONE).encode("utf-16"), REWRITTEN),
        ("upload.csv", b"", KEPT),
    ],
    ids=["mail", "json", "binary", "torn", "another encoding", "utf-16", "empty"],
)
def test_a_file_that_cannot_be_rewritten_is_removed(tmp_path: Path, name: str, content: bytes, expected: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert clean_file(path, Trace(GONE), column=None) == expected
    assert left_in(tmp_path) == {}
    assert path.exists() == (expected != REMOVED)
    assert [each.name for each in tmp_path.iterdir()] == ([name] if expected != REMOVED else [])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_mention_in_other_letters_goes_too(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "upload.csv"
    path.write_bytes(f"id,customer,text\n1,{STAYS},ask {GONE.upper()} سلام\n".encode(encoding))
    assert clean_file(path, Trace(GONE), column="customer") == REWRITTEN
    left = path.read_bytes()
    assert not [kind for kind in ("utf-8", "utf-16-le") if GONE.upper().encode(kind) in left]
    assert STAYS.encode() in left


def test_a_file_without_the_customer_is_not_touched(tmp_path: Path) -> None:
    path = written(tmp_path / "upload.xlsx", [each for each in export() if each["customer"] == STAYS])
    before = path.read_bytes()
    assert clean_file(path, Trace(GONE), column="customer") == KEPT
    assert path.read_bytes() == before


def test_what_a_link_leads_to_is_left_alone(store: Store, tmp_path: Path) -> None:
    outside = written(tmp_path / "outside" / "mine.csv", export())
    folder = tmp_path / "uploads" / ("c" * 32)
    folder.mkdir(parents=True)
    (folder / "upload.csv").symlink_to(outside)
    (tmp_path / "uploads" / "linked").symlink_to(outside.parent)
    with store.begin() as session:
        assert forget(session, GONE, tmp_path / "uploads", tmp_path / "replays", ACTOR).files == 0
    assert len(read(outside)) == 6


def test_a_job_that_runs_on_the_customers_file_is_stopped(store: Store, tmp_path: Path) -> None:
    uploads = tmp_path / "uploads"
    running, waiting, other = "d" * 32, "e" * 32, "f" * 32
    for id in (running, waiting):
        written(uploads / id / "upload.csv", export())
    written(uploads / other / "upload.csv", [{"customer": STAYS, "text": TEXTS["en"]}])
    parts = [uploads / id / ".result.csv.1234.part" for id in (running, other)]
    for part in parts:
        part.write_text(f"{GONE},{WORDS['en']}" if part == parts[0] else "half a row", encoding="utf-8")
    with store.begin() as session:
        session.add_all([job(running, jobs.RUNNING), job(waiting, jobs.QUEUED), job(other, jobs.RUNNING)])
    with store.begin() as session:
        found = forget(session, GONE, uploads, tmp_path / "replays", ACTOR)
    assert (found.files, found.stopped) == (2, 1)
    assert left_in(uploads) == {}
    assert [part.exists() for part in parts] == [False, True]
    with store.begin() as session:
        states = {each.id: each.state for each in session.scalars(select(Job))}
        assert states == {running: jobs.CANCELLED, waiting: jobs.QUEUED, other: jobs.RUNNING}
        assert "erased" in session.get_one(Job, running).error
        assert not jobs.advance(session, running, NOW, done=5)


def test_a_failed_erasure_keeps_the_rows(store: Store, tmp_path: Path) -> None:
    with store.begin() as session:
        fill(session)

    def failing() -> None:
        with store.begin() as session:
            forget(session, GONE, tmp_path / "uploads", tmp_path / "replays", ACTOR)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert set(found_in(dumped(store))) == set(SECRETS)


def test_nobody_waits_while_files_are_read(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long files must not keep others from writing: those of jobs that are over are read before the store is held."""
    uploads, id = tmp_path / "uploads", "a" * 32
    written(uploads / id / "upload.csv", export())
    with store.begin() as session:
        session.add(job(id))
    cleaned: list[Callable[..., str]] = [clean_file]

    def watched(path: Path, trace: Trace, *, column: str | None) -> str:
        with store.begin() as session:
            keep(session, row("meanwhile", STAYS))
        return cleaned[0](path, trace, column=column)

    monkeypatch.setattr(erase, "clean_file", watched)
    with store.begin() as session:
        assert forget(session, GONE, uploads, tmp_path / "replays", ACTOR).files == 1
    with store.read() as session:
        assert session.execute(text("SELECT count(*) FROM messages")).scalar() == 1
