from __future__ import annotations

import gzip
import json
import shutil
import stat
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
from exports import HEADER, TEXTS, as_csv, ended, problem, read_csv, rows, send
from fastapi import FastAPI
from fastapi.testclient import TestClient

from pipeline.output import COLUMNS
from pipeline.service.jobs import unpacking
from pipeline.service.problems import Refusal
from pipeline.service.settings import ServiceSettings
from pipeline.service.state import Service
from pipeline.service.store.engine import Store

HERE = "http://localhost"
FORM = "multipart/form-data; boundary=b"
usage = type(shutil.disk_usage("."))


def part(name: str, content: bytes, *, filename: str = "", end: bytes = b"\r\n--b--\r\n") -> bytes:
    """One part of a form whose boundary is b."""
    named = f'; filename="{filename}"' if filename else ""
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + content + end


@pytest.fixture
def database(tmp_path: Path) -> str:
    """One kind is enough: what is refused here never comes to the store."""
    return f"sqlite:///{tmp_path / 'nabd.db'}"


@pytest.fixture
def quiet(service_app: FastAPI) -> TestClient:
    """A client of a service whose worker does not run: what is queued stays queued."""
    return TestClient(service_app, base_url=HERE)


@pytest.fixture
def service(service_app: FastAPI) -> Service:
    found: Service = service_app.state.service
    return found


def test_a_form_may_name_the_columns(client: TestClient) -> None:
    header = ("a", "b", "c")
    given = [{"a": TEXTS[n % 6], "b": f"who-{n}", "c": "x"} for n in range(8)]
    sent = send(client, as_csv(given, header), text="a", customer="b")
    job = ended(client, sent.json()["id"])
    assert (job["columns"]["text"], job["columns"]["customer"], job["summary"]["kept"]) == ("a", "b", 8)


def test_an_upload_without_a_column_of_messages_says_so_and_waits_for_its_name(client: TestClient) -> None:
    content = as_csv([{"n": "1", "m": "2"}] * 5, ("n", "m"))
    found = send(client, content, path="/v1/uploads").json()
    assert found["roles"] == {}
    assert "text" in found["problem"]
    refused = client.post("/v1/jobs", json={"upload": found["id"]})
    assert refused.status_code == 422
    missing = client.post("/v1/jobs", json={"upload": found["id"], "columns": {"text": "z"}})
    assert (missing.status_code, "no column" in missing.json()["detail"]) == (422, True)
    assert client.post("/v1/jobs", json={"upload": found["id"], "columns": {"text": "m"}}).status_code == 202


def test_rows_that_cannot_be_read_come_back_with_their_reason(client: TestClient) -> None:
    broken = as_csv(rows(3)) + b"m-3,one,two,three,four,five,six\n"
    job = ended(client, send(client, broken).json()["id"])
    assert (job["state"], job["done"], job["rejected"]) == ("done", 4, 1)
    (reject,) = map(json.loads, client.get(f"/v1/jobs/{job['id']}/rejects").text.splitlines())
    assert reject["number"] == 4


@pytest.mark.parametrize("kind", ["xlsx", "jsonl", "csv.gz", "parquet"])
def test_other_formats_come_back_as_they_came(client: TestClient, kind: str) -> None:
    given = rows(10)
    job = ended(client, send(client, made(given, kind), f"a.{kind}").json()["id"])
    assert job["state"] == "done", job["error"]
    result = client.get(f"/v1/jobs/{job['id']}/result")
    assert f"a.scored.{kind}" in result.headers["content-disposition"]
    if kind == "csv.gz":
        assert [row["text"] for row in read_csv(gzip.decompress(result.content))] == [row["text"] for row in given]
    if kind == "xlsx":
        tab = openpyxl.load_workbook(BytesIO(result.content), read_only=True).active
        assert [cell for cell in next(tab.iter_rows(values_only=True))] == [*HEADER, *COLUMNS]


def made(given: list[dict[str, str]], kind: str) -> bytes:
    if kind == "jsonl":
        return "\n".join(json.dumps(row, ensure_ascii=False) for row in given).encode()
    if kind == "csv.gz":
        return gzip.compress(as_csv(given))
    if kind == "parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        stream = BytesIO()
        pq.write_table(pa.Table.from_pylist(given), stream)
        return stream.getvalue()
    book = openpyxl.Workbook()
    for row in ([*HEADER], *([row[name] for name in HEADER] for row in given)):
        book.active.append(row)  # type: ignore[union-attr]
    stream = BytesIO()
    book.save(stream)
    return stream.getvalue()


