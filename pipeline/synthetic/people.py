"""The customers of the synthetic year: what of them does not change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipeline.synthetic import world
from pipeline.synthetic.chance import Bools, Floats, Ints, lognormal, pick, stream
from pipeline.synthetic.world import Incident


@dataclass(frozen=True, slots=True)
class Customers:
    """Arrays of length n. `language`, `product`, `plan` and `channel` are indices into the tables of `world`.

    `since` is the day on which they came, negative before the year; `usage` has the mean 1; `mood` in [-1, 1] is the
    satisfaction that theirs returns to; `hit` (incidents, n) says which incidents reach them.
    """

    since: Ints
    language: Ints
    product: Ints
    plan: Ints
    channel: Ints
    revenue: Floats
    vip: Bools
    usage: Floats
    mood: Floats
    hit: Bools

    def __len__(self) -> int:
        return len(self.since)


def draw_customers(count: int, incidents: tuple[Incident, ...], *, seed: int) -> Customers:
    """`count` customers; usage, mood, language and plan are independent of one another."""
    random = stream(seed, "customers")
    plan = pick(list(world.PLANS.values()), random, count)
    product = pick(list(world.PRODUCTS.values()), random, count)
    reached = [(product == list(world.PRODUCTS).index(i.product)) & (random.random(count) < i.reach) for i in incidents]
    usage = lognormal(1.0, world.USAGE_SPREAD, random, count) / np.exp(world.USAGE_SPREAD**2 / 2)
    return Customers(
        since=_arrivals(random, count),
        language=pick(list(world.LANGUAGES.values()), random, count),
        product=product,
        plan=plan,
        channel=pick([channel.share for channel in world.CHANNELS.values()], random, count),
        revenue=lognormal(_by_plan(world.REVENUE_MEDIAN)[plan], world.REVENUE_SPREAD, random, count),
        vip=random.random(count) < _by_plan(world.VIP)[plan],
        usage=usage,
        mood=np.clip(random.normal(world.MOOD_MEAN, world.MOOD_SPREAD, count), -1, 1),
        hit=np.array(reached, np.bool_).reshape(len(incidents), count),
    )


def _arrivals(random: np.random.Generator, count: int) -> Ints:
    before = -random.integers(1, world.LONGEST_TENURE, count)
    return np.where(random.random(count) < world.ALREADY_THERE, before, random.integers(0, world.DAYS, count))


def _by_plan(values: Mapping[str, float]) -> Floats:
    return np.array([values[plan] for plan in world.PLANS])
