"""Bridge sampling: log p(x) from posterior draws and a proposal's, weighed against each other.

The equation, its iteration and its error are in docs/mathematics.md, section 6; rho / n_1, one over the
effective sample size of f_2 along the chains, takes the place of 1 / n_1 (Fruehwirth-Schnatter 2004). The
independence Metropolis steps make neighbours along a chain hardly depend on each other where q is good.
"""

import numpy as np

from experiments.posterior.draws import effective_sample_size, flat, mean_and_error, r_hat
from experiments.posterior.pareto import log_mean
from experiments.records import Draws, Estimate, Problem, Reference
from experiments.references._gate import MAX_R_HAT, MIN_ESS
from experiments.references._proposal import groupings_afforded, infeasible, with_prior
from experiments.references._sample import Sample
from experiments.references._scaled import ScaledProblem
from experiments.references.request import Request
from hand_cavi.gibbs.sampler import gibbs

GIVES = ("evidence",)
CALLED = "bridge sampling"

STANDARD_ERROR = 0.02
"""Nats; chains are run longer until the error is below."""

QUALIFIES = 0.1
"""Nats of standard error up to which the estimate is leant on: a convention of this project."""

CHAINS = 8
FIRST_DRAWS = 500
MOST_DRAWS = 8_000
"""Of each chain."""

BROADENED = 20
"""How many of the proposal's groupings enter it shrunk as well."""

MOVES = 2
"""Metropolis steps of each draw that enters the bridge."""

MISSED = 4.0
"""Standard errors by which the proposal's draws alone may say more: a false alarm in 3e-5, at most."""

MAX_ITERATIONS = 1_000
CONVERGED = 1e-10
"""Nats; the iteration stops when it moves the estimate by less."""

_BUDGET = 4e9
"""Nanoseconds that the chains may take, about."""


def applies(problem: Problem) -> str | None:
    """Return None if bridge sampling is feasible, else why not."""
    weight = problem.sample_weight
    if weight is not None and np.any(weight != np.floor(weight)):
        return (
            "its draws are Gibbs', which gives each of a row's points to a component; weights that are no "
            "whole numbers leave nothing to give"
        )
    return infeasible(problem)


def compute(problem: Problem, request: Request) -> Reference:
    """Return log p(x) with its standard error; no draws.

    Chains are run on, twice as long, until the error is at most 0.02 nats. ``quality`` (the estimate's too)
    holds ``chains``, ``draws`` (of each chain), ``r_hat``, ``ess``, ``effective_draws`` (of the ratios that
    enter the bridge), ``proposal_draws``, ``iterations`` and ``converged``.
    """
    if reason := applies(problem):
        return Reference("bridge", False, reason)
    target, rng = ScaledProblem.of(problem), request.rng
    most = _affordable(target)
    n_sweeps = min(FIRST_DRAWS, most)
    chains = _run(problem, target, rng, n_sweeps, None)
    while True:
        found = estimate(target, chains, rng)
        error = found.log_evidence.standard_error if found.log_evidence else np.inf
        if (found.qualified and error <= STANDARD_ERROR) or 2 * n_sweeps > most:
            return found
        more = _run(problem, target, rng, n_sweeps, chains)
        n_sweeps *= 2
        chains = {name: np.concatenate([values, more[name]], axis=1) for name, values in chains.items()}


def _run(
    problem: Problem, target: ScaledProblem, rng: np.random.Generator, n_draws: int, before: Draws | None
) -> Draws:
    """Return n Gibbs draws of each chain, arrays (C, M, K, ...), that go on from those before, if any."""
    starts = None
    if before is not None:
        last = {name: values[:, -1] for name, values in before.items()}
        starts = target.allocate(rng, target.inner(last))
    return gibbs(
        problem.mixture,
        problem.x,
        rng=rng,
        chains=CHAINS,
        draws=n_draws,
        tune=n_draws // 2 if before is None else 0,
        sample_weight=problem.sample_weight,
        starts=starts,
        keep_assignments=False,
    ).draws


