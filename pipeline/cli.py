"""The `nabd` command: options in, exit code out; the work is done elsewhere.

Exit codes: 0 done, 1 a gate refused, 2 bad use or bad input, 3 finished with rejects, 130 interrupted.
"""

from __future__ import annotations

import signal
import sys
import traceback
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from pipeline import __version__
from pipeline.drift.commands import drift_commands
from pipeline.emerging.commands import emerging_commands
from pipeline.errors import NabdError, UsageError
from pipeline.history.commands import history_commands
from pipeline.report.commands import report_commands
from pipeline.risk.commands import risk_commands
from pipeline.routing.commands import routing_commands
from pipeline.service.commands import service_commands
from pipeline.service.store.commands import store_commands
from pipeline.synthetic.commands import synthetic_commands
from pipeline.telemetry import switch_off
from pipeline.training.commands import training_commands
from pipeline.training.registry.commands import registry_commands
from pipeline.training.replay.commands import replay_commands
from pipeline.training.retrain.commands import retrain_commands
from pipeline.training.review.commands import review_commands

REJECTS, INTERRUPTED = 3, 130
STOPPED = {name: 128 + getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)}

app = typer.Typer(
    name="nabd", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip
training_commands(app)
retrain_commands(app)
review_commands(app)
registry_commands(app)
replay_commands(app)
service_commands(app)
store_commands(app)
history_commands(app)
risk_commands(app)
emerging_commands(app)
drift_commands(app)
report_commands(app)
routing_commands(app)
synthetic_commands(app)

In = Annotated[str, typer.Argument(metavar="IN", help="CSV, TSV, XLSX, JSONL, JSON, Parquet, mbox or EML; - is stdin")]
Column = typer.Option(metavar="COL", show_default="found by name and content", rich_help_panel="Columns")
Threads = Annotated[int | None, typer.Option(help="processor threads; 0: all cores")]
SettingsFile = Annotated[Path | None, typer.Option("--settings", metavar="FILE", help="instead of ./nabd.toml")]
Model = Annotated[str | None, typer.Option(metavar="NAME", help="a shipped model, one of ./models, or a path")]


@app.callback(invoke_without_command=True)
def _options(
    version: Annotated[bool, typer.Option("--version", help="print the version and stop")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="show where an error came from; after the verb, too")] = False,
) -> None:
    """Nabd reads customer messages in Arabic, Persian and English: what each needs, how it feels, where it goes."""
    if version:
        typer.echo(__version__)
        raise typer.Exit


@app.command("score")
def score_command(
    source: In,
    out: Annotated[str, typer.Option("--out", "-o", metavar="OUT", help="file to write, or - for stdout")],
    text: Annotated[str | None, Column] = None,
    customer: Annotated[str | None, Column] = None,
    time: Annotated[str | None, Column] = None,
    id: Annotated[str | None, Column] = None,
    model: Model = None,
    settings: SettingsFile = None,
    threads: Threads = None,
    max_characters: Annotated[int | None, typer.Option(help="longer messages are read up to here")] = None,
    rejects: Annotated[
        str | None, typer.Option(metavar="FILE", help="unreadable rows [default: OUT.rejects.jsonl]")
    ] = None,
    embeddings: Annotated[
        str | None, typer.Option(metavar="FILE", help="keep each row's vector, as Parquet, for `nabd emerging`")
    ] = None,
    evidence: Annotated[
        bool, typer.Option("--evidence", help="add `nabd_evidence`: the sentence that decided")
    ] = False,
    format: Annotated[str | None, typer.Option(help="format of IN, when it cannot be told")] = None,
    encoding: Annotated[str | None, typer.Option(help="encoding of IN, when it cannot be told")] = None,
    delimiter: Annotated[str | None, typer.Option(help="delimiter of IN, when it cannot be told")] = None,
    sheet: Annotated[str | None, typer.Option(help="sheet of a workbook")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="no progress, no summary")] = False,
) -> None:
    """Label and route every message of a file; every row and column is kept and `nabd_*` columns are added.

    nabd score tickets.csv -o scored.csv
    """
    from pipeline import settings as files
    from pipeline.run import Job, run

    chosen = files.load_settings(settings, model=model, threads=threads, max_characters=max_characters)
    reading = {"format": format, "encoding": encoding, "delimiter": delimiter, "sheet": sheet}
    columns = {"text": text, "customer": customer, "time": time, "id": id}
    summary = run(Job(source, out, rejects, reading, columns, quiet, embeddings, evidence), chosen)
    if summary.rejected:
        raise typer.Exit(REJECTS)


