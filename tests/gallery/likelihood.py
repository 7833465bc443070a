"""Maximum likelihood by other means than ours: EM for counts and categories, scikit-learn's for normals."""

import numpy as np
from scipy.special import gammaln, logsumexp


def poissons(frequencies: list[int], n_components: int) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the log likelihood, the weights and the rates, ascending, at the maximum.

    Frequencies are those of 0, 1, 2, ...
    """
    n, x = np.array(frequencies, dtype=float), np.arange(len(frequencies), dtype=float)
    rng, found, mean = np.random.default_rng(0), [], n @ x / n.sum()
    for _ in range(3):
        weight, rate = np.full(n_components, 1 / n_components), rng.gamma(2.0, mean / 2, n_components)
        for _ in range(4000):
            log_r = np.log(weight) + x[:, np.newaxis] * np.log(rate) - rate - gammaln(x + 1)[:, np.newaxis]
            total = logsumexp(log_r, axis=1)
            r = np.exp(log_r - total[:, np.newaxis]) * n[:, np.newaxis]
            weight, rate = r.sum(axis=0) / n.sum(), x @ r / r.sum(axis=0)
        found.append((float(n @ total), weight[np.argsort(rate)], np.sort(rate)))
    return max(found, key=lambda one: one[0])


def classes(patterns: np.ndarray, counts: np.ndarray, n_classes: int) -> tuple[float, np.ndarray, np.ndarray]:
    """Return G^2, the weights and the chances of a 1, (K, D), of a latent-class model of binary answers.

    Patterns are (M, D), how often each was seen is (M,); classes come with the likeliest to answer 1 first.
    """
    rng, found, n = np.random.default_rng(0), [], counts.sum()
    for _ in range(3):
        weight, chance = (
            np.full(n_classes, 1 / n_classes),
            rng.uniform(0.2, 0.8, (n_classes, patterns.shape[1])),
        )
        for _ in range(2000):
            log_r = np.log(weight) + patterns @ np.log(chance).T + (1 - patterns) @ np.log1p(-chance).T
            total = logsumexp(log_r, axis=1)
            r = np.exp(log_r - total[:, np.newaxis]) * counts[:, np.newaxis]
            weight = r.sum(axis=0) / n
            chance = np.clip(r.T @ patterns / r.sum(axis=0)[:, np.newaxis], 1e-9, 1 - 1e-9)
        g_squared = 2 * float(counts @ (np.log(counts / n) - total))
        order = np.argsort(-chance.sum(axis=1))
        found.append((g_squared, weight[order], chance[order]))
    return min(found, key=lambda one: one[0])


def normals(x: np.ndarray, n_components: int, kind: str = "full") -> tuple[np.ndarray, np.ndarray]:
    """Return the means, (K, D), by their first entry, and weights; `kind` is scikit-learn's."""
    from sklearn.mixture import GaussianMixture

    model = GaussianMixture(
        n_components, covariance_type=kind, n_init=5, tol=1e-7, max_iter=5000, random_state=0
    )
    model.fit(x)
    order = np.argsort(model.means_[:, 0])
    return model.means_[order], model.weights_[order]
