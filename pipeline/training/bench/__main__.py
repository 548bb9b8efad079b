"""`python -m pipeline.training.bench ENCODER_FOLDER`: measures and writes docs/bench.md."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from pipeline.errors import NabdError
from pipeline.telemetry import switch_off


def main(
    encoder: Annotated[Path, typer.Argument(metavar="ENCODER_FOLDER", help="the fp32 encoder, a transformers folder")],
    rows: Annotated[int, typer.Option(min=2, help="messages of the shorter file")] = 20_000,
    long_rows: Annotated[int, typer.Option(min=0, help="messages of the longer file; 0: leave it out")] = 200_000,
    out: Annotated[Path, typer.Option(metavar="FILE", help="the page to write")] = Path("docs/bench.md"),
    data: Annotated[Path, typer.Option(metavar="DIR", help="prepared data; else the demo export")] = Path("build/data"),
) -> None:
    """Time Nabd beside torch, fastText and TF-IDF and write what was measured."""
    switch_off()
    from pipeline.training.bench.measure import measure
    from pipeline.training.bench.page import render
    from pipeline.training.bench.setting import Plan

    try:
        with tempfile.TemporaryDirectory() as folder:
            found = measure(encoder, data, Path(folder), Plan(rows=rows, long_rows=long_rows))
    except NabdError as error:
        print(f"bench: {error}", file=sys.stderr)
        raise typer.Exit(error.exit_code) from None
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(render(found), encoding="utf-8")
    typer.echo(f"Written to {out}")


if __name__ == "__main__":
    typer.run(main)
