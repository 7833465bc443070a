"""Some hundred kinds of planted fault, as a user's own method would hand them in, and what the judge says.

Each goes the whole way: `fit` returns a `Fitted`, `fit_cell` looks at it and scores it, the judge measures
and judges it. Five problems: the textbook's mixture, Normal-Gamma and Normal-Wishart components with
Dirichlet weights (K = 2, N = 40, clusters six noise sds apart), counts of two overlapping Poisson clusters,
whose rates and weights are correlated by about 0.5, and a user's own model, a normal distribution with
unknown mean and precision, whose posterior is known. Faults are functions of a `Base`, from correct
figures to wrong ones.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from scipy.stats import norm

from experiments.config.options import Options, ReferenceOptions, VerdictOptions
from experiments.methods.mixture_target import MixtureTarget
from experiments.methods.own.variables import as_tree, quantities_of, with_quantities
from experiments.metrics import METRICS, Context
from experiments.posterior.quantities import stored_quantities
from experiments.records import (
    Cell,
    CellRecord,
    Fitted,
    MethodResult,
    NotFinite,
    Problem,
    Reference,
    Told,
    Verdict,
)
from experiments.references import reference
from experiments.references.nuts import reference_of
from experiments.studies import judging
from experiments.studies.fitting import Assignment, fit_cell
from hand_cavi import (
    DirichletWeights,
    FixedWeights,
    GammaPoisson,
    Mixture,
    NormalGamma,
    NormalKnownVariance,
    NormalWishart,
)
from hand_cavi import fit as cavi
from hand_cavi.gibbs.sampler import gibbs

N = 40
CHAINS, DRAWS = 4, 1000
READ = (
    *("mean_error", "sd_ratio", "parameter_error", "parameter_sd_ratio", "likelihood_error", "sorted_means"),
    *("predictive_distance", "co_clustering", "own_bound", "recomputed_bound", "update_gain", "step_gain"),
    *("collapsed_bound", "symmetrised_bound", "iwae", "importance_evidence", "monotonicity", "sorted_sds"),
    *("means", "sds", "density_mass", "likelihood_sd_ratio"),
)
"""The metrics that a verdict reads."""

MIXTURES = {
    "textbook": Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 2),
    "normal-gamma": Mixture(NormalGamma(0.0, 0.04, 2.0, 2.0), DirichletWeights(1.0), 2),
    "normal-wishart": Mixture(NormalWishart([0.0, 0.0], 0.04, 4.0, 4 * np.eye(2)), DirichletWeights(1.0), 2),
    "counts": Mixture(GammaPoisson(2.0, 0.4), DirichletWeights(2.0), 2),
}
OWN = "own model"
PROBLEMS = ("textbook", "normal-gamma", "normal-wishart", OWN, "counts")

Draws = dict[str, np.ndarray]


class Settings(Options):
    """None."""


class Given:
    """A method that returns what it was given: the planted result of the moment."""

    Settings = Settings
    fitted: object = None

    def fit(self, target: object, settings: Settings, *, starts: object, seed: int) -> object:
        return self.fitted


METHOD = Given()
KIND = "tests.experiments.planted:METHOD"


# ---- problems ------------------------------------------------------------------------------------


class OwnNormal:
    """A target: x ~ N(mu, 1/tau), mu | tau ~ N(0, 1/(0.1 tau)), tau ~ Gamma(2, 1)."""

    structure, problem = None, None

    def __init__(self, x: np.ndarray) -> None:
        self.x = x
        n, mean = len(x), x.mean()
        self.scale, self.a = 0.1 + n, 2 + n / 2
        self.m = n * mean / self.scale
        self.b = 1 + 0.5 * np.sum((x - mean) ** 2) + 0.5 * 0.1 * n * mean**2 / self.scale

    def exact(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Draws:
        tau = rng.gamma(self.a, 1 / self.b, shape)
        return {"mu": self.m + rng.standard_normal(shape) / np.sqrt(self.scale * tau), "tau": tau}

    def log_joint(self, draws: Draws) -> np.ndarray:
        mu, tau = draws["mu"], draws["tau"]
        with np.errstate(invalid="ignore", divide="ignore"):
            sd = 1 / np.sqrt(tau)
            prior = norm.logpdf(mu, 0, sd / np.sqrt(0.1)) + np.log(tau) - tau
            return prior + norm.logpdf(self.x[:, np.newaxis], mu, sd).sum(axis=0)

    def starts(self, seed: int) -> "OwnNormal":
        return self

    def parameters(self, n: int) -> list[Draws]:
        return [{"mu": np.array(self.m), "tau": np.array(1.0)}] * n

    def symmetrise(self, q: object, draws: Draws) -> None:
        return None

    def quantities(self, tree: xr.DataTree) -> Draws:
        return stored_quantities(tree)

    def as_tree(self, chains: Draws, *, sample_stats: Any = None, attributes: Any = None) -> xr.DataTree:
        stats = {"log_joint": self._of_chains(chains), **(sample_stats or {})}
        tree = as_tree(chains, sample_stats=stats)
        return with_quantities(tree, quantities_of(None, tree))

    def _of_chains(self, chains: Draws) -> np.ndarray:
        return self.log_joint({name: one.ravel() for name, one in chains.items()}).reshape(chains["mu"].shape)


def data_of(problem: str, rng: np.random.Generator) -> np.ndarray:
    if problem == OWN:
        return 3 + 1.5 * rng.standard_normal(N)
    if problem == "counts":
        return rng.poisson(np.where(np.arange(N) % 3 < 1, 2.0, 8.0)).astype(float)[:, np.newaxis]
    share = 2 if problem == "textbook" else 3  # the first cluster holds a half, or a third
    x = np.where(np.arange(N) % share < 1, -3.0, 3.0) + rng.standard_normal(N)
    if problem != "normal-wishart":
        return x[:, np.newaxis]
    return np.stack([x, 0.5 * (x - np.sign(x) * 3) + rng.standard_normal(N)], axis=1)


@dataclass(frozen=True)
class Base:
    """A problem, the truth about it, and the correct figures that faults are made of."""

    name: str
    seed: int
    target: Any
    problem: Problem | None
    truth: Reference

    @classmethod
    def of(cls, name: str, seed: int) -> "Base":
        rng = np.random.default_rng([seed, PROBLEMS.index(name)])
        x = data_of(name, rng)
        if name == OWN:
            target = OwnNormal(x)
            stats = {"diverging": np.zeros((4, 2000), bool), "energy": rng.standard_normal((4, 2000))}
            tree = target.as_tree(target.exact(rng, (4, 2000)), sample_stats=stats)
            compared = judging._compared(tree)
            truth = reference_of(tree, *judging.examine_quantities(compared, stats))
            return cls(name, seed, target, None, truth)
        problem = Problem(MIXTURES[name], x)
        method = "quadrature" if name == "textbook" else ["gibbs", "bridge"]
        truth = reference(problem, method=method, rng=seed, n_draws=20_000)
        return cls(name, seed, MixtureTarget(problem), problem, truth)

    @property
    def rng(self) -> np.random.Generator:
        """The fault's own randomness, the same for every fault."""
        return np.random.default_rng([self.seed, 99])

    @cached_property
    def chains(self) -> Draws:
        """Correct chains, (C, M, ...): nearly independent draws of the posterior."""
        if self.problem is None:
            return self.target.exact(self.rng, (CHAINS, DRAWS))
        return self.gibbs(self.problem, thin=30 if self.name == "counts" else 5)

    def gibbs(self, problem: Problem, thin: int = 1) -> Draws:
        run = gibbs(
            problem.mixture,
            problem.x,
            rng=self.seed + 1000,
            chains=CHAINS,
            draws=DRAWS,
            tune=200,
            thin=thin,
            sample_weight=problem.sample_weight,
            keep_assignments=False,
        )
        return run.draws

    @cached_property
    def fitted(self) -> Any:
        """A correct q."""
        if self.problem is None:
            return OwnQ(self.target, *_best_factors(self.target))
        return cavi(self.problem.mixture, self.problem.x, rng=self.seed, starts=5)

    @property
    def bound(self) -> float:
        return self.fitted.elbo

    @property
    def bound_of(self) -> str:
        return "theta" if self.problem is None else "theta and assignments"


