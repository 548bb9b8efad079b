"""How the fictional desk serves a ticket: how fast, how well, and what that does to the customer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.synthetic import world
from pipeline.synthetic.chance import Bools, Floats, Ints, lognormal, pick
from pipeline.synthetic.people import Customers


@dataclass(frozen=True, slots=True)
class Service:
    """Arrays of length n tickets. `first_response` is in minutes; `channel` an index into `world.CHANNELS`."""

    channel: Ints
    first_response: Floats
    slow: Bools
    solved: Bools

    @property
    def effect(self) -> Floats:
        """Points of satisfaction that the customer gains or loses by the ticket."""
        hurt = world.SLOW_HURTS * self.slow + world.UNSOLVED_HURTS * ~self.solved
        return np.asarray(world.GOOD_HELPS * (self.solved & ~self.slow) - hurt, np.float64)


def serve(customers: Customers, writers: Ints, random: np.random.Generator) -> Service:
    """The service of one ticket for each of `writers`, which are indices of customers."""
    count = len(writers)
    channels = list(world.CHANNELS.values())
    other = pick([channel.share for channel in channels], random, count)
    channel = np.where(random.random(count) < world.PREFERS, customers.channel[writers], other)
    median = np.array([each.response for each in channels])[channel]
    careless = random.random(count) < world.CARELESS
    delay = np.where(careless, world.CARELESS_DELAY, 1.0) * np.where(customers.vip[writers], world.VIP_DELAY, 1.0)
    response = np.maximum(1.0, lognormal(median * delay, world.RESPONSE_SPREAD, random, count))
    solved = random.random(count) < np.where(careless, world.CARELESS_SOLVED, world.SOLVED)
    return Service(channel, response, response > world.SLOW * median, solved)
