"""Methods with planted faults, the problems they are tried on, and their verdicts; for tests and benchmarks.

Every problem is the textbook's mixture with K = 2: N points of two clusters of unit noise, with the prior
mu_k ~ N(0, 25). The exact posterior comes from enumeration for small N, else from quadrature.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from experiments.config.options import VerdictOptions
from experiments.methods.mixture_target import MixtureTarget
from experiments.methods.score import score
from experiments.methods.step_gain import gain_of_a_step
from experiments.metrics import METRICS
from experiments.records import Approximation, MethodResult, Problem, Reference, Told, Verdict
from experiments.references import reference
from experiments.verdict import verdict_of_cell
from hand_cavi import FixedWeights, Mixture, NormalKnownVariance, fit
from ppl_baselines.gaussian import GaussianApproximation
from ppl_baselines.transforms import Identity
from ppl_baselines.unconstrained import Coordinates, Span
from tests.experiments.fitted import context_for

VARIANCE = 25.0
READ = (
    "mean_error",
    "sd_ratio",
    "sorted_means",
    "sorted_sds",
    "own_bound",
    "recomputed_bound",
    "update_gain",
    "step_gain",
    "collapsed_bound",
    "symmetrised_bound",
)
"""The metrics that a verdict reads."""


def textbook(variance: float = VARIANCE) -> Mixture:
    return Mixture(NormalKnownVariance(0.0, variance), FixedWeights(), 2)


def two_clusters(seed: int, *, n: int = 40, apart: float = 6.0) -> Problem:
    """Return n points, half of them about -apart/2 and half about apart/2 (and their truth)."""
    rng = np.random.default_rng(seed)
    assignments = np.arange(n) % 2
    mu = np.array([-apart / 2, apart / 2])
    x = mu[assignments] + rng.standard_normal(n)
    return Problem(textbook(), x[:, np.newaxis], truth={"mu": mu[:, np.newaxis], "assignments": assignments})


@dataclass(frozen=True)
class Claim:
    """What a method hands in: a distribution, the bound it reports, and how it says it ended."""

    q: Approximation
    bound: float | None
    outcome: str = "converged"
    bound_se: float = 0.0
    bound_of: str = "theta and assignments"


def correct_cavi(problem: Problem, seed: int) -> Claim:
    fitted = fit(problem.mixture, problem.x, rng=seed, starts=5)
    return Claim(fitted, fitted.elbo)


def wrong_prior_variance(variance: float) -> Callable[[Problem, int], Claim]:
    """Return a CAVI that is right in all but sigma^2, in its updates and in its bound."""

    def run(problem: Problem, seed: int) -> Claim:
        fitted = fit(textbook(variance), problem.x, rng=seed, starts=5)
        return Claim(fitted, fitted.elbo)

    return run


def saddle(problem: Problem, seed: int) -> Claim:
    """A CAVI whose means all start at the same place: they stay together, and it says that it converged."""
    together = np.full((len(problem.x), 2), 0.5)
    fitted = fit(problem.mixture, problem.x, rng=seed, starts=together)
    return Claim(fitted, fitted.elbo, "converged")


def mean_field(mean: np.ndarray, sd: np.ndarray) -> GaussianApproximation:
    """Return q(mu) = product of N(mean_k, sd_k^2), as ADVI has it for this model; arrays (K,)."""
    n_components = len(mean)
    mu = Span("mu", "mu", 0, n_components, (n_components, 1), Identity())
    return GaussianApproximation(mean, np.diag(sd), Coordinates((mu,)))


def advi(
    steps: int, *, rate: float = 0.1, draws: int = 10, outcome: str = "converged"
) -> Callable[[Problem, int], Claim]:
    """Return ADVI (Kucukelbir et al. 2017) written out for this model, stopped after so many steps.

    Adam on the reparametrised gradient of F(q), from means drawn from N(0, 1) and sds of 1, as PyMC's own
    default but for the jitter, without which it would stay at the saddle. It claims this outcome.
    """

    def run(problem: Problem, seed: int) -> Claim:
        rng = np.random.default_rng(seed)
        x = problem.x[:, 0]
        parameters = np.concatenate([rng.standard_normal(2), np.zeros(2)])  # means, log sds
        first, second = np.zeros(4), np.zeros(4)
        for step in range(1, steps + 1):
            noise = rng.standard_normal((draws, 2))
            sd = np.exp(parameters[2:])
            mu = parameters[:2] + sd * noise
            off = x[:, np.newaxis] - mu[:, np.newaxis, :]  # (draws, N, K)
            r = np.exp(-0.5 * off**2 + 0.5 * (off**2).min(axis=2, keepdims=True))
            r /= r.sum(axis=2, keepdims=True)
            slope = (r * off).sum(axis=1) - mu / VARIANCE  # d log p(x, mu) / d mu
            gradient = np.concatenate([slope.mean(axis=0), (slope * noise * sd).mean(axis=0) + 1])
            first = 0.9 * first + 0.1 * gradient
            second = 0.999 * second + 0.001 * gradient**2
            parameters += rate * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
        return Claim(mean_field(parameters[:2], np.exp(parameters[2:])), None, outcome)

    return run


def judge(
    problem: Problem,
    truth: Reference,
    claim: Claim,
    *,
    seed: int,
    draws: int = 10_000,
    options: VerdictOptions | None = None,
) -> Verdict:
    """Return the verdict on what a method hands in."""
    tree = score(MixtureTarget(problem), claim.q, rng=np.random.default_rng(seed), n=draws)
    told = Told(bound_of=claim.bound_of, elbo_left=0.0)
    if isinstance(claim.q, GaussianApproximation):
        rng = np.random.default_rng([seed, 1])
        gain, error = gain_of_a_step(claim.q, MixtureTarget(problem).log_joint, rng)
        told = replace(told, step_gain=gain, step_gain_se=error)
    result = MethodResult(claim.outcome, "", 0.0, 0.0, tree, claim.bound, claim.bound_se, told=told)
    context = context_for(problem, result, truth)
    measured = {name: METRICS[name](context) for name in READ}
    return verdict_of_cell(measured, truth, method="it", outcome=claim.outcome, options=options)


def exact(problem: Problem, seed: int, *, method: str = "enumeration", n_draws: int = 20_000) -> Reference:
    """Return draws from the exact posterior, and its log evidence."""
    return reference(problem, method=method, rng=seed, n_draws=n_draws)
