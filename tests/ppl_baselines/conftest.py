"""One small textbook mixture for all tests here, so that the compile cache is shared as far as it goes."""

from types import SimpleNamespace

import numpy as np
import pytensor
import pytest
from pytensor.compile.mode import Mode

from ppl_baselines.pymc.build import build
from ppl_baselines.pymc.log_density import compile_log_density

PLAIN = Mode(linker="py", optimizer="fast_compile")
"""PyTensor's graphs by Python and numpy alone: slow, but nothing is compiled (see `nothing_compiled`)."""


def textbook(n_components, mean=(0.0,), variance=25.0, noise_variance=1.0):
    """Stand in for `hand_cavi.Mixture`: ppl_baselines reads fields, whatever bears them."""
    components = SimpleNamespace(
        name="normal_known_variance",
        mean=np.array(mean),
        variance=np.array(variance),
        noise_variance=noise_variance,
    )
    return SimpleNamespace(
        n_components=n_components, components=components, weights=SimpleNamespace(name="fixed")
    )


def log_joint(mixture, x, draws, sample_weight=None):
    """log p(x, mu) by (S,), in plain numpy with loops, written from the model and from nothing else."""
    prior, K = mixture.components, mixture.n_components
    w = np.ones(len(x)) if sample_weight is None else sample_weight

    def log_normal(at, mean, variance):
        return -0.5 * np.log(2 * np.pi * variance) - (at - mean) ** 2 / (2 * variance)

    totals = []
    for mu in draws["mu"]:  # (K, D)
        total = log_normal(mu, prior.mean, prior.variance).sum()
        for point, weight in zip(x, w, strict=True):
            by_component = [log_normal(point, mu[k], prior.noise_variance).sum() for k in range(K)]
            total += weight * (np.logaddexp.reduce(by_component) - np.log(K))
        totals.append(total)
    return np.array(totals)


@pytest.fixture
def nothing_compiled():
    """Keep PyTensor from compiling the insides of operators in C, which it does whatever the mode."""
    with pytensor.config.change_flags(cxx=""):
        yield


@pytest.fixture(scope="session")
def mixture():
    return textbook(2)


@pytest.fixture(scope="session")
def x():
    """The data of docs/mathematics.md, 11: ln p(x) = -17.990121876653 with sigma^2 = 25 and K = 2."""
    return np.array([-2.6, -2.1, -1.7, -1.2, 1.4, 1.9, 2.3, 2.8])[:, None]


@pytest.fixture(scope="session")
def model(mixture, x):
    return build(mixture, x)


@pytest.fixture(scope="session")
def log_density(model):
    return compile_log_density(model)


@pytest.fixture
def starts():
    return [{"mu": np.array([[-1.0], [1.0]])}, {"mu": np.array([[2.0], [-2.0]])}]
