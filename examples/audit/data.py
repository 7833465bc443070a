"""Data from fixed seeds: few points whose posterior can be summed out, and more for the iterations.

The small data are well apart, so that widths tell of the approximation and not of which mode was found. The
larger ones overlap, where mistakes that cancel at an optimum show on the way.
"""

import numpy as np


def clusters(n: int, n_features: int, n_components: int, seed: int = 0, apart: float = 1.0) -> np.ndarray:
    """Return n points of unit normal clusters whose centres have an sd of `apart`, (n, D)."""
    rng = np.random.default_rng(seed)
    centres = apart * rng.standard_normal((n_components, n_features))
    return centres[np.arange(n) % n_components] + rng.standard_normal((n, n_features))


def counts(n: int, n_features: int, n_components: int, seed: int = 0, apart: float = 1.0) -> np.ndarray:
    """Return n points of Poisson clusters whose log rates have an sd of `apart`, (n, D)."""
    rng = np.random.default_rng(seed)
    rates = np.exp(1.0 + apart * rng.standard_normal((n_components, n_features)))
    return rng.poisson(rates[np.arange(n) % n_components]).astype(float)


def categories(n: int, n_features: int, n_components: int, n_categories: int, seed: int = 0) -> np.ndarray:
    """Return n points of latent classes, (n, D), each a category."""
    rng = np.random.default_rng(seed)
    chances = rng.dirichlet(np.full(n_categories, 0.4), (n_components, n_features))
    return _category(rng, chances[np.arange(n) % n_components])


def chain(n: int, n_features: int, n_states: int, seed: int = 0, apart: float = 1.0) -> np.ndarray:
    """Return n unit normal steps, (n, D), whose centre is that of a chain's state."""
    rng = np.random.default_rng(seed)
    centres = apart * rng.standard_normal((n_states, n_features))
    return centres[_states(rng, n, n_states)] + rng.standard_normal((n, n_features))


def symbols(n: int, n_states: int, n_categories: int, seed: int = 0) -> np.ndarray:
    """Return n categories, (n, 1), whose chances are those of a chain's state."""
    rng = np.random.default_rng(seed)
    chances = rng.dirichlet(np.full(n_categories, 0.4), (n_states, 1))
    return _category(rng, chances[_states(rng, n, n_states)])


def documents(n: int, n_words: int, n_topics: int, length: int, seed: int = 0) -> np.ndarray:
    """Return how often each of n documents has each word, (n, V), all of one length."""
    rng = np.random.default_rng(seed)
    topics = rng.dirichlet(np.full(n_words, 0.3), n_topics)
    shares = rng.dirichlet(np.full(n_topics, 0.5), n)
    return np.array([rng.multinomial(length, share @ topics) for share in shares], dtype=float)


def _states(rng: np.random.Generator, n: int, n_states: int) -> np.ndarray:
    """Return n states of a chain that stays where it is with probability 0.8 or a bit more."""
    z = [0]
    for _ in range(n - 1):
        z.append(z[-1] if rng.random() < 0.8 else int(rng.integers(n_states)))
    return np.array(z)


def _category(rng: np.random.Generator, chances: np.ndarray) -> np.ndarray:
    """Return a category of each, from chances (..., C)."""
    drawn = rng.random(chances.shape[:-1] + (1,)) > np.cumsum(chances, axis=-1)[..., :-1]
    return drawn.sum(axis=-1).astype(float)
