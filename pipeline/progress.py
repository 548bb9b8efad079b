"""The progress bar of a long job, on stderr: share done, rows a second, time left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from pipeline.readers import Source


class RowsColumn(ProgressColumn):
    """Rows so far and rows a second."""

    def render(self, task: Task) -> Text:
        rows, elapsed = task.fields["rows"], task.elapsed or 0.0
        return Text(f"{rows:,} rows, {rows / elapsed if elapsed else 0:,.0f}/s")


@contextmanager
def progress_bar(console: Console, source: Source, *, disable: bool) -> Iterator[Callable[[int], None]]:
    """Yields what to call with the number of rows just done; the share done is that of the input read."""
    columns = (
        TextColumn("Scoring"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        RowsColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=disable or not console.is_terminal) as progress:
        task = progress.add_task("score", total=1.0, rows=0)

        def advance(rows: int) -> None:
            done = progress.tasks[task].fields["rows"] + rows
            progress.update(task, completed=source.fraction(), rows=done)

        yield advance
