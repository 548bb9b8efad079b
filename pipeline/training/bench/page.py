"""docs/bench.md: what was measured, beside what was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

import numpy as np

from pipeline.training.bench.alone import ENCODER, EXACT, FASTTEXT, RIVAL, STUDENT
from pipeline.training.bench.contenders import SBERT, SBERT_BATCH, TFIDF, TORCH
from pipeline.training.bench.figures import Spread, ratio, table
from pipeline.training.bench.measure import Measured
from pipeline.training.bench.rounds import Rates
from pipeline.training.bench.setting import BASE, CASCADE, FAST
from pipeline.training.bench.targets import growth, targets
from pipeline.training.export import WINDOW_TOKENS

INTRODUCTION = """\
# Speed and memory

Written by `make bench`; run it on your own machine, for absolute numbers depend on the processor. Claims of speed are
ratios: both sides are timed in turns, in one run, on the same messages and, but where it is said, with the same number
of threads, and the median of the rounds is given with the lowest and the highest.
"""


def render(found: Measured) -> str:
    """The whole page, Markdown."""
    speed = (_whole(found), _flows(found), _encoders(found), _quick(found))
    return "\n".join((INTRODUCTION, targets(found), *speed, _memory(found), _waiting(found), _conditions(found)))


def _whole(found: Measured) -> str:
    plan, start = found.plan, median(found.processes.one_row)
    done = [
        (f"{rows:,}", f"{usage.seconds:,.1f}", f"{rows / usage.seconds:,.0f}")
        for rows, usage in found.processes.whole.items()
    ]
    return f"""## Messages a second

`nabd score` as a whole process, one CSV file into another, with {found.versions[BASE]}:

{table(("messages", "seconds", "messages/s"), done, right=3)}
Of the seconds, {start:.2f} are its start (the median of {len(found.processes.one_row)} files of one message); without
them it scores {found.steady:,.0f} messages/s of the {plan.rows:,}.
"""


def _flows(found: Measured) -> str:
    plan, flows = found.plan, found.compared.flows
    models = {name: f"`nabd score` with {found.versions.get(name, name)}" for name in (BASE, FAST, CASCADE)}
    others = {
        TORCH: f"the same heads, fp32 encoder in torch, batches of {found.compared.batches[EXACT]}",
        SBERT: "sentence-transformers style: fp32 encoder in torch, vectors only",
        TFIDF: "TF-IDF with logistic regression: features and prediction only",
    }
    size = plan.sample // plan.rounds
    return f"""## From raw messages, side by side

{plan.rounds} rounds of {size:,} messages each, every side warm and already loaded; `nabd score` reads a CSV file and
writes one:

{table(("", "messages/s", f"{BASE} is faster, times"), _lanes(flows, models | others, BASE), right=2)}
{_absent(found)}The torch side cleans and normalises the text and applies the heads as Nabd does, but reads no file,
writes none and routes nothing; texts are sorted by length and cut at {WINDOW_TOKENS} tokens (Nabd reads all of them,
in windows), and its batch size was the fastest of {_listed(plan.batches)}. The sentence-transformers package is no
dependency of Nabd: its `encode` loop is reproduced with transformers (sorted by characters, batches of {SBERT_BATCH},
padded, cut at 512 tokens, mean pooling). TF-IDF (words 1-2, characters 2-5) ran on one thread, as it does by itself,
and learnt from {plan.taught:,} messages; what each gets right is in [results.md](results.md).
"""


def _encoders(found: Measured) -> str:
    plan, batches = found.plan, found.compared.batches
    titles = {
        ENCODER: f"the encoder of {BASE}, int8 in ONNX Runtime",
        EXACT: f"the same encoder, fp32 in torch, batches of {batches[EXACT]}",
        RIVAL: f"XLM-R-base's shape, fp32 in torch, batches of {batches[RIVAL]}",
    }
    shape = plan.rival
    return f"""## Encoders alone