def estimate(target: ScaledProblem, chains: Draws, rng: np.random.Generator) -> Reference:
    """Return log p(x) by posterior draws, (C, M, K, ...) in the data's units, whoever drew them."""
    n_chains, n_draws = next(iter(chains.values())).shape[:2]
    inner = target.inner(flat(chains))
    log_joint = target.log_joint(inner).reshape(n_chains, n_draws)
    ends = np.arange(n_chains * n_draws).reshape(n_chains, n_draws)
    first, second = ends[:, : n_draws // 2].ravel(), ends[:, n_draws // 2 :].ravel()

    wanted = min(len(first), groupings_afforded(target.mixture.n_components))
    spread = first[np.linspace(0, len(first) - 1, wanted).round().astype(int)]
    sums = target.groupings(rng, _some(inner, spread))
    # A fifth is the same at half of what the data taught: states that are rare in the first half are met.
    broad = 0.5 * sums[:: max(1, len(sums) // BROADENED)]
    # Chains that never emptied a component are found out by draws where some are empty.
    emptied = target.emptied(rng, 4)
    parts = [(0.7, sums), (0.2, broad), (0.1, emptied)]
    shares = np.concatenate([np.full(len(part), share / max(1, len(part))) for share, part in parts])
    proposal = with_prior(target, np.concatenate([part for _, part in parts]), shares)

    at_posterior = log_joint.ravel()[second] - proposal.log_density(_some(inner, second))
    proposed = Sample.of(target, proposal, rng, len(second) * (1 + MOVES)).log_ratio
    at_proposal, jumps = proposed[: len(second)], proposed[len(second) :].reshape(MOVES, -1)
    for jump in jumps:
        accepted = np.log1p(-rng.random(len(jump))) < jump - at_posterior
        at_posterior = np.where(accepted, jump, at_posterior)

    value, error, quality = bridge(at_posterior.reshape(n_chains, -1), at_proposal)
    alone, alone_error = log_mean(proposed)
    agreement = float(np.nan_to_num(r_hat(log_joint), nan=np.inf))
    ess = float(np.nan_to_num(effective_sample_size(log_joint), nan=0.0))
    told = agreement if np.isfinite(agreement) else None
    quality = {"chains": n_chains, "draws": n_draws, "r_hat": told, "ess": ess} | quality
    faults = []
    if not agreement < MAX_R_HAT:
        faults.append(f"R-hat of the chains' log joint density is {agreement:.3f}, not below {MAX_R_HAT}")
    if not ess > MIN_ESS:
        faults.append(f"its effective sample size is {ess:.0f}, not above {MIN_ESS:.0f}")
    if not quality["converged"]:
        faults.append("its iteration did not converge")
    if not error <= QUALIFIES:
        faults.append(f"its standard error is {error:.3g} nats, not at most {QUALIFIES}")
    if alone - value > MISSED * np.hypot(alone_error, error):
        faults.append(
            f"its proposal's draws alone say {alone:.6g} (standard error {alone_error:.2g}) where with the "
            f"chains' it is {value:.6g}: the chains have missed some of the posterior"
        )
    reason = (
        f"bridge sampling does not qualify: {'; '.join(faults)}"
        if faults
        else f"{n_chains} Gibbs chains of {n_draws:,} draws gave log p(x) to {error:.2g} nats; R-hat of "
        f"their log joint density is {agreement:.4f}"
    )
    finite = np.isfinite(value) and np.isfinite(error)
    return Reference(
        method="bridge",
        qualified=not faults,
        reason=reason,
        log_evidence=Estimate(value, error, "bridge", quality) if finite else None,
        quality=quality,
    )


def bridge(at_posterior: np.ndarray, at_proposal: np.ndarray) -> tuple[float, float, dict[str, object]]:
    """Return log r, its standard error, and how the iteration went.

    Given are log l = log p(x, theta, pi) - log q along chains of posterior draws, (C, M), and at independent
    draws from q, (S,).
    """
    n2 = len(at_proposal)
    n1 = float(np.nan_to_num(effective_sample_size(at_posterior), nan=at_posterior.size))
    log_s1, log_s2 = np.log(n1 / (n1 + n2)), np.log(n2 / (n1 + n2))
    log_r, moved, iterations = float(np.median(at_posterior)), np.inf, 0
    while abs(moved) > CONVERGED and iterations < MAX_ITERATIONS:
        above, _ = log_mean(at_proposal - np.logaddexp(log_s1 + at_proposal, log_s2 + log_r))
        below, _ = log_mean(-np.logaddexp(log_s1 + at_posterior, log_s2 + log_r))
        moved = above - below - log_r
        log_r += moved
        iterations += 1
    f1 = np.exp(at_proposal - np.logaddexp(log_s1 + at_proposal, log_s2 + log_r))
    f2 = np.exp(log_r - np.logaddexp(log_s1 + at_posterior, log_s2 + log_r))
    still = np.ptp(f2) < 1e-12 * abs(f2.mean())
    along_chains = 0.0 if still else float(mean_and_error(f2, independent=False)[1])
    square = f1.var(ddof=1) / (n2 * f1.mean() ** 2) + along_chains**2 / f2.mean() ** 2
    quality: dict[str, object] = {
        "effective_draws": n1,
        "proposal_draws": n2,
        "iterations": iterations,
        "converged": bool(abs(moved) <= CONVERGED),
    }
    return log_r, float(np.sqrt(square)), quality


def _some(draws: Draws, which: np.ndarray) -> Draws:
    return {name: values[which] for name, values in draws.items()}


def _affordable(target: ScaledProblem) -> int:
    """Return how many draws of each chain the budget buys."""
    per_draw = CHAINS * (60 * len(target.x) * target.mixture.n_components + 50_000)
    return int(np.clip(_BUDGET / per_draw, 500, MOST_DRAWS))
