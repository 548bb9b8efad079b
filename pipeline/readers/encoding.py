"""Which encoding a text file is in, checked to its last byte."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TextIO

from pipeline.errors import EncodingError, InputError, UsageError
from pipeline.readers.blob import Blob

# Share of the non-ASCII characters that may be damaged before the encoding itself is taken to be wrong.
# Windows-1256 and Windows-1252 text has under 0.05 of its high bytes valid as UTF-8 by accident.
_DAMAGE_LIMIT = 0.7
_CHUNK = 1 << 20
_SAMPLE_BYTES = 1 << 20
_PLAUSIBLE_UTF16 = 0.9
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LABELS = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8 with BOM", "cp1256": "Windows-1256", "cp1252": "Windows-1252"}


@dataclass(frozen=True, slots=True)
class Encoding:
    """A codec that fits; `dirty` says that some bytes do not decode, `excel_bom` that a copy needs a BOM for Excel."""

    codec: str
    dirty: bool = False

    @property
    def label(self) -> str:
        return _LABELS.get(self.codec, self.codec.upper())

    @property
    def excel_bom(self) -> bool:
        return self.codec != "utf-8"


@dataclass(frozen=True, slots=True)
class _Scan:
    good: int
    bad: int
    offset: int
    line: int
    sample: bytes

    @property
    def damage(self) -> float:
        return self.bad / max(1, self.good + self.bad)


def detect_encoding(blob: Blob, encoding: str | None = None) -> Encoding:
    """Reads the whole input once; `encoding` is the user's choice and is held to.

    Raises EncodingError when most of the text does not decode, UsageError for an unknown encoding.
    """
    if encoding is not None:
        return _accepted(blob, _named(encoding, blob), chosen=True)
    head = blob.head()
    marked = _by_bom(head) or _by_nulls(head)
    if marked:
        return _accepted(blob, marked)
    scan = _scan(blob, "utf-8")
    if scan.damage <= _DAMAGE_LIMIT:
        return Encoding("utf-8", dirty=scan.bad > 0)
    return _accepted(blob, legacy_codec(scan.sample))


def open_text(blob: Blob, encoding: Encoding, *, newline: str) -> TextIO:
    """Undecodable bytes of a dirty input show as what `is_damaged` finds; a clean one is decoded strictly."""
    errors = _lenient(encoding.codec) if encoding.dirty else "strict"
    stream = io.TextIOWrapper(blob.stream(), encoding=encoding.codec, errors=errors, newline=newline)
    blob.close_first(stream)
    return stream


def is_damaged(text: str, encoding: Encoding) -> bool:
    """Whether a piece of a dirty input holds bytes that do not decode."""
    return encoding.dirty and _damage(encoding.codec).search(text) is not None


def shown(text: str) -> str:
    """Damaged text with its undecodable bytes spelt `\\xNN`."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def legacy_codec(data: bytes) -> str:
    """Windows-1256 when more words are made of its Arabic letters alone than mix them with ASCII, else Windows-1252.

    Western accents stand among ASCII letters. Those of French are at the same place in both code pages and count for
    neither.
    """
    alone, mixed = _legacy_words()
    return "cp1256" if len(alone.findall(data)) > len(mixed.findall(data)) else "cp1252"