The messages of the same rounds, but cleaned and normalised beforehand: tokens and mean-pooled vectors only.

{table(("", "messages/s", "int8 is faster, times"), _lanes(found.compared.encoders, titles, ENCODER), right=2)}
All three read the token ids of one tokenizer; the torch sides cut a text at {WINDOW_TOKENS} of them and are given it
sorted by length, in the fastest batches of {_listed(plan.batches)}. XLM-R-base's shape is {shape.layers} layers,
{shape.width:,} wide, {shape.heads} attention heads, {shape.intermediate:,} in between, with our vocabulary and random
weights.
"""


def _quick(found: Measured) -> str:
    plan, quick = found.plan, found.compared.quick
    titles = {
        STUDENT: f"the student ({FAST}): vectors and the logits of every task",
        FASTTEXT: "fastText with character n-grams: the best topic, `predict` on a list",
        ENCODER: f"the encoder of {BASE}, int8: vectors only",
    }
    rows = [
        (title, _rate(quick, name), _times(quick, name, FASTTEXT), _times(quick, name, ENCODER))
        for name, title in titles.items()
    ]
    size = plan.quick // plan.rounds
    return f"""## Fast models alone

{plan.rounds} rounds of {size:,} messages each, cleaned and normalised beforehand:

{table(("", "messages/s", "times fastText", "times the encoder"), rows, right=3)}
{_no_fasttext(found)}The student and the `predict` of fastText use one thread. fastText (words 1-2, characters 2-5, 100
numbers a vector) learnt the topics that {BASE} gives to {plan.taught:,} messages.
"""


def _memory(found: Measured) -> str:
    rows = [(f"{rows:,}", f"{usage.peak_megabytes:,.0f}") for rows, usage in found.processes.whole.items()]
    larger = growth(found)
    note = (
        "The longer file was left out.\n" if larger is None else f"The longer file took {larger:.2f} times as much.\n"
    )
    return f"""## Memory

The most that the process held at any time (resident set), model and libraries included:

{table(("messages", "peak MB"), rows, right=2)}
{note}
"""


def _waiting(found: Measured) -> str:
    first = Spread.of(found.processes.first_row)
    rows = [
        (f"from the start of the process to the first row on standard output, {found.plan.rows:,} messages",
         first.show(2, " s")),
    ]  # fmt: skip
    for name, taken in found.singles.items():
        p50, p95 = np.quantile(taken, [0.5, 0.95]) * 1000
        what = f"one message through `score()`, warm process, {name}"
        rows += [(f"{what}: half of them within", f"{p50:.2f} ms"), (f"{what}: 95% of them within", f"{p95:.2f} ms")]
    return f"""## Waiting

{table(("", "measured"), rows, right=1)}
The first is over {len(found.processes.first_row)} fresh processes, with the files in the system's cache; the others
are over {len(found.singles[BASE])} messages.
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


def _lanes(rates: Rates, titles: Mapping[str, str], ours: str) -> list[tuple[str, str, str]]:
    """A row a title; `ours` is compared with each."""
    return [(title, _rate(rates, name), _times(rates, ours, name)) for name, title in titles.items()]


def _rate(rates: Rates, name: str) -> str:
    return Spread.of(rates[name]).show(0) if name in rates else "not measured"


def _times(rates: Rates, above: str, below: str) -> str:
    times = None if above == below else ratio(rates, above, below)
    return times.show(2) if times else ""


def _absent(found: Measured) -> str:
    names = [name for name in (FAST, CASCADE) if name not in found.versions]
    return f"Not in the models folder, so not timed: {', '.join(names)}. " if names else ""


def _no_fasttext(found: Measured) -> str:
    missing = FASTTEXT not in found.compared.quick
    return "fastText is not installed, so it was not timed: `make bench` installs it. " if missing else ""


def _listed(values: Sequence[int]) -> str:
    return ", ".join(map(str, values))
