"""hmmlearn: VariationalCategoricalHMM and VariationalGaussianHMM."""

import logging
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from examples.audit.chain import ChainOfTheirs, Posteriors, Potentials, State, moments
from examples.audit.data import chain, symbols
from examples.audit.gaussians import TYPES, reading
from examples.audit.mixture import Reading, own_reading
from examples.audit.subject import Step, Subject
from hand_cavi import DirichletCategorical

ALPHA, EMISSION = 1.3, 0.7
MEAN, BETA, NU, SCALE = 0.3, 0.4, 1.7, 1.3
"""The priors; nu counts from D."""


class Machine:
    """A variational model of hmmlearn whose E-steps and M-steps can be taken one by one, from any state."""

    def __init__(self, model: Any, reading: Reading, x: np.ndarray) -> None:
        self.model, self.reading, self.x = model, reading, x
        logging.getLogger("hmmlearn").setLevel(logging.ERROR)  # it warns of every start anew
        model._init(x, [len(x)])
        model._check()

    def e_step(self, posteriors: Posteriors) -> Potentials:
        """Return the potentials that `_do_estep` runs its forward and backward sums with."""
        m = self.model
        m.startprob_posterior_, m.transmat_posterior_, emissions = posteriors
        self.set_emissions(emissions)
        m._estep_begin()
        return self.potentials()

    def potentials(self) -> Potentials:
        """Return the potentials of the model as it stands."""
        m = self.model
        with np.errstate(divide="ignore"):
            start, transitions = np.log(m.startprob_subnorm_), np.log(m.transmat_subnorm_)
        return {
            "start": start,
            "transitions": transitions,
            "frames": m._compute_subnorm_log_likelihood(self.x).copy(),
        }

    def m_step(self, potentials: Potentials) -> Posteriors:
        """Return what the library's forward and backward sums and its `_do_mstep` make of potentials."""
        m, stats = self.model, self.model._initialize_sufficient_statistics()
        m.startprob_subnorm_ = np.exp(potentials["start"])
        m.transmat_subnorm_ = np.exp(potentials["transitions"])
        m._compute_subnorm_log_likelihood = lambda x: potentials["frames"].copy()
        lattice, _, *sums = m._fit_log(self.x)
        del m._compute_subnorm_log_likelihood
        m._accumulate_sufficient_statistics(stats, self.x, lattice, *sums)
        m._do_mstep(stats)
        return self.posteriors()

    def posteriors(self) -> Posteriors:
        """Return what the model holds."""
        m = self.model
        return m.startprob_posterior_.copy(), m.transmat_posterior_.copy(), self.emissions()


class Categories(Machine):
    """VariationalCategoricalHMM."""

    def set_emissions(self, q: DirichletCategorical) -> None:
        """Hand q(theta) to the model."""
        self.model.emissionprob_posterior_ = q.concentration[:, 0]

    def emissions(self) -> DirichletCategorical:
        """Return the model's q(theta)."""
        return DirichletCategorical(self.model.emissionprob_posterior_[:, np.newaxis].copy())


class Gaussians(Machine):
    """VariationalGaussianHMM; its `scale_posterior_` is W^-1."""

    def set_emissions(self, q: Any) -> None:
        """Hand q(theta) to the model."""
        m, numbers = self.model, self.reading.numbers(q)
        m.means_posterior_, m.beta_posterior_ = numbers["mean"], numbers["beta"]
        tied = m.covariance_type == "tied"
        m.dof_posterior_ = float(numbers["nu"]) if tied else numbers["nu"]
        m.scale_posterior_ = numbers["scale"]

    def emissions(self) -> Any:
        """Return the model's q(theta)."""
        m = self.model
        values = (m.means_posterior_, m.beta_posterior_, m.dof_posterior_, m.scale_posterior_)
        copies = (np.array(value, dtype=float) for value in values)
        return self.reading.posterior(**dict(zip(("mean", "beta", "nu", "scale"), copies, strict=True)))


def _derivation(theirs: Machine, x: np.ndarray, n_states: int) -> ChainOfTheirs:
    found = ChainOfTheirs(x, n_states, theirs.reading, ALPHA, (theirs.m_step, theirs.e_step))
    found.theirs = theirs
    return found


def categorical(x: np.ndarray, n_states: int, n_categories: int) -> ChainOfTheirs:
    """Return a chain of categories whose updates are hmmlearn's."""
    from hmmlearn.vhmm import VariationalCategoricalHMM

    model = VariationalCategoricalHMM(
        n_states, startprob_prior=ALPHA, transmat_prior=ALPHA, emissionprob_prior=EMISSION,
        n_features=n_categories, random_state=0,
    )  # fmt: skip
    prior = DirichletCategorical(np.full((1, n_categories), EMISSION))
    return _derivation(Categories(model, own_reading(prior), x.astype(int)), x, n_states)


def gaussian(x: np.ndarray, n_states: int, kind: str, *, documented: bool) -> ChainOfTheirs:
    """Return a chain of Gaussians whose updates are hmmlearn's."""
    from hmmlearn.vhmm import VariationalGaussianHMM

    d = x.shape[1]
    unit = {"full": np.eye(d), "tied": np.eye(d), "diag": np.ones(d), "spherical": np.ones(())}[kind]
    prior = {"mean": np.full(d, MEAN), "beta": BETA, "nu": d + NU, "scale": SCALE * unit}
    each = () if kind == "tied" else (n_states,)
    model = VariationalGaussianHMM(
        n_states, kind, startprob_prior=ALPHA, transmat_prior=ALPHA, random_state=0,
        means_prior=np.tile(prior["mean"], (n_states, 1)), beta_prior=np.full(n_states, BETA),
        dof_prior=d + NU if kind == "tied" else np.full(n_states, d + NU),
        scale_prior=np.broadcast_to(prior["scale"], each + unit.shape).copy(),
    )  # fmt: skip
    read = reading(kind, prior, n_states, documented=documented)
    return _derivation(Gaussians(model, read, x), x, n_states)


def steps(of: Any, iterations: int) -> Iterator[Step]:
    """Iterate as `fit` does, which computes the bound between the E-step and the M-step."""
    theirs: Machine = of.theirs
    model, lengths = theirs.model, [len(of.x)]
    model._init(theirs.x, lengths)
    for iteration in range(1, iterations + 1):
        stats, log_norm = model._do_estep(theirs.x, lengths)
        potentials = theirs.potentials()
        state = State(potentials, *moments(potentials), *theirs.posteriors())
        yield Step(iteration, state, float(model._compute_lower_bound(log_norm)))
        model._do_mstep(stats)


def subjects() -> list[Subject]:
    """Return categories, and Gaussians of every covariance type."""
    seeds = range(5)
    small, large = chain(10, 2, 2, seed=2, apart=4.0), [chain(60, 5, 2, seed) for seed in seeds]
    gaussians = [
        Subject("hmmlearn", kind, "documented" if documented else "restricted",
                partial(gaussian, n_states=2, kind=kind, documented=documented), small, large, steps)
        for kind in TYPES
        for documented in ((True,) if kind in ("full", "tied") else (True, False))
    ]  # fmt: skip
    return [
        Subject("hmmlearn", "categorical", "documented", partial(categorical, n_states=2, n_categories=3),
                symbols(8, 2, 3), [symbols(60, 2, 3, seed) for seed in seeds], steps),
        *gaussians,
    ]  # fmt: skip
