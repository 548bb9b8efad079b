"""One `nabd explain`: the text from the command line or stdin, its explanation to stdout."""

from __future__ import annotations

import io
import sys

from rich.console import Console

from pipeline import bundle as bundles
from pipeline.errors import UsageError
from pipeline.explain import explain
from pipeline.explain.view import print_explanation, to_json
from pipeline.settings import Settings, model_folder


def run(text: str, settings: Settings, *, task: str, as_json: bool) -> None:
    """Explains one message; `-` is stdin. Raises UsageError when there is nothing to explain."""
    given = _from_stdin() if text == "-" else text
    given = given.encode("utf-8", "surrogatepass").decode("utf-8", "replace")  # an argument may hold broken bytes
    if not given.strip():
        raise UsageError("the message is empty; give its text, or - to read it from stdin")
    bundle = bundles.load(model_folder(settings.model, settings.tracking), threads=settings.threads)
    explanation = explain(given, bundle, task=task, max_characters=settings.max_characters)
    if isinstance(sys.stdout, io.TextIOWrapper) and not sys.stdout.isatty():
        sys.stdout.reconfigure(encoding="utf-8")  # a pipe of Windows is not
    if as_json:
        print(to_json(explanation))
    else:
        print_explanation(explanation, Console(highlight=False, markup=False, emoji=False))


def _from_stdin() -> str:
    from pipeline.readers.encoding import decode_legacy  # the readers take longer to load than a message to explain

    return decode_legacy(sys.stdin.buffer.read())
