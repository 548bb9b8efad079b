"""One `nabd drift`: a stream and a reference in, what differs to stdout and into a page; or a reference made."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from pipeline.drift.compare import RATE, compare
from pipeline.drift.found import Drift
from pipeline.drift.read import File, is_scored, read_sample
from pipeline.drift.reference import FILE, is_reference, load_reference, save_reference
from pipeline.drift.sample import Sample
from pipeline.drift.tell import PACKAGES
from pipeline.drift.view import print_drift, to_json, to_page
from pipeline.errors import UsageError
from pipeline.origin import folder_of, taxonomy_of
from pipeline.report.locale import Locale
from pipeline.report.words import Words
from pipeline.run import PLAIN, Job
from pipeline.run import run as score_file
from pipeline.settings import Settings, for_model, model_folder
from pipeline.writers.target import Target


@dataclass(frozen=True, slots=True)
class Asked:
    """`stream` is a scored file or an export; `reference` one too, what `make_reference` wrote, or a model with it.

    `model`: the settings' own is used for exports only where the user named it, else that of the other side.
    """

    stream: File
    reference: File
    rate: float = RATE
    out: str | None = None
    as_json: bool = False
    is_model_named: bool = False


def run(asked: Asked, settings: Settings, locale: Locale) -> Drift:
    """Writes the page, then prints what was found, for who reads that may stop early (`| head`).

    Raises InputError or UsageError for what cannot be compared.
    """
    drift = compare(*_samples(asked, settings), rate=asked.rate)
    words = Words(locale, taxonomy_of(drift.stream.model, near(settings)), PACKAGES)
    if asked.out is not None:
        target = Target(asked.out)
        with target.reporting():
            target.stream.write(to_page(drift, words).encode("utf-8"))
        target.commit()
    if isinstance(sys.stdout, io.TextIOWrapper) and not sys.stdout.isatty():
        sys.stdout.reconfigure(encoding="utf-8")  # a pipe of Windows is not
    if asked.as_json:
        print(to_json(drift))
    else:
        print_drift(drift, words, Console(**PLAIN))
    return drift


def make_reference(file: File, out: str, settings: Settings) -> Sample:
    """Writes the reference of a scored file, or of an export, which is scored first."""
    with _scored(file, settings) as scored:
        sample = read_sample(replace(scored, near=near(settings)))
    save_reference(sample, out)
    return sample


def _samples(asked: Asked, settings: Settings) -> tuple[Sample, Sample]:
    """The side that is scored already is read first, for its model scores the other."""
    kept = _kept(asked.reference.path)
    files, found = {"reference": asked.reference, "stream": asked.stream}, {}
    if kept is not None:
        found["reference"] = load_reference(kept)
        del files["reference"]
    for name, file in sorted(files.items(), key=lambda pair: not is_scored(_named(pair[1]))):
        known = next((side.model for side in found.values()), "")
        chosen = settings if asked.is_model_named or not known else _for_version(settings, known)
        with _scored(file, chosen) as scored:
            found[name] = read_sample(replace(scored, near=near(chosen)))
    return found["reference"], found["stream"]


def near(settings: Settings) -> Path:
    """The folder of the settings' model."""
    return model_folder(settings.model, settings.tracking)


def _for_version(settings: Settings, version: str) -> Settings:
    """With the model of that version, or else of that name, to score by."""
    folder = folder_of(version, near(settings))
    return for_model(settings, str(folder) if folder else version.partition("@")[0])


def _kept(path: str) -> str | Path | None:
    """The file of a kept reference: this one, or that of a model."""
    if is_reference(path):
        return path
    folder = model_folder(path)
    if not (folder / "manifest.json").exists():
        return None
    if not (folder / FILE).exists():
        raise UsageError(f"the model {folder.name} brings no {FILE}; make one by `nabd drift SCORED --make-reference`")
    return folder / FILE


@contextmanager
def _scored(file: File, settings: Settings) -> Iterator[File]:
    """The file itself, or its scored copy, with vectors, for as long as it is needed."""
    with ExitStack() as stack:
        if not is_scored(_named(file)):
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="nabd-drift-")))
            Console(stderr=True, **PLAIN).print(f"{file.path} is not scored yet; {settings.model} scores it first")
            scored, vectors = str(folder / "scored.jsonl"), str(folder / "vectors.parquet")
            columns = {role: file.columns.get(role) for role in ("text", "customer")}
            score_file(Job(file.path, scored, None, {}, columns, True, vectors), settings)
            file = replace(file, path=scored, embeddings=vectors)
        yield file


def _named(file: File) -> str:
    if file.path == "-":
        raise UsageError("`nabd drift` reads a file more than once, so it cannot be stdin; name a file")
    return file.path