@app.command("run")
def run_command(
    export: Annotated[str, typer.Argument(metavar="EXPORT", help="any file that `nabd score` takes, with times")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="where everything is written")],
    text: Annotated[str | None, Column] = None,
    customer: Annotated[str | None, Column] = None,
    time: Annotated[str | None, Column] = None,
    id: Annotated[str | None, Column] = None,
    ticket: Annotated[str | None, Column] = None,
    lang: Annotated[str, typer.Option(help="of the report: en, ar or fa")] = "en",
    calendar: Annotated[
        str | None, typer.Option(help="gregorian or jalali", show_default="jalali for fa, else gregorian")
    ] = None,
    model: Model = None,
    settings: SettingsFile = None,
    threads: Threads = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="no progress, no summary of the scoring")] = False,
) -> None:
    """Score an export, join its tickets, rank its customers and report on it: scored file, risk.csv, report.html.

    nabd run tickets.csv -o pulse
    """
    from pipeline import settings as files

    try:
        from pipeline.pulse import Pulse, run
        from pipeline.report.locale import Locale
    except ModuleNotFoundError as error:
        raise UsageError(f"a report needs {error.name}, which is not installed: pip install 'nabd[report]'") from None
    chosen = files.load_settings(settings, model=model, threads=threads)
    columns = {"text": text, "customer": customer, "time": time, "id": id, "ticket": ticket}
    if run(Pulse(export, out, columns, quiet), chosen, Locale.of(lang, calendar)):
        raise typer.Exit(REJECTS)


@app.command("explain")
def explain_command(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="one message; - is stdin")],
    task: Annotated[str, typer.Option(help="topic, category, sentiment, emotion, urgency or churn")] = "topic",
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object instead of text")] = False,
    model: Model = None,
    settings: SettingsFile = None,
    threads: Threads = None,
) -> None:
    """Show the labels of one message, and the words and the sentence that decided.

    nabd explain "I was charged twice and nobody answers" --task sentiment
    """
    from pipeline import settings as files
    from pipeline.explain.run import run

    chosen = files.load_settings(settings, model=model, threads=threads)
    run(text, chosen, task=task, as_json=as_json)


@app.command("models")
def models_command(
    registry: Annotated[bool, typer.Option("--registry", help="list those of the registry, and its history")] = False,
) -> None:
    """List the models that `--model` takes, each verified.

    nabd models
    """
    if registry:
        from pipeline.settings import load_settings
        from pipeline.training.registry.history import history
        from pipeline.training.registry.store import Registry
        from pipeline.training.registry.view import render_history, render_versions

        store = Registry(load_settings().tracking)
        Console().print(render_versions(store.versions()), render_history(history(store)), sep="\n")
        return
    from pipeline.models import render_models
    from pipeline.settings import home

    Console().print(render_models([home() / "models", Path("models")]))


def main() -> None:
    """The console script; an error becomes one line on stderr, or its traceback with --debug, and an exit code."""
    switch_off()
    debug = "--debug" in sys.argv  # before or after the verb
    sys.argv = [argument for argument in sys.argv if argument != "--debug"]
    for name, code in STOPPED.items():
        if signal.getsignal(getattr(signal, name)) is signal.SIG_DFL:  # nohup ignores SIGHUP: let it
            signal.signal(getattr(signal, name), lambda *_, code=code: sys.exit(code))
    try:
        app()
    except NabdError as error:
        _fail(str(error), error.exit_code, debug=debug)
    except KeyboardInterrupt:
        _fail("interrupted; no half-written file is left", INTERRUPTED, debug=debug)
    except SystemExit as stop:
        if isinstance(stop.code, int) and stop.code in (INTERRUPTED, *STOPPED.values()):
            _fail("interrupted; no half-written file is left", stop.code, debug=debug)
        raise
    except Exception as error:
        fault = f"unexpected {type(error).__name__}; `nabd --debug ...` shows where it came from"
        _fail(fault, NabdError.exit_code, debug=debug)


def _fail(message: str, code: int, *, debug: bool) -> NoReturn:
    if debug:
        traceback.print_exc()
    print(f"nabd: {message}", file=sys.stderr)
    sys.exit(code)
