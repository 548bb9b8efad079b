"""Routes that no message can reach, because those above them take all that they ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

When = Mapping[str, Sequence[str]]
Axis = Mapping[str, Sequence[str]]
Cells = NDArray[np.bool_]


def unreachable(whens: Sequence[When], axes: Sequence[Axis]) -> dict[int, tuple[int, ...]]:
    """Index of each unreachable route -> those above that take what it asks for; none if it contradicts itself.

    An axis lists every value of a field that always has exactly one; fields that follow from one another share an axis,
    with one value each a place. The places of the grid of all axes that a route asks for and none above takes are its
    own. Any other condition is open: a route above counts only where each of its open conditions is also one of the
    route's own, with at least the same values, for then it holds whenever the route's does. So no route that can be
    reached is ever called unreachable; one of several open conditions that together hold always may be missed.
    """
    used = {key for when in whens for key in when}
    axes = [axis for axis in axes if used & axis.keys()]
    closed = {key for axis in axes for key in axis}
    opened = [{key: set(values) for key, values in when.items() if key not in closed} for when in whens]
    grids = [_asked(when, axes) for when in whens]
    found = {}
    for index, grid in enumerate(grids):
        free, takers = grid.copy(), []
        for above in range(index):
            if free.any() and _includes(opened[above], opened[index]) and (free & grids[above]).any():
                takers.append(above)
                free &= ~grids[above]
        if not free.any():
            found[index] = tuple(takers)
    return found


def _asked(when: When, axes: Sequence[Axis]) -> Cells:
    """The grid, one dimension an axis, of the places where every closed condition holds."""
    grid = np.ones([len(next(iter(axis.values()))) for axis in axes], bool)
    for number, axis in enumerate(axes):
        for key in axis.keys() & when.keys():
            along = np.array([value in when[key] for value in axis[key]])
            grid &= along.reshape([-1 if other == number else 1 for other in range(len(axes))])
    return grid


def _includes(above: Mapping[str, set[str]], below: Mapping[str, set[str]]) -> bool:
    return all(key in below and below[key] <= values for key, values in above.items())
