"""What was asked for, and whether it was reached."""

from __future__ import annotations

from statistics import median

from pipeline.training.bench.alone import ENCODER, EXACT, FASTTEXT, RIVAL, STUDENT
from pipeline.training.bench.contenders import TORCH
from pipeline.training.bench.figures import Spread, ratio, table, verdict
from pipeline.training.bench.measure import Measured
from pipeline.training.bench.setting import BASE, FAST

TORCH_FACTOR, EXACT_FACTOR, RIVAL_FACTOR, FASTTEXT_FACTOR, STUDENT_FACTOR = 2.0, 2.5, 6.0, 1.0, 20.0
SINGLE_MILLISECONDS = {BASE: 12.0, FAST: 1.0}
MEMORY_MEGABYTES, GROWTH, FIRST_ROW_SECONDS = 1000.0, 1.1, 3.0

Row = tuple[str, str, str, str]


def targets(found: Measured) -> str:
    """The section, Markdown."""
    flows, encoders, quick = found.compared.flows, found.compared.encoders, found.compared.quick
    rows = [
        _factor("`nabd score`, times the same heads in fp32 torch", ratio(flows, BASE, TORCH), TORCH_FACTOR),
        _factor("encoder alone, times itself in fp32 torch", ratio(encoders, ENCODER, EXACT), EXACT_FACTOR),
        _factor("encoder alone, times XLM-R-base's shape in fp32 torch", ratio(encoders, ENCODER, RIVAL), RIVAL_FACTOR),
        _factor("student alone, times fastText", ratio(quick, STUDENT, FASTTEXT), FASTTEXT_FACTOR),
        _factor("student alone, times the encoder", ratio(quick, STUDENT, ENCODER), STUDENT_FACTOR),
        *(_single(found, name) for name in SINGLE_MILLISECONDS),
        *_process_rows(found),
    ]
    return "## Targets\n\n" + table(("what", "target", "measured", ""), rows)


def growth(found: Measured) -> float | None:
    """Peak memory of the longer file, times that of the shorter; None when the longer was left out."""
    whole = found.processes.whole
    if found.plan.long_rows not in whole:
        return None
    return whole[found.plan.long_rows].peak_megabytes / whole[found.plan.rows].peak_megabytes


def _factor(what: str, times: Spread | None, limit: float) -> Row:
    shown, value = (times.show(2), times.median) if times else ("", None)
    return what, f"at least {limit:g}", shown, verdict(value, limit, at_least=True)


def _single(found: Measured, name: str) -> Row:
    limit, taken = SINGLE_MILLISECONDS[name], found.singles.get(name)
    value = median(taken) * 1000 if taken else None
    shown = "" if value is None else f"{value:.2f} ms"
    what = f"one message, warm process, {name}: half of them within"
    return what, f"under {limit:g} ms", shown, verdict(value, limit)


def _process_rows(found: Measured) -> list[Row]:
    whole, larger = found.processes.whole, growth(found)
    peak = max(usage.peak_megabytes for usage in whole.values())
    first = Spread.of(found.processes.first_row)
    return [
        (f"peak memory, {max(whole):,} messages", f"under {MEMORY_MEGABYTES:,.0f} MB", f"{peak:,.0f} MB",
         verdict(peak, MEMORY_MEGABYTES)),
        (f"peak memory, times that of {found.plan.rows:,} messages", f"flat: under {GROWTH:g}",
         "" if larger is None else f"{larger:.2f}", verdict(larger, GROWTH)),
        ("first row out, cold process", f"under {FIRST_ROW_SECONDS:g} s", first.show(2, " s"),
         verdict(first.median, FIRST_ROW_SECONDS)),
    ]  # fmt: skip
