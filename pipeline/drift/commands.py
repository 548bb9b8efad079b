"""`nabd drift`: options only; what it needs is imported when it runs, from the extra `report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.errors import UsageError

Column = typer.Option(metavar="COL", show_default="found by name and content", rich_help_panel="Columns")


def drift_commands(app: typer.Typer) -> None:
    """Adds the verb of drift to `app`; it needs the extra `report`."""
    app.command("drift")(drift)


def drift(
    stream: Annotated[str, typer.Argument(metavar="STREAM", help="a scored file, or an export, which is scored first")],
    reference: Annotated[
        str | None, typer.Option(metavar="FILE", help="what it should look like: as STREAM, a kept reference, a model")
    ] = None,
    make_reference: Annotated[
        bool, typer.Option("--make-reference", help="keep STREAM as a reference, without its texts, in -o")
    ] = False,
    out: Annotated[
        str | None, typer.Option("--out", "-o", metavar="FILE", help="the page, or reference, to write")
    ] = None,
    alarm_rate: Annotated[float, typer.Option(metavar="SHARE", help="false alarms among unchanged streams")] = 0.05,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object instead of a table")] = False,
    gate: Annotated[bool, typer.Option("--gate", help="exit with 1 on an alarm")] = False,
    embeddings: Annotated[
        str | None, typer.Option(metavar="FILE", help="what `nabd score --embeddings` wrote with STREAM")
    ] = None,
    reference_embeddings: Annotated[
        str | None, typer.Option(metavar="FILE", help="what it wrote with the reference")
    ] = None,
    label: Annotated[
        str | None, typer.Option(metavar="COL", help="the reference's column of categories that people gave")
    ] = None,
    text: Annotated[str | None, Column] = None,
    customer: Annotated[str | None, Column] = None,
    ticket: Annotated[str | None, Column] = None,
    lang: Annotated[str, typer.Option(help="of words and page: en, ar or fa")] = "en",
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="scores what is not scored", show_default="the other side's")
    ] = None,
    settings: Annotated[Path | None, typer.Option("--settings", metavar="FILE", help="instead of ./nabd.toml")] = None,
    threads: Annotated[int | None, typer.Option(help="processor threads; 0: all cores")] = None,
) -> None:
    """Say whether messages still look like those of before, and whether retraining is worth it; no labels needed.

    nabd drift october.csv --reference september.csv -o drift.html
    """
    if make_reference == (reference is not None):
        raise UsageError("give either --reference FILE, to compare STREAM with, or --make-reference, to keep it as one")
    try:
        from pipeline.drift import run as drifts
        from pipeline.report.locale import Locale
    except ModuleNotFoundError as error:
        raise UsageError(f"this needs {error.name}, which is not installed: pip install 'nabd[report]'") from None
    from pipeline import settings as files
    from pipeline.drift.read import File

    chosen = files.load_settings(settings, model=model, threads=threads)
    columns = {"text": text, "customer": customer, "ticket": ticket}
    if reference is None:
        if out is None:
            raise UsageError("--make-reference needs -o FILE, the reference to write")
        kept = drifts.make_reference(File(stream, embeddings, label, columns), out, chosen)
        typer.echo(f"{kept.size:,} of {kept.messages:,} messages, one of each {kept.unit}, kept in {out}", err=True)
        return
    before, now = File(reference, reference_embeddings, label, columns), File(stream, embeddings, None, columns)
    asked = drifts.Asked(now, before, alarm_rate, out, as_json, model is not None)
    if drifts.run(asked, chosen, Locale.of(lang)).alarm and gate:
        raise typer.Exit(1)
