"""Left-out scores by really refitting without the group."""

import numpy as np


def refit_without(vectors, classes, n_classes, slope, ridge, rows_out):
    """Means and S^-1 of the rest, slope and ridge held; a vanished class has mean nan."""
    keep = np.setdiff1d(np.arange(len(vectors)), rows_out)
    x, y = vectors[keep], classes[keep]
    means = np.array(
        [x[y == c].mean(axis=0) if (y == c).any() else np.full(x.shape[1], np.nan) for c in range(n_classes)]
    )
    centered = x - means[y]
    return means, np.linalg.inv(slope * centered.T @ centered + ridge * np.eye(x.shape[1]))


def left_out_scores(vectors, classes, groups, n_classes, slope, ridge):
    """Scores (n, C) and nearest squared distance (n,), each row's group refitted away."""
    scores = np.empty((len(vectors), n_classes))
    distances = np.empty(len(vectors))
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        means, inverse = refit_without(vectors, classes, n_classes, slope, ridge, rows)
        for row in rows:
            x = vectors[row]
            scores[row] = [m @ inverse @ x - 0.5 * m @ inverse @ m if np.isfinite(m).all() else -np.inf for m in means]
            distances[row] = min((x - m) @ inverse @ (x - m) for m in means if np.isfinite(m).all())
    return scores, distances
