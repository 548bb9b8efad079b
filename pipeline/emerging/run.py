"""One `nabd emerging`: a scored file and its vectors in, the issues to stdout."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping, Sequence

from rich.console import Console

from pipeline.emerging.embeddings import embeddings_model, read_embeddings
from pipeline.emerging.find import WINDOW_DAYS, Emerging, emerging
from pipeline.emerging.view import print_emerging, to_json
from pipeline.encoder import Vectors
from pipeline.errors import InputError, UsageError
from pipeline.history import read_history
from pipeline.history.run import tell
from pipeline.records import Contact
from pipeline.run import PLAIN


def run(scored: str, embeddings: str, *, columns: Mapping[str, str | None], window_days: int, as_json: bool) -> int:
    """Prints the issues of the days before the latest message; returns how many rows were rejects.

    Raises InputError for a file without a dated message, UsageError for vectors that are not of its rows.
    """
    history = read_history(scored, columns=columns)
    if not history.contacts:
        raise InputError(f"{scored} holds no message with a time; check its column of times, or name it with --time")
    found = issues_of(history.contacts, embeddings, window_days=window_days)
    tell(history, scored, Console(stderr=True, **PLAIN))
    if isinstance(sys.stdout, io.TextIOWrapper) and not sys.stdout.isatty():
        sys.stdout.reconfigure(encoding="utf-8")  # a pipe of Windows is not
    if as_json:
        print(to_json(found))
    else:
        print_emerging(found, Console(highlight=False, markup=False, emoji=False))
    return len(history.rejects)


def issues_of(contacts: Sequence[Contact], embeddings: str, *, window_days: int = WINDOW_DAYS) -> Emerging:
    """The issues among contacts in time order, at least one, by the vectors in a file.

    Raises UsageError when those are of other rows, or of another model than the one that scored these.
    """
    _check_model(contacts, embeddings)

    def vectors_of(some: Sequence[Contact]) -> Vectors:
        return read_embeddings(embeddings, [each.number for each in some])

    return emerging(contacts, vectors_of, now=contacts[-1].time, window_days=window_days)


def _check_model(contacts: Sequence[Contact], embeddings: str) -> None:
    held, scored = embeddings_model(embeddings), sorted({each.model for each in contacts})
    if scored != [held]:
        raise UsageError(
            f"{embeddings} holds vectors of {held}, but the rows were scored by {', '.join(scored)};"
            " score again with --embeddings"
        )
