"""`nabd replay`: options only; what it needs is imported when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.errors import UsageError
from pipeline.training.registry.commands import SettingsFile, Tracking

Column = typer.Option(metavar="COL", show_default="found by name and content", rich_help_panel="Columns")


def replay_commands(app: typer.Typer) -> None:
    """Adds the verb of the replay to `app`; it needs the `train` extra."""
    app.command()(replay)


def replay(
    export: Annotated[
        str | None, typer.Argument(metavar="EXPORT", help="any file that `nabd score` takes, as it comes to the desk")
    ] = None,
    old: Annotated[str, typer.Option(metavar="NAME", help="the model that serves")] = "models:/nabd@champion",
    new: Annotated[str, typer.Option(metavar="NAME", help="the model that would")] = "models:/nabd@challenger",
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FOLDER", help="for every change, the customers and the sheet to judge"),
    ] = None,
    judged: Annotated[
        str | None, typer.Option(metavar="FILE", help="a sheet with verdicts, to be kept with the new model")
    ] = None,
    by: Annotated[str, typer.Option(metavar="WHO", help="who judged")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="the sums as one JSON object instead of tables")] = False,
    text: Annotated[str | None, Column] = None,
    customer: Annotated[str | None, Column] = None,
    time: Annotated[str | None, Column] = None,
    id: Annotated[str | None, Column] = None,
    ticket: Annotated[str | None, Column] = None,
    tracking: Tracking = None,
    settings: SettingsFile = None,
    threads: Annotated[int | None, typer.Option(help="processor threads; 0: all cores")] = None,
    seed: Annotated[int, typer.Option(help="of the draw of the messages to judge")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="no progress")] = False,
) -> None:
    """Say what would change on an export if a new model took over, and draw changed messages for a person to judge.

    nabd replay tickets.csv --old nabd-base --new build/retrained -o replays/october
    """
    from pipeline import settings as files

    if (export is None) == (judged is None):
        raise UsageError("name the EXPORT to replay, or by --judged a sheet with verdicts to keep")
    chosen = files.load_settings(settings, tracking=tracking, threads=threads)
    try:
        from pipeline.training.replay.run import run, take_judged
    except ModuleNotFoundError as error:
        raise UsageError(f"a replay needs {error.name}, which is not installed: pip install 'nabd[train]'") from None
    if judged is not None:
        typer.echo(take_judged(judged, new, chosen, by=by))
        return
    from pipeline.training.replay.compare import Job

    columns = {"text": text, "customer": customer, "time": time, "id": id, "ticket": ticket}
    job = Job(str(export), columns, chosen.max_characters, quiet)
    run(job, (old, new), chosen, out=out, as_json=as_json, seed=seed)
