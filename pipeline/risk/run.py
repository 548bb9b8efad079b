"""One `nabd risk`: read a scored file, rank its customers, write them, sum up; learn and look back if asked to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path

from rich.console import Console

from pipeline.errors import InputError, UsageError
from pipeline.history import History, read_history
from pipeline.history.run import tell
from pipeline.origin import most_common, settings_of
from pipeline.records import Contact
from pipeline.risk.fold import rank
from pipeline.risk.panel import HORIZON
from pipeline.risk.table import write_risk
from pipeline.risk.view import SYNTHETIC, bands, lesson, most_at_risk, verdicts
from pipeline.risk.weights import Weights
from pipeline.run import PLAIN
from pipeline.settings import Settings

FAR = timedelta(days=365)  # no desk is silent for so long: a date with a slip


@dataclass(frozen=True, slots=True)
class Options:
    """`now` is a day or a time, None for that of the last message; `columns` are the roles that the user named."""

    now: str | None = None
    columns: Mapping[str, str | None] = field(default_factory=dict)
    learns: bool = False
    backtests: bool = False
    plot: Path | None = None


def run(scored: str, out: str | None, *, settings: Settings, options: Options) -> int:
    """Writes the risk file to `out`, `-` being stdout, None nowhere; returns how many rows could not be read."""
    _check(scored, out, options)
    errors = Console(stderr=True, **PLAIN)
    history = read_history(scored, columns=options.columns)
    tell(history, scored if out in (None, "-") else str(out), errors)
    version = most_common(each.model for each in history.contacts)
    settings = settings_of(version, {each.topic for each in history.contacts}, settings, errors)
    write_ranks(history, scored, out, settings=settings, options=options)
    return len(history.rejects)


def write_ranks(history: History, scored: str, out: str | None, *, settings: Settings, options: Options) -> None:
    """Ranks the customers of a history read from `scored`.

    What was found goes to stdout, or to stderr when the rows go to stdout.
    """
    errors, results = (Console(stderr=err, **PLAIN) for err in (True, out == "-"))
    if without := sum(not each.customer for each in history.contacts):
        errors.print(f"{without:,} messages without a customer are left out")
    contacts = [each for each in history.contacts if each.customer]
    if not contacts:
        raise InputError(f"no message of {scored} has a customer and a time; name the columns by --customer and --time")
    now = as_of(options.now, history.contacts[-1].time)
    if options.now is None and (count := strays(contacts)):
        before, last = contacts[-count - 1].time.date(), contacts[-1].time.date()
        errors.print(
            f"{count:,} messages are dated up to {last}, more than a year after all others, which makes every risk "
            f"fade; if that is not so, give --now {before}"
        )
    risks = rank(contacts, now=now, weights=settings.risk)
    if not risks:
        raise UsageError(
            f"--now {options.now}: the first message is of {contacts[0].time.isoformat()}, give a later time"
        )
    if history.synthetic:
        results.print(SYNTHETIC)
    if options.backtests:
        _look_back(contacts, now, settings.risk, options, history.synthetic, results)
    probability = _learn(contacts, now, settings.risk, results) if options.learns else None
    if out is not None:
        write_risk(out, risks, probability=probability)
    results.print(f"{len(risks):,} customers as of {now.isoformat(timespec='minutes')}")
    results.print(most_at_risk(risks, probability=probability))
    results.print(bands(risks))
    if out not in (None, "-"):
        errors.print(f"Written to {out}")


def strays(contacts: Sequence[Contact]) -> int:
    """Of contacts in order of time: how many of the last, one in a hundred at most, lie far behind all others."""
    for count in range(len(contacts) // 100, 0, -1):
        if contacts[-count].time - contacts[-count - 1].time > FAR:
            return count
    return 0


def as_of(given: str | None, last: datetime) -> datetime:
    """A day is meant up to its end; what has no offset has that of the last message. Raises UsageError for no time."""
    if given is None:
        return last
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise UsageError(f"--now: expected a day or a time, such as 2026-10-31, found {given!r}") from None
    if len(given.strip()) <= len("2026-10-31"):
        moment = datetime.combine(moment, time.max)
    return moment if moment.tzinfo else moment.replace(tzinfo=last.tzinfo)


def _check(scored: str, out: str | None, options: Options) -> None:
    if out not in (None, "-") and scored != "-" and Path(str(out)).resolve() == Path(scored).resolve():
        raise UsageError(f"{out} is the scored file itself, which is never overwritten; choose another name for -o")
    if options.plot is not None and not options.backtests:
        raise UsageError("--plot draws a backtest; add --backtest")


def _learn(contacts: Sequence[Contact], now: datetime, weights: Weights, results: Console) -> dict[str, float]:
    try:
        from pipeline.risk.learn import learn_from
    except ModuleNotFoundError as error:
        raise _missing(error) from None
    learnt, probability = learn_from(contacts, now=now, weights=weights)
    results.print(lesson(learnt, horizon=HORIZON))
    return probability


def _look_back(
    contacts: Sequence[Contact], now: datetime, weights: Weights, options: Options, synthetic: bool, results: Console
) -> None:
    try:
        from pipeline.risk.backtest import backtest
        from pipeline.risk.plot import check, draw
    except ModuleNotFoundError as error:
        raise _missing(error) from None
    if options.plot is not None:
        check(options.plot)
    found = backtest(contacts, end=now, weights=weights)
    results.print(verdicts(found))
    if options.plot is not None:
        draw(found, options.plot, synthetic=synthetic)


def _missing(error: ModuleNotFoundError) -> UsageError:
    return UsageError(f"learning needs {error.name}, which is not installed: pip install 'nabd[report]'")