def test_files_are_for_the_owner_alone_and_under_a_name_of_ours(quiet: TestClient, service: Service) -> None:
    job = send(quiet, as_csv(rows(3)), "../../../etc/passwd.csv").json()
    assert job["filename"] == "passwd.csv"
    (folder,) = service.uploads.iterdir()
    assert folder.name == job["id"]
    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE(service.uploads.stat().st_mode) == 0o700
    (upload,) = folder.iterdir()
    assert (upload.name, stat.S_IMODE(upload.stat().st_mode)) == ("upload.csv", 0o600)


def test_a_result_is_for_the_owner_alone(client: TestClient, service: Service) -> None:
    job = ended(client, send(client, as_csv(rows(3))).json()["id"])
    for path in (service.uploads / job["id"]).iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def zipped(name: str, size: int) -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open(name, "w", force_zip64=True) as part:
            for _ in range(size >> 20):
                part.write(bytes(1 << 20))
    return stream.getvalue()


BAD: dict[str, tuple[Callable[[], bytes], str, int]] = {
    "empty": (lambda: b"", "a.csv", 422),
    "no rows": (lambda: b"text\n", "a.csv", 422),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(100), "a.csv", 422),
    "no archive": (lambda: b"PK\x03\x04 no archive", "a.xlsx", 422),
    "no workbook": (lambda: zipped("word/document.xml", 1 << 20), "a.xlsx", 422),
    "no table": (lambda: b"PAR1 no table PAR1", "a.parquet", 422),
    "cut short": (lambda: gzip.compress(b"text\nhello there\n" * 9)[:-9], "a.csv.gz", 422),
    "a zip of much": (lambda: zipped("xl/worksheets/sheet1.xml", 5 << 20), "a.xlsx", 413),
    "a gzip of much": (lambda: gzip.compress(bytes(5 << 20)), "a.csv.gz", 413),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/uploads"])
def test_what_is_no_export_is_refused_and_leaves_nothing(
    make_app: Callable[..., FastAPI], store: Store, tmp_path: Path, case: str, path: str
) -> None:
    uploads = tmp_path / "up"
    limited = ServiceSettings(uploads=str(uploads), max_upload=4 << 20)
    make, name, status = BAD[case]
    refused = send(TestClient(make_app(store=store, service=limited), base_url=HERE), make(), name, path)
    problem(refused, status)
    assert str(tmp_path) not in refused.text
    assert list(uploads.iterdir()) == []


@pytest.mark.parametrize(
    "make",
    [
        lambda: zipped("xl/sharedStrings.xml", 34 << 20),
        lambda: gzip.compress(bytes(34 << 20)),
        lambda: zipped("xl/sharedStrings.xml", 257 << 20),
        lambda: many_parts(10_001),
    ],
    ids=["zip ratio", "gzip ratio", "a part for memory", "parts"],
)
def test_a_bomb_is_told_by_its_shape_before_it_is_read(tmp_path: Path, make: Callable[[], bytes]) -> None:
    bomb = tmp_path / "bomb"
    bomb.write_bytes(make())
    with pytest.raises(Refusal) as refused:
        unpacking.check(bomb, limit=1 << 30)
    assert refused.value.status_code == 413


@pytest.mark.parametrize("text", ["long", ["long"], [{"a": "long"}], {"a": ["long"]}])
def test_a_parquet_file_counts_a_text_as_often_as_it_stands_in_rows(tmp_path: Path, text: object) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    def written(word: str, count: int) -> Path:
        value = json.loads(json.dumps(text).replace("long", word))
        pq.write_table(pa.table({"text": [value] * count, "n": range(count)}), tmp_path / "a.parquet")
        return tmp_path / "a.parquet"

    unpacking.check(written("email", 50_000), limit=1 << 20)
    bomb = written("x" * 10_000, 2_000)
    assert bomb.stat().st_size < 1 << 18
    with pytest.raises(Refusal, match="unpacks to over") as refused:
        unpacking.check(bomb, limit=1 << 20)
    assert refused.value.status_code == 413


def many_parts(count: int) -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number in range(count):
            archive.writestr(str(number), b"")
    return stream.getvalue()


def test_a_long_export_of_like_rows_is_no_bomb(tmp_path: Path) -> None:
    export = tmp_path / "export.csv.gz"
    export.write_bytes(gzip.compress(as_csv(rows(2_000) * 20)))
    unpacking.check(export, limit=1 << 30)