@dataclass(frozen=True)
class OwnQ:
    """q(mu) q(tau) of the own model."""

    target: OwnNormal
    m: float
    l: float
    a: float
    b: float

    def sample(self, rng: np.random.Generator, n: int) -> Draws:
        return {
            "mu": self.m + rng.standard_normal(n) / np.sqrt(self.l),
            "tau": rng.gamma(self.a, 1 / self.b, n),
        }

    def log_density(self, draws: Draws) -> np.ndarray:
        from scipy.stats import gamma

        q_mu = norm.logpdf(draws["mu"], self.m, self.l**-0.5)
        return q_mu + gamma.logpdf(draws["tau"], self.a, scale=1 / self.b)

    @property
    def elbo(self) -> float:
        """The bound in closed form, by E[(x - mu)^2] = (x - m)^2 + 1/l."""
        from scipy.special import digamma, gammaln

        x, n = self.target.x, len(self.target.x)
        tau, log_tau, log_2pi = self.a / self.b, digamma(self.a) - np.log(self.b), np.log(2 * np.pi)
        square = np.sum((x - self.m) ** 2) + n / self.l + 0.1 * (self.m**2 + 1 / self.l)
        joint = (n + 1) / 2 * (log_tau - log_2pi) + 0.5 * np.log(0.1) - tau / 2 * square + log_tau - tau
        entropy = 0.5 * (1 + log_2pi - np.log(self.l))
        entropy += self.a - np.log(self.b) + gammaln(self.a) + (1 - self.a) * digamma(self.a)
        return float(joint + entropy)


