"""scikit-learn's BayesianGaussianMixture: four covariance types, two priors of the weights."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from examples.audit.data import clusters
from examples.audit.gaussians import TYPES, Numbers, reading
from examples.audit.log_joints import MixtureLogJoint
from examples.audit.mixture import MixtureOfTheirs, Reading, State
from examples.audit.subject import Step, Subject
from hand_cavi import DirichletWeights, StickBreaking

MEAN, BETA, NU, SCALE, CONCENTRATION = 0.3, 0.4, 1.7, 1.3, 1.3
"""The prior: nu counts from D, the scale is that many unit matrices. Round numbers would hide mistakes."""


class Machine:
    """A BayesianGaussianMixture whose E-steps and M-steps can be taken one by one, from any state.

    Parameters
    ----------
    x : ndarray, shape (N, D)
    n_components : int
    kind : str
        The covariance type.
    process : bool
        Whether the weights are a Dirichlet process, or a Dirichlet.
    documented : bool
        How the covariances are read: see `examples.audit.gaussians`.
    """

    def __init__(
        self, x: np.ndarray, n_components: int, kind: str, *, process: bool, documented: bool
    ) -> None:
        self.x, self.kind, self.process = x, kind, process
        self.model = estimator(x, n_components, kind, process=process)
        self.model._check_parameters(x)
        self.reading: Reading = reading(kind, self._prior(), n_components, documented=documented)
        # q uses the first K sticks of a whole process; what is left of the stick is a piece of its own
        one = StickBreaking(CONCENTRATION) if process else DirichletWeights(CONCENTRATION)
        self.weights = one.for_components(n_components + 1 if process else n_components)

    def _prior(self) -> Numbers:
        m = self.model
        values = (m.mean_prior_, m.mean_precision_prior_, m.degrees_of_freedom_prior_, m.covariance_prior_)
        return dict(zip(("mean", "beta", "nu", "scale"), map(np.asarray, values), strict=True))

    def m_step(self, r: np.ndarray) -> tuple[Any, Any]:
        """Return q(theta) and q(pi) as `_m_step` makes them of responsibilities."""
        with np.errstate(divide="ignore"):
            self.model._m_step(self.x, np.log(r))
        return self.posteriors()

    def posteriors(self) -> tuple[Any, Any]:
        """Return the q(theta) and q(pi) that the estimator holds; its covariances are W^-1 / nu."""
        m = self.model
        covariances, nu = m.covariances_, np.asarray(m.degrees_of_freedom_)
        scale = covariances * nu.reshape(nu.shape + (1,) * (covariances.ndim - nu.ndim))
        components = self.reading.posterior(mean=m.means_, beta=m.mean_precision_, nu=nu, scale=scale)
        if self.process:
            broken, kept = m.weight_concentration_
            return components, replace(self.weights, broken=broken, kept=kept)
        return components, DirichletWeights(m.weight_concentration_)

    def e_step(self, components: Any, weights: Any) -> np.ndarray:
        """Return the responsibilities that `_e_step` makes of q(theta) and q(pi)."""
        from sklearn.mixture._gaussian_mixture import _compute_precision_cholesky

        m, numbers = self.model, self.reading.numbers(components)
        nu, scale = numbers["nu"], numbers["scale"]
        m.means_, m.mean_precision_, m.degrees_of_freedom_ = numbers["mean"], numbers["beta"], nu
        m.covariances_ = scale / nu.reshape(nu.shape + (1,) * (scale.ndim - nu.ndim))
        m.precisions_cholesky_ = _compute_precision_cholesky(m.covariances_, self.kind)
        m.weight_concentration_ = (weights.broken, weights.kept) if self.process else weights.concentration
        return np.exp(m._e_step(self.x)[1])


def estimator(x: np.ndarray, n_components: int, kind: str, *, process: bool, **given: Any) -> Any:
    """Return the estimator; its `reg_covar` is 0, because what it adds to a scatter matrix is no prior."""
    from sklearn.mixture import BayesianGaussianMixture

    d = x.shape[1]
    unit = {"full": np.eye(d), "tied": np.eye(d), "diag": np.ones(d), "spherical": 1.0}[kind]
    return BayesianGaussianMixture(
        n_components=n_components, covariance_type=kind, reg_covar=0.0, tol=0.0, random_state=0,
        weight_concentration_prior_type="dirichlet_process" if process else "dirichlet_distribution",
        weight_concentration_prior=CONCENTRATION, mean_precision_prior=BETA, mean_prior=np.full(d, MEAN),
        degrees_of_freedom_prior=d + NU, covariance_prior=SCALE * unit, **given,
    )  # fmt: skip


def derivation(kind: str, n_components: int, x: np.ndarray, *, process: bool, documented: bool) -> Any:
    """Return the derivation whose updates are scikit-learn's."""
    theirs = Machine(x, n_components, kind, process=process, documented=documented)
    joint = MixtureLogJoint(theirs.reading.prior, theirs.weights, x)
    steps = theirs.m_step, theirs.e_step
    found = MixtureOfTheirs(x, n_components, theirs.reading, theirs.weights, joint, steps)
    found.theirs = theirs
    return found


def steps(of: Any, iterations: int) -> Iterator[Step]:
    """Iterate as `fit_predict` does, from the same start."""
    theirs: Machine = of.theirs
    model = theirs.model
    model._initialize_parameters(of.x, np.random.RandomState(0))
    for iteration in range(1, iterations + 1):
        log_norm, log_r = model._e_step(of.x)
        model._m_step(of.x, log_r)
        bound = np.asarray(model._compute_lower_bound(log_r, log_norm)).item()  # of "tied" it has shape (1,)
        yield Step(iteration, State(np.exp(log_r), *theirs.posteriors()), bound)


def subjects() -> list[Subject]:
    """Return every covariance type with both priors of the weights, in one reading or two."""
    small = clusters(10, 2, 2, seed=1, apart=4.0)
    large = [clusters(60, 5, 2, seed) for seed in range(5)]
    return [
        Subject(
            "scikit-learn", f"{kind}{', process' if process else ''}",
            "documented" if documented else "restricted",
            partial(derivation, kind, 2, process=process, documented=documented), small, large, steps,
        )
        for kind in TYPES
        for documented in ((True,) if kind == "full" else (True, False))
        for process in (False, True)
    ]  # fmt: skip