def test_an_upload_over_the_limit_is_refused_whether_or_not_its_size_is_told(
    make_app: Callable[..., FastAPI], store: Store, tmp_path: Path
) -> None:
    limited = ServiceSettings(uploads=str(tmp_path / "few"), max_upload=100_000)
    client = TestClient(make_app(store=store, service=limited), base_url=HERE)
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\ntext\n'

    def pieces() -> Iterator[bytes]:
        yield head
        for _ in range(20):
            yield b"Sara wrote 4412\n" * 1_000

    kind = {"content-type": FORM}
    problem(client.post("/v1/jobs", content=pieces(), headers=kind), 413)
    problem(client.post("/v1/jobs", content=b"".join(pieces()), headers=kind), 413)
    assert list((tmp_path / "few").iterdir()) == []


def test_an_upload_needs_room_on_the_disk(quiet: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(10, 0, 10))
    problem(send(quiet, as_csv(rows(3))), 507)
    assert list(service.uploads.iterdir()) == []


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b'{"upload": "../../etc/passwd"}', "application/json", 404),
        (b'{"upload": "0123456789abcdef0123456789abcdef"}', "application/json", 404),
        (b'{"upload": 7}', "application/json", 422),
        (b'{"upload": "a", "path": "/etc/passwd"}', "application/json", 422),
        (b'{"upload": "a\\u0000"}', "application/json", 422),
        (b"[]", "application/json", 422),
        (b"Sara", "application/json", 422),
        (b"Sara", "text/plain", 422),
        (b"Sara", FORM, 400),
        (b"Sara", "multipart/form-data", 415),
        (part("file", b"text", filename="a.csv", end=b""), FORM, 400),
        (part("text", b"Sara"), FORM, 422),
        (part("Sara", b"1"), FORM, 422),
        (part("text", b"x" * 2_000), FORM, 422),
        (part("file", b"text\nSara\n", filename="a.csv", end=b"\r\n") * 2 + b"--b--\r\n", FORM, 422),
    ],
)  # fmt: skip
def test_a_body_that_makes_no_job_is_a_problem(
    quiet: TestClient, service: Service, body: bytes, kind: str, status: int
) -> None:
    problem(quiet.post("/v1/jobs", content=body, headers={"content-type": kind}), status)
    assert not service.uploads.exists() or list(service.uploads.iterdir()) == []


@pytest.mark.parametrize("id", ["nothing", "..%2F..%2Fetc", "a" * 300, "%00"])
@pytest.mark.parametrize("part", ["", "/result", "/rejects"])
def test_a_job_that_is_not_there_is_a_problem(quiet: TestClient, id: str, part: str) -> None:
    assert quiet.get(f"/v1/jobs/{id}{part}").status_code == 404
    if not part:
        assert quiet.delete(f"/v1/jobs/{id}").status_code == 404


def test_a_job_that_is_not_done_has_no_files_to_download(quiet: TestClient) -> None:
    job = send(quiet, as_csv(rows(3))).json()["id"]
    for part in ("result", "rejects"):
        assert "queued" in problem(quiet.get(f"/v1/jobs/{job}/{part}"), 409)["detail"]


def test_scopes(quiet: TestClient, key_headers: Callable[..., dict[str, str]]) -> None:
    read, write = key_headers("read"), key_headers("write")
    upload = {"file": ("a.csv", as_csv(rows(3)))}
    assert quiet.post("/v1/jobs", files=upload, headers=read).status_code == 403
    job = quiet.post("/v1/jobs", files=upload, headers=write).json()["id"]
    assert quiet.get(f"/v1/jobs/{job}", headers=write).status_code == 403
    assert quiet.get(f"/v1/jobs/{job}", headers=read).status_code == 200
    assert quiet.delete(f"/v1/jobs/{job}", headers=read).status_code == 403
    assert quiet.get(f"/v1/jobs/{job}").status_code == 401


def test_text_in_another_encoding_than_it_says_is_refused_without_a_word_of_options(quiet: TestClient) -> None:
    """A byte order mark of UTF-8 before Windows-1256; the service has no option to advise."""
    arabic = "تم خصم المبلغ مرتين".encode("cp1256")
    detail = problem(send(quiet, b"\xef\xbb\xbfid,text\n" + b"1," + arabic + b"\n" + b"2," + arabic * 9), 422)["detail"]
    assert "does not decode; save it as UTF-8 and send it again" in detail
    assert "--" not in detail
