"""`python -m pipeline.service.load`: puts the service under load and writes docs/reliability.md."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline.errors import NabdError
from pipeline.telemetry import switch_off

HOUR = 3600.0
MODELS = ("nabd-base", "nabd-fast")


def main(
    seconds: Annotated[float, typer.Option(min=5, help="of load, for each model")] = 300.0,
    soak: Annotated[bool, typer.Option("--soak", help="as many requests as the encoder answers in an hour")] = False,
    part: Annotated[float, typer.Option(min=1, help="seconds of each comparison, before the load and after it")] = 30.0,
    out: Annotated[Path, typer.Option(metavar="FILE", help="the page to write")] = Path("docs/reliability.md"),
) -> None:
    """Ask the service from 64 clients at once and write what was measured."""
    switch_off()
    from pipeline.service.load.measure import measure
    from pipeline.service.load.page import render

    base, fast = MODELS
    try:
        typer.echo(f"{base} under load", err=True)
        encoder = measure(base, seconds=max(seconds, HOUR) if soak else seconds, part=part)
        typer.echo(f"{fast} under load", err=True)
        student = measure(fast, seconds=seconds, requests=encoder.load.requests if soak else 0, part=part)
    except NabdError as error:
        print(f"load: {error}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from None
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(render([encoder, student]), encoding="utf-8")
    typer.echo(f"Written to {out}")


if __name__ == "__main__":
    typer.run(main)
