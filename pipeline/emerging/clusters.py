"""Vectors -> a space of few dimensions -> dense groups, each a ball that takes in further messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import HDBSCAN
from sklearn.decomposition import PCA

from pipeline.encoder import Vectors

Ints = NDArray[np.int64]
NONE = -1  # of no cluster
DIMENSIONS = 32
INSIDE = 0.9  # share of a cluster's own members that its ball takes in
SPOKEN = 30  # messages of a language that give it a centre of its own


@dataclass(frozen=True)
class Clusters:
    """k balls: `centres` (k, d), `radii` (k,)."""

    centres: Vectors
    radii: Vectors

    def assign(self, points: Vectors) -> tuple[Ints, Vectors]:
        """(n, d) -> the cluster of each, or `NONE`, and the distance (n,) to its centre in radii.

        A point within several balls is of the one in which it lies deepest.
        """
        distances = np.linalg.norm(points[:, None] - self.centres[None], axis=2) / self.radii
        nearest = distances.argmin(axis=1)
        best = distances[np.arange(len(points)), nearest]
        return np.where(best <= 1, nearest, NONE), best


def space(vectors: Vectors, languages: Sequence[str], *, seed: int) -> Vectors:
    """(n, D) -> (n, 32 or fewer): of length one, less the mean of their language, principal components.

    Without its mean a language stands less apart from the others (Libovicky et al. 2020, arXiv:2004.05160), so that
    one issue in three languages can be one cluster. A language of fewer than 30 messages takes the mean of all.
    """
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    points = vectors / np.maximum(lengths, 1e-9)
    spoken, common = np.asarray(languages, np.str_), points.mean(axis=0)
    centred = points - common
    for language in np.unique(spoken):
        mine = spoken == language
        if mine.sum() >= SPOKEN:
            centred[mine] = points[mine] - points[mine].mean(axis=0)
    dimensions = min(DIMENSIONS, *centred.shape)
    return np.asarray(PCA(dimensions, random_state=seed).fit_transform(centred), np.float32)


def find_clusters(points: Vectors, *, smallest: int) -> Clusters:
    """Groups of at least `smallest` of the points (n, d), by HDBSCAN (Campello et al. 2013); what is sparse is in none.

    The leaves of its tree are taken, for an issue is one thing, not a whole topic. A radius is the 90th percentile of
    the members' distances to the mean of the other members: a member pulls the mean of all towards itself, so its
    distance to that would be too short for messages yet to come.
    """
    found = HDBSCAN(min_cluster_size=smallest, cluster_selection_method="leaf", copy=True).fit(points).labels_
    centres, radii = [], []
    for label in range(found.max(initial=NONE) + 1):
        members = points[found == label]
        centre = members.mean(axis=0)
        alone = np.linalg.norm(members - centre, axis=1) * len(members) / (len(members) - 1)
        centres.append(centre)
        radii.append(max(float(np.quantile(alone, INSIDE)), 1e-4))
    return Clusters(np.array(centres, np.float32).reshape(-1, points.shape[1]), np.array(radii, np.float32))