def _best_factors(target: OwnNormal) -> tuple[float, float, float, float]:
    n, tau = len(target.x), 1.0
    a = 2 + (n + 1) / 2
    for _ in range(100):
        precision = target.scale * tau
        square = np.sum((target.x - target.m) ** 2) + n / precision + 0.1 * (target.m**2 + 1 / precision)
        b = 1 + square / 2
        tau = a / b
    return target.m, precision, a, b


# ---- judging -------------------------------------------------------------------------------------


def verdict_on(base: Base, fitted: object) -> Verdict | str:
    """Return the verdict on what a method hands in, or the sentence by which its cell is refused."""
    from hand_cavi import InputError

    METHOD.fitted = fitted
    package = "methods" if base.problem is not None else "own methods"
    try:
        result = fit_cell(Assignment(base.target, package, KIND, Settings(), base.seed, base.seed + 7))
    except InputError as error:
        return str(error)
    if isinstance(result, NotFinite):
        return result.message
    return judged(base, result)


def judged(base: Base, result: MethodResult) -> Verdict:
    place = Cell("d", "m", "own", 1, "k", KIND)
    record = CellRecord(place, "ok", **{**vars(result), "draws": None})
    context = Context(base.problem, result.draws, record, base.truth, method="own", kind=KIND)
    metrics = {name: METRICS[name] for name in READ}
    measured = {name: one(context) for name, one in metrics.items() if one.applies(context)}
    case = judging.Case(base.problem, (record,), 0, ReferenceOptions(), VerdictOptions())
    return judging._verdict(case, record, context, measured)


# ---- what methods hand in ------------------------------------------------------------------------


def sampled(base: Base, draws: Draws, told: Told | None = None, **stats: np.ndarray) -> Fitted:
    """A sampler's chains, (C, M, ...), dressed as NUTS that finds no fault with itself unless told."""
    shape = next(iter(draws.values())).shape[:2]
    quiet = {"diverging": np.zeros(shape, bool), "energy": base.rng.standard_normal(shape)}
    groups = {"posterior": draws, "sample_stats": {**quiet, **stats}}
    tree = {
        group: xr.Dataset(
            {
                name: (("chain", "draw", *(f"{name}_{i}" for i in range(one.ndim - 2))), one)
                for name, one in arrays.items()
            }
        )
        for group, arrays in groups.items()
    }
    return Fitted("sampled", "", 0.0, 1.0, chains=xr.DataTree.from_dict(tree), told=told or Told())


@dataclass(frozen=True)
class Bent:
    """A q whose draws are another's, bent; its density is another's, or wrong by some nats."""

    q: Any
    bend: Callable[[Draws], Draws] = lambda draws: draws
    unbend: Callable[[Draws], Draws] | None = None
    log_volume: float = 0.0
    excess: float = 0.0

    def sample(self, rng: np.random.Generator, n: int) -> Draws:
        return self.bend(self.q.sample(rng, n))

    def log_density(self, draws: Draws) -> np.ndarray:
        return (
            self.q.log_density(self.unbend(draws) if self.unbend else draws) - self.log_volume + self.excess
        )


def handed(base: Base, **changes: Any) -> Fitted:
    """A correct q with its bound, but for some fields."""
    told = Told(bound_of=base.bound_of, elbo_left=0.0)
    whole = Fitted("converged", "", 0.0, 1.0, q=base.fitted, bound=base.bound, bound_se=0.0, told=told)
    return replace(whole, **changes)


def told(base: Base, **changes: Any) -> Fitted:
    return handed(base, told=replace(Told(bound_of=base.bound_of, elbo_left=0.0), **changes))
