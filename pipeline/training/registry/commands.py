"""`nabd promote`: options only; what it needs is imported when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.errors import UsageError

REFUSAL = 1  # exit code
Tracking = Annotated[
    str | None,
    typer.Option(metavar="URL", help="the MLflow store, also MLFLOW_TRACKING_URI [default: as in nabd.toml]"),
]
SettingsFile = Annotated[Path | None, typer.Option("--settings", metavar="FILE", help="instead of ./nabd.toml")]


def registry_commands(app: typer.Typer) -> None:
    """Adds the verb of promotion to `app`; it needs the `train` extra."""
    app.command()(promote)


def promote(
    challenger: Annotated[
        str | None, typer.Argument(metavar="CHALLENGER", help="a model's name, its folder, or models:/nabd/3")
    ] = None,
    data: Annotated[
        str | None, typer.Option(metavar="FILE", help="the labelled export that it was retrained on, for its gate rows")
    ] = None,
    champion: Annotated[
        str | None, typer.Option(metavar="NAME", help="[default: the registry's champion, else the settings' model]")
    ] = None,
    by: Annotated[str, typer.Option(metavar="WHO", help="who decides; kept in the history")] = "",
    why: Annotated[str, typer.Option(metavar="TEXT", help="the reason; kept in the history")] = "",
    rollback: Annotated[bool, typer.Option("--rollback", help="make the former champion champion again")] = False,
    tracking: Tracking = None,
    settings: SettingsFile = None,
    threads: Annotated[int | None, typer.Option(help="processor threads; 0: all cores")] = None,
    seed: Annotated[int, typer.Option(help="of every random draw")] = 0,
) -> None:
    """Make a model the champion if it passes every gate beside the present one, or go back to the former by --rollback.

    nabd promote build/retrained --data labels.csv --by "Hala" --why "learnt the October corrections"
    """
    from pipeline import settings as files

    _check(challenger, data, by=by, why=why, rollback=rollback)
    chosen = files.load_settings(settings, tracking=tracking, threads=threads)
    if rollback:
        _roll_back(chosen.tracking, by=by, why=why)
        return
    from pipeline.training.registry.margins import load_margins

    given = {"model": challenger, "data": data, "by": by, "why": why, "champion": champion, "seed": seed}
    _promote(given, chosen, load_margins(settings))


def _check(challenger: str | None, data: str | None, *, by: str, why: str, rollback: bool) -> None:
    if not by.strip() or not why.strip():
        raise UsageError("--by and --why are needed: the history says who made which model the champion, and why")
    if rollback and (challenger or data):
        raise UsageError("--rollback goes back to the former champion; it takes no CHALLENGER and no --data")
    if not rollback and not (challenger and data):
        raise UsageError("name the CHALLENGER, and by --data the labelled export with its gate rows")


def _promote(given: dict[str, Any], settings: Any, margins: Any) -> None:
    from rich.console import Console

    try:
        from pipeline.training.registry.promote import Candidate
        from pipeline.training.registry.promote import promote as run
    except ModuleNotFoundError as error:
        raise UsageError(f"promoting needs {error.name}, which is not installed: pip install 'nabd[train]'") from None
    from pipeline.training.registry.view import render_gates

    verdict = run(Candidate(**given), settings, margins, Console(stderr=True))
    Console().print(render_gates(verdict.gates))
    if verdict.refused:
        typer.echo(f"Refused: {', '.join(verdict.refused)}. {verdict.former.title} stays champion.")
        raise typer.Exit(REFUSAL)
    typer.echo(f"{verdict.version.title} is champion, in place of {verdict.former.title}.")


def _roll_back(tracking: str, *, by: str, why: str) -> None:
    from pipeline.training.registry.history import roll_back
    from pipeline.training.registry.store import Registry

    registry = Registry(tracking)
    event = roll_back(registry, by=by, why=why)
    typer.echo(f"{registry.version(event.version).title} is champion again, in place of version {event.former}.")