def decode_legacy(data: bytes) -> str:
    """Bytes with no declared charset, such as a raw mail header: UTF-8 if valid, else the likelier code page."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode(legacy_codec(data), "backslashreplace")


def _accepted(blob: Blob, codec: str, *, chosen: bool = False) -> Encoding:
    scan = _scan(blob, codec)
    limit = 0.1 if chosen else _DAMAGE_LIMIT
    if scan.damage <= limit:
        return Encoding(codec, dirty=scan.bad > 0)
    label = Encoding(codec).label
    advice = "leave --encoding out, or pass the right one" if chosen else "pass the right one with --encoding"
    raise EncodingError(
        f"{blob.name} is not {label}: the byte at offset {scan.offset:,} (line {scan.line:,}) does not decode",
        f"{advice}, such as --encoding {legacy_codec(scan.sample)}",
    )


def _named(encoding: str, blob: Blob) -> str:
    try:
        "".encode(encoding)
    except LookupError as error:
        raise UsageError(f"unknown encoding '{encoding}'; use utf-8, utf-16, cp1256 or cp1252, for example") from error
    codec = codecs.lookup(encoding).name
    marked = _by_bom(blob.head())
    return marked if codec == "utf-8" and marked == "utf-8-sig" else codec


def _by_bom(head: bytes) -> str | None:
    return next((codec for bom, codec in _BOMS if head.startswith(bom)), None)


def _by_nulls(head: bytes) -> str | None:
    if b"\0" not in head:
        return None
    even = head[: len(head) & ~1]
    for codec in ("utf-16-le", "utf-16-be"):
        text = even.decode(codec, "replace")
        if text and len(_expected().findall(text)) >= _PLAUSIBLE_UTF16 * len(text):
            return codec
    return None


def _scan(blob: Blob, codec: str) -> _Scan:
    good = bad = offset = line = lines = 0
    sample = bytearray()
    damage = _damage(codec)
    for start, chunk, text in _chunks(blob, codec):
        if not text.isascii():
            if len(sample) < _SAMPLE_BYTES:
                sample += chunk
            damaged = len(damage.findall(text))
            if damaged and not bad:
                before = text[: text.index(damage.findall(text)[0])]
                offset = start + len(before.encode(codec, _lenient(codec)))
                line = lines + before.count("\n") + 1
            bad += damaged
            good += len(text) - len(text.encode("ascii", "ignore")) - damaged
        lines += text.count("\n")
    return _Scan(good, bad, offset, line, bytes(sample[:_SAMPLE_BYTES]))


def _chunks(blob: Blob, codec: str) -> Iterator[tuple[int, bytes, str]]:
    """Offset of the first byte of the text, the bytes read, the text they gave."""
    decoder = codecs.getincrementaldecoder(codec)(errors=_lenient(codec))
    seen = 0
    with blob.unpacking(), blob.stream() as stream:
        while True:
            chunk = stream.read(_CHUNK)
            start = seen - len(decoder.getstate()[0])
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeError as error:  # the one fault no error handler sees: UTF-16 or UTF-32 without a BOM
                raise InputError(f"{blob.name} is no {codec.upper()}: it has no BOM; leave --encoding out") from error
            yield start, chunk, text
            if not chunk:
                return
            seen += len(chunk)


def _lenient(codec: str) -> str:
    return "replace" if codec.startswith(("utf-16", "utf-32")) else "surrogateescape"


@cache
def _damage(codec: str) -> re.Pattern[str]:
    return re.compile("\ufffd" if _lenient(codec) == "replace" else "[\udc80-\udcff]")


@cache
def _expected() -> re.Pattern[str]:
    return re.compile("[\t\n\r -~\u00a0-\u024f\u0600-\u06ff\u2000-\u206f\ufb50-\ufdff\ufe70-\ufefc]")


@cache
def _legacy_words() -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    high = [bytes([code]) for code in range(0x80, 0x100)]
    letters = re.escape(b"".join(byte for byte in high if _is_arabic(byte)))
    joiners = re.escape("\u200c\u200d".encode("cp1256"))
    alone = rb"(?<![A-Za-z\x80-\xff])[" + letters + joiners + rb"]{2,}(?![A-Za-z])"
    mixed = rb"[A-Za-z][" + letters + rb"]|[" + letters + rb"][A-Za-z]"
    return re.compile(alone), re.compile(mixed)


def _is_arabic(byte: bytes) -> bool:
    return "\u0621" <= byte.decode("cp1256") <= "\u06d2"


def decode_head(head: bytes) -> str:
    """The first bytes as text, good enough to tell a format by; never fails."""
    codec = _by_bom(head) or _by_nulls(head) or "utf-8"
    return head.decode(codec, "replace")
