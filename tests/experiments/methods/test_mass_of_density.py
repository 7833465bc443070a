"""Bridge sampling between a q and normal densities finds what its density integrates to beside its draws.

Statistical tests have fixed seeds; each states its false-alarm rate over seeds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.special import gammaln

from experiments.methods.mass_of_density import log_masses, with_mass
from experiments.records import Draws, Measurement, Reference, Told
from experiments.verdict.impossible_bounds import N_ERRORS, impossibilities
from hand_cavi import Mixture, fit
from tests.experiments.family_cases import FAMILIES, PRIORS, WEIGHTS, data_of
from tests.experiments.faults import mean_field

NONE = Reference("none", False, "none was asked for")
EYE = np.array([[2.0, 0.7], [0.7, 1.0]])


@dataclass(frozen=True)
class Q:
    """A q of one variable, by functions that draw it and give its log density, off by some nats."""

    draw: Callable[[np.random.Generator, int], np.ndarray]
    density: Callable[[np.ndarray], np.ndarray]
    excess: float = 0.0

    def sample(self, rng: np.random.Generator, n: int) -> Draws:
        return {"theta": self.draw(rng, n)}

    def log_density(self, draws: Mapping[str, np.ndarray]) -> np.ndarray:
        return self.density(draws["theta"]) + self.excess


def dirichlet(alpha: list[float]) -> Q:
    constant = gammaln(np.sum(alpha)) - np.sum(gammaln(alpha))
    density = lambda p: constant + np.log(p) @ (np.array(alpha) - 1)  # noqa: E731
    return Q(lambda rng, n: rng.dirichlet(alpha, n), density)


LAWS = {
    "normal": Q(lambda rng, n: 1e6 + 1e-3 * rng.standard_normal(n), stats.norm(1e6, 1e-3).logpdf),
    "t": Q(lambda rng, n: rng.standard_t(3, n), stats.t(3).logpdf),
    "gamma": Q(lambda rng, n: rng.gamma(0.5, 3.0, n), stats.gamma(0.5, scale=3.0).logpdf),
    "beta": Q(lambda rng, n: rng.beta(1.0, 4.0, n), stats.beta(1.0, 4.0).logpdf),
    "dirichlet": dirichlet([0.5, 1.0, 6.0]),
    "dirichlet at the edge": dirichlet([1e-2, 1.0, 5.0]),  # draws round to 0
    "wishart": Q(
        lambda rng, n: stats.wishart(4, EYE).rvs(n, rng), lambda w: stats.wishart(4, EYE).logpdf(w.T)
    ),
    "two modes": Q(
        lambda rng, n: rng.standard_normal(n) + rng.choice([-3.0, 3.0], n),
        lambda x: np.logaddexp(stats.norm.logpdf(x, -3), stats.norm.logpdf(x, 3)) - np.log(2),
    ),
    "cut at 0 and 3, its density not": Q(
        lambda rng, n: stats.truncnorm(-1, 0.5, 2.0, 2.0).rvs(n, random_state=rng),
        lambda x: stats.norm.logpdf(x, 2, 2) - np.log(stats.norm.cdf(0.5) - stats.norm.cdf(-1)),
    ),
}


def everywhere(draws: Draws) -> np.ndarray:
    return np.zeros(len(next(iter(draws.values()))))


def inside(draws: Draws) -> np.ndarray:
    return np.where((draws["theta"] > 0) & (draws["theta"] < 3), 0.0, -np.inf)


def masses(q: Any, log_p: Any = everywhere, seed: int = 1) -> np.ndarray:
    shapes = {name: one.shape[1:] for name, one in q.sample(np.random.default_rng(0), 2).items()}
    with np.errstate(all="ignore"):
        return np.array(list(log_masses(q, shapes, log_p, np.random.default_rng(seed))))


def called_wrong(mass: float | None, error: float | None) -> bool:
    return bool(impossibilities({"density_mass": Measurement(mass, error, "nats")}, None))


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("excess", [0.0, -1.0, 0.3])
def test_the_mass_of_a_known_law(law: str, excess: float) -> None:
    """27 cases of 3 figures, each beyond 5 errors with a chance of 6e-7."""
    q = Q(LAWS[law].draw, LAWS[law].density, excess)
    found = masses(q, inside if law.startswith("cut") else everywhere)
    assert len(found) == 3
    assert (abs(found[:, 0] - excess) < 5 * found[:, 1]).all(), found
    assert (found[:, 1] < 0.06).all()


def test_a_density_is_not_asked_where_theta_cannot_be() -> None:
    law = "cut at 0 and 3, its density not"
    found = masses(LAWS[law])
    assert (found[:2, 0] > 5 * found[:2, 1]).all()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("weights", WEIGHTS)
def test_no_right_q_is_blamed(family: str, weights: str) -> None:
    """Of 180 figures none is beyond 5 errors: by chance one is in 1e-4 of such runs."""
    for n_components in (1, 2, 5, 8):
        x = data_of(family, n=40 + 20 * n_components, seed=n_components)
        q = fit(Mixture(PRIORS[family], WEIGHTS[weights], n_components), x, rng=1, starts=1, max_sweeps=50)
        found = masses(q, seed=n_components)
        assert len(found) > 0
        assert (abs(found[:, 0]) < N_ERRORS * found[:, 1]).all(), found


def test_stated_errors_are_the_spread_over_replications() -> None:
    """200 times: the sd of z is within 5 of its errors of 1, its mean of 0; none is called wrong."""
    found = np.array([masses(LAWS["gamma"], seed=seed) for seed in range(200)])
    z = found[..., 0] / found[..., 1]
    assert (abs(z.mean(axis=0)) < 5 / np.sqrt(200)).all()
    assert (abs(z.std(axis=0) - 1) < 5 / np.sqrt(400)).all()
    assert not any(called_wrong(*one) for one in found.reshape(-1, 2))


@pytest.mark.parametrize(
    ("draws", "density"), [((0.0, 0.6), (0.0, 1.0)), ((0.5, 1.0), (0.0, 1.0)), ((0.0, 1.0), (0.0, 0.7))]
)
def test_the_density_of_another_law_is_told_from_that_of_the_draws(draws: Any, density: Any) -> None:
    """By quadrature: what the equation's root is where d is N(draws), q is N(density) and r fits d."""
    q = Q(lambda rng, n: rng.normal(*draws, n), stats.norm(*density).logpdf)
    found = masses(q)
    t = np.linspace(-12, 12, 20001)
    d, given = stats.norm(*draws).pdf(t), stats.norm(*density).pdf(t)
    grid = np.linspace(-4, 4, 8001)
    off = [np.sum((d * d - given * np.exp(-c) * d) / (given * np.exp(-c) + d + 1e-300)) for c in grid]
    truth = grid[np.argmin(np.abs(off))]
    assert abs(found[0, 0] - truth) < 5 * found[0, 1] + 0.02  # r is fitted, by 2000 draws
    told = with_mass(Told(), q, {"theta": ()}, everywhere, 1)
    assert called_wrong(told.log_mass, told.log_mass_se)


def test_what_cannot_be_told_is_not() -> None:
    many = Q(lambda rng, n: rng.standard_normal((n, 500)), lambda x: stats.norm.logpdf(x).sum(axis=1))
    assert not len(masses(many))
    spikes = Q(
        lambda rng, n: rng.choice([-1.0, 1.0], n) + 1e-6 * rng.standard_normal(n),
        lambda x: stats.norm.logpdf(np.abs(x), 1, 1e-6) - np.log(2),
    )
    assert not len(masses(spikes))
    still = Q(lambda rng, n: np.ones(n), np.zeros_like)
    told = with_mass(Told(log_mass=3.0), still, {"theta": ()}, everywhere, 1)
    assert told.log_mass is None and told.log_mass_se is None
    assert with_mass(Told(), None, {}, everywhere, 1) == Told()


def test_a_q_of_advis_is_looked_at_in_its_own_coordinates_or_others() -> None:
    q = mean_field(np.array([0.5, 2.0]), np.array([0.1, 0.3]))
    shapes = {name: one.shape[1:] for name, one in q.sample(np.random.default_rng(0), 2).items()}
    told = with_mass(Told(), q, shapes, everywhere, 3)
    assert abs(told.log_mass) < 5 * told.log_mass_se
