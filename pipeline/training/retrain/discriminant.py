"""Linear discriminant analysis with shrinkage: the best of the few-shot heads tried, and quick with many labels.

scikit-learn's learns the same boundaries, but estimates a covariance a label: a minute for the 77 labels of BANKING77
where this takes a fraction of a second, and it takes no weights.
"""

from __future__ import annotations

import numpy as np

from pipeline.calibrate import Floats
from pipeline.encoder import Vectors
from pipeline.training.retrain.lessons import Columns


class Discriminant:
    """`coef_` (labels, d) and `intercept_` (labels,) of log-odds up to a constant, as `classes_` (columns) follow.

    The covariance within labels is pulled towards a multiple of the identity by `shrinkage` in [0, 1]; at 1 the nearest
    mean decides. Labels are taken to be alike frequent (Hastie et al., The Elements of Statistical Learning, 4.3).
    The mean of n rows seems farther out than it is, the more so the fewer they are, so that a label of few rows would
    hardly ever be said: what chance adds to its squared distance, tr(S⁻¹ W) / n, is taken off again (Moran and Murphy
    1979, Applied Statistics 28:223).
    """

    def __init__(self, shrinkage: float) -> None:
        self.shrinkage = shrinkage

    def fit(self, vectors: Vectors, truth: Columns, weights: Floats) -> Discriminant:
        """`vectors` (n, d), `truth` (n,), `weights` (n,)."""
        self.classes_, columns = np.unique(truth, return_inverse=True)
        inputs = np.asarray(vectors, np.float64)
        totals = np.bincount(columns, weights)
        sums = np.zeros((len(self.classes_), inputs.shape[1]))
        np.add.at(sums, columns, inputs * weights[:, None])
        means = sums / totals[:, None]
        apart = (inputs - means[columns]) * np.sqrt(weights / weights.sum())[:, None]
        spread = apart.T @ apart
        width = len(spread)
        pulled = (1 - self.shrinkage) * spread
        pulled[np.diag_indices(width)] += self.shrinkage * np.trace(spread) / width + 1e-9
        coef, noise = np.split(np.linalg.solve(pulled, np.concatenate([means.T, spread], axis=1)).T, [len(means)])
        rows = totals**2 / np.bincount(columns, weights**2)
        intercept = -0.5 * ((coef * means).sum(axis=1) - np.trace(noise) / rows)
        self.coef_ = coef - coef.mean(axis=0)
        self.intercept_ = intercept - intercept.mean()
        return self
