"""docs/reliability.md: what was measured under load, beside what was asked for, and what becomes of each fault."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from statistics import mean

import psutil

from pipeline.service.load.measure import Measured
from pipeline.service.load.wrk import CLIENTS
from pipeline.training.bench.figures import table, verdict
from pipeline.training.bench.machine import installed, processor_name

OF_OFFLINE, OF_EMPTY = 0.7, 0.8  # least share of the offline rate, with the encoder; of the empty one, with the student
P99 = {"nabd-base": 400.0, "nabd-fast": 40.0}  # milliseconds
GROWTH = 1.1  # of memory, times
LIBRARIES = ("fastapi", "uvicorn", "uvloop", "pydantic", "onnxruntime", "numpy")
INTRODUCTION = f"""\
# Load and faults

Written by `make soak`, and by `make bench` with shorter runs; run it on your own machine, for absolute numbers depend
on the processor. {CLIENTS} clients ask without a pause, each with one message at a time, on the loopback of one machine
that also runs them ([wrk](https://github.com/wg/wrk), one thread). The service is `nabd serve`'s own app with an SQLite
store; the messages are those of [data/demo.csv](../data/demo.csv), synthetic, in three languages, in turn.
"""
METHOD = f"""\
*Offline* is `score()` in one process on 2,048 messages at a time, with every core. The *empty endpoint* is a FastAPI
route in the same process as the service, found as its first route, behind the same middleware (limits, headers, log,
metrics), that takes the same body, parses nothing, asks for no key and answers `{{}}`. Both are measured right before
the load and right after it, and the mean counts. Memory is the resident set of all processes of the service.

How to read it: {CLIENTS} clients that never pause wait {CLIENTS} / (requests/s) seconds on average, so that 99% within
400 ms takes more than {CLIENTS / 0.4:.0f} requests/s. Client, event loop and model share the cores: beside the student,
whose score costs about as much time as the handling of a request, two cores are full long before an endpoint is that
scores nothing.
"""


def render(found: Sequence[Measured]) -> str:
    """The whole page, Markdown."""
    faults = files("pipeline.service.load").joinpath("faults.md").read_text(encoding="utf-8")
    return "\n".join((INTRODUCTION, _targets(found), _load(found), _memory(found), faults, _conditions(found)))


def _targets(found: Sequence[Measured]) -> str:
    rows = [row for each in found for row in _rows(each)]
    return "## Targets\n\n" + table(("what", "target", "measured", ""), rows)


def _rows(found: Measured) -> list[tuple[str, str, str, str]]:
    name, load, memory = found.name, found.load, found.memory
    is_encoder = name == "nabd-base"
    against, share, least = (
        ("the offline rate", load.rate / mean(found.offline), OF_OFFLINE)
        if is_encoder
        else ("the empty endpoint's rate", load.rate / mean(each.rate for each in found.empty), OF_EMPTY)
    )
    grown, limit = memory.last / memory.first, P99[name]
    return [
        (f"{name}: share of {against}", f"at least {least:.0%}", f"{share:.0%}", verdict(share, least, at_least=True)),
        (f"{name}: 99% answered within", f"under {limit:,.0f} ms", f"{load.p99:,.1f} ms", verdict(load.p99, limit)),
        (f"{name}: errors in {load.requests:,} requests", "0", f"{load.errors:,}", verdict(load.errors, 1)),
        (f"{name}: memory at the end, times that at the start", f"flat: under {GROWTH:g}", f"{grown:.2f}",
         verdict(grown, GROWTH)),
    ]  # fmt: skip


def _load(found: Sequence[Measured]) -> str:
    header = ("", "offline/s", "empty/s", "requests/s", "of offline", "of empty", "p50 ms", "p99 ms", "p99.9 ms",
              "longest ms", "requests", "seconds", "errors")  # fmt: skip
    rows = []
    for each in found:
        load, offline, empty = each.load, mean(each.offline), mean(one.rate for one in each.empty)
        rows.append((
            each.version, f"{offline:,.0f}", f"{empty:,.0f}", f"{load.rate:,.0f}", f"{load.rate / offline:.0%}",
            f"{load.rate / empty:.0%}", f"{load.p50:,.1f}", f"{load.p99:,.1f}", f"{load.p999:,.1f}",
            f"{load.longest:,.1f}", f"{load.requests:,}", f"{load.seconds:,.0f}", f"{load.errors:,}",
        ))  # fmt: skip
    return f"## {CLIENTS} clients\n\n{table(header, rows, right=len(header) - 1)}\n{METHOD}"


def _memory(found: Sequence[Measured]) -> str:
    rows = []
    for each in found:
        held = each.memory
        shown = (held.first, held.middle, held.last, max(held.megabytes))
        rows.append((each.version, *(f"{value:,.0f}" for value in shown), f"{each.load.requests:,}"))
    header = ("", "MB at the start", "in the middle", "at the end", "most", "requests")
    return f"""## Memory

{table(header, rows, right=5)}
`make soak` asks for an hour's equivalent of requests: the encoder is asked for an hour, and the student as often as the
encoder was in that hour, or for as long as `make bench` asks where that is longer. The watch for
drift compares every ten minutes; an hour shows what that holds, too.
"""


def _conditions(found: Sequence[Measured]) -> str:
    cpu = Path("/proc/cpuinfo")
    facts = cpu.read_text(encoding="utf-8", errors="replace") if cpu.exists() else ""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    rows = [
        ("Processor", processor_name(facts) or platform.processor() or platform.machine()),
        ("Cores", f"{cores}, shared by the service, its model and the clients"),
        ("Memory", f"{psutil.virtual_memory().total / 1e9:.0f} GB"),
        ("System", f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"),
        ("Libraries", ", ".join(filter(None, map(installed, LIBRARIES)))),
        ("Busy with other work", _others(found)),
    ]  # fmt: skip
    return "## Measured on\n\n" + table(("", ""), rows)


def _others(found: Sequence[Measured]) -> str:
    busiest = max(each.others for each in found)
    return f"{busiest:.1f} of its cores before the runs began"
