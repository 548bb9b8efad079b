"""docs/bench.md: what was measured, beside what was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Self

import numpy as np

from pipeline.training.bench.contenders import NABD, SBERT, SBERT_BATCH, TFIDF, TORCH
from pipeline.training.bench.measure import Measured
from pipeline.training.export import WINDOW_TOKENS

TORCH_FACTOR, MEMORY_MEGABYTES, GROWTH, FIRST_ROW_SECONDS = 2.0, 1000.0, 1.1, 3.0  # the targets

INTRODUCTION = """\
# Speed and memory

Written by `make bench`; run it on your own machine, for absolute numbers depend on the processor. Claims of speed are
ratios: both sides are timed in turns, in one run, on the same messages and with the same number of threads, and the
median of the rounds is given with the lowest and the highest.
"""


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some numbers, and how far they lie apart."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        return cls(median(values), min(values), max(values))

    @classmethod
    def of_ratios(cls, above: Sequence[float], below: Sequence[float]) -> Self:
        """Of the ratios round by round; not the ratio of the medians."""
        return cls.of([a / b for a, b in zip(above, below, strict=True)])

    def show(self, digits: int, unit: str = "") -> str:
        return f"{self.median:,.{digits}f}{unit} ({self.low:,.{digits}f} to {self.high:,.{digits}f})"


def render(found: Measured) -> str:
    """The whole page, Markdown."""
    sections = (INTRODUCTION, _targets(found), _speed(found), _memory(found), _waiting(found), _conditions(found))
    return "\n".join(sections)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, right: int = 0) -> str:
    """A Markdown table; the last `right` columns are aligned to the right."""
    marks = ["---"] * (len(header) - right) + ["---:"] * right
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, marks, *rows)) + "\n"


def verdict(value: float | None, limit: float, *, at_least: bool = False) -> str:
    if value is None:
        return "not measured"
    return "met" if (value >= limit if at_least else value < limit) else "missed"


def _targets(found: Measured) -> str:
    plan, whole = found.plan, found.processes.whole
    ratio = Spread.of_ratios(found.rates[NABD], found.rates[TORCH])
    peak = max(usage.peak_megabytes for usage in whole.values())
    growth = _growth(found)
    first = Spread.of(found.processes.first_row)
    rows = [
        ("messages/s, times those of fp32 torch", f"at least {TORCH_FACTOR:g}", ratio.show(2),
         verdict(ratio.median, TORCH_FACTOR, at_least=True)),
        (f"peak memory, {max(whole):,} messages", f"under {MEMORY_MEGABYTES:,.0f} MB", f"{peak:,.0f} MB",
         verdict(peak, MEMORY_MEGABYTES)),
        (f"peak memory, times that of {plan.rows:,} messages", f"flat: under {GROWTH:g}",
         "" if growth is None else f"{growth:.2f}", verdict(growth, GROWTH)),
        ("first row out, cold process", f"under {FIRST_ROW_SECONDS:g} s", first.show(2, " s"),
         verdict(first.median, FIRST_ROW_SECONDS)),
    ]  # fmt: skip
    return "## Targets\n\n" + table(("what", "target", "measured", ""), rows)


def _speed(found: Measured) -> str:
    plan, start = found.plan, median(found.processes.one_row)
    done = [
        (f"{rows:,}", f"{usage.seconds:,.1f}", f"{rows / usage.seconds:,.0f}")
        for rows, usage in found.processes.whole.items()
    ]
    titles = {
        NABD: "`nabd score`: CSV in, CSV out",
        TORCH: f"the same heads, fp32 encoder in torch, batches of {found.batch}",
        SBERT: "sentence-transformers style: fp32 encoder in torch, vectors only",
        TFIDF: "TF-IDF with logistic regression: features and prediction only",
    }
    rows = [
        (title, Spread.of(found.rates[name]).show(0), _times(found.rates, name))
        for name, title in titles.items()
    ]  # fmt: skip
    size = plan.sample // plan.rounds
    return f"""## Messages a second

`nabd score` as a whole process, one CSV file into another, with {found.model}:

{table(("messages", "seconds", "messages/s"), done, right=3)}
Of the seconds, {start:.2f} are its start (the median of {len(found.processes.one_row)} files of one message); without
them it scores {found.steady:,.0f} messages/s of the {plan.rows:,}.

Side by side, {plan.rounds} rounds of {size} messages each, every side warm and already loaded:

{table(("", "messages/s", "Nabd is faster, times"), rows, right=2)}
The torch side cleans and normalises the text and applies the heads as Nabd does, but reads no file, writes none and
routes nothing; texts are sorted by length and cut at {WINDOW_TOKENS} tokens (Nabd reads all of them, in windows), and
its batch size was the fastest of {_listed(plan.batches)}. The sentence-transformers package is no dependency of Nabd:
its `encode` loop is reproduced with transformers (sorted by characters, batches of {SBERT_BATCH}, padded, cut at 512
tokens, mean pooling). TF-IDF (words 1-2, characters 2-5) ran on one thread, as it does by itself, and learnt from
{plan.taught:,} messages; what each gets right is in [results.md](results.md).
"""


def _memory(found: Measured) -> str:
    rows = [(f"{rows:,}", f"{usage.peak_megabytes:,.0f}") for rows, usage in found.processes.whole.items()]
    growth = _growth(found)
    ratio = (
        "The longer file was left out.\n" if growth is None else f"The longer file took {growth:.2f} times as much.\n"
    )
    return f"""## Memory

The most that the process held at any time (resident set), model and libraries included:

{table(("messages", "peak MB"), rows, right=2)}
{ratio}"""


def _waiting(found: Measured) -> str:
    first = Spread.of(found.processes.first_row)
    p50, p95 = np.quantile(found.single, [0.5, 0.95]) * 1000
    rows = [
        (f"from the start of the process to the first row on standard output, {found.plan.rows:,} messages",
         first.show(2, " s")),
        ("one message through `score()`, warm process: half of them within", f"{p50:.1f} ms"),
        ("one message through `score()`, warm process: 95% of them within", f"{p95:.1f} ms"),
    ]  # fmt: skip
    return f"""## Waiting

{table(("", "measured"), rows, right=1)}
The first is over {len(found.processes.first_row)} fresh processes, with the files in the system's cache; the others
are over {len(found.single)} messages.
"""


def _conditions(found: Measured) -> str:
    lengths = found.lengths
    rows = [
        *found.machine.items(),
        ("Messages", f"{found.origin}; {found.distinct:,} distinct ones, repeated where a file is longer"),
        ("Tokens a message", f"mean {lengths.mean:.1f}, median {lengths.median:.0f}, 95th percentile "
         f"{lengths.p95:.0f}, longest {lengths.longest:,}"),
    ]  # fmt: skip
    return "## Measured on\n\n" + table(("", ""), rows)


def _growth(found: Measured) -> float | None:
    whole = found.processes.whole
    if found.plan.long_rows not in whole:
        return None
    return whole[found.plan.long_rows].peak_megabytes / whole[found.plan.rows].peak_megabytes


def _times(rates: Mapping[str, Sequence[float]], name: str) -> str:
    return "" if name == NABD else Spread.of_ratios(rates[NABD], rates[name]).show(2)


def _listed(values: Sequence[int]) -> str:
    return ", ".join(map(str, values))
