"""Symmetrised importance sampling: log p(x) from independent draws.

Of the three proposals in docs/mathematics.md, section 6, the one that varies least on pilot draws is used
with fresh draws, more and more until the standard error is small. Pareto's k-hat says whether that error can
be trusted; if not, the draws that surprised the proposal enter the next one, and all that is told comes from
fresh draws again. No k-hat can see a mode that no draw has met: a second opinion can.
"""

import numpy as np
import xarray as xr

from experiments.posterior.draws import as_tree
from experiments.posterior.pareto import is_flat, log_mean, most_k_hat
from experiments.records import Draws, Estimate, Problem, Reference
from experiments.references._proposal import Proposal, groupings_afforded, infeasible, with_prior
from experiments.references._sample import Sample
from experiments.references._scaled import ScaledProblem
from experiments.references.request import Request
from hand_cavi import InputError

GIVES = ("evidence", "draws")
CALLED = "importance sampling"

STANDARD_ERROR = 0.02
"""Nats; draws are added until the error is below."""

QUALIFIES = 0.1
"""Nats of standard error up to which the estimate is leant on: a convention of this project."""

BREADTHS = (1.0, 0.6, 0.3)
"""How much of what the data taught a factor is kept, a: eta_0 + a (eta - eta_0)."""

FIRST_DRAWS = 4_000
MOST_DRAWS = 200_000
PILOT_DRAWS = 1_000
RETRIES = 2
STARTS = 20
FEWEST_POSTERIOR_DRAWS = 1_000

_BUDGET = 6e9
"""Nanoseconds that the draws may take, at the rates below; about what they take on a laptop of 2024."""


def compute(problem: Problem, request: Request) -> Reference:
    """Return log p(x) with its standard error, and as many posterior draws as asked for, at most.

    The draws are independent: those that rejection sampling accepts, with the largest ratio met as the
    bound; none if they are fewer than 1,000. ``quality`` (the estimate's too) holds ``proposal``, ``k_hat``,
    ``k_hat_limit``, ``draws``, ``effective_draws``, ``optima``, ``retries``, and ``pilot``: the relative
    standard deviation of each proposal's ratios.
    """
    if reason := infeasible(problem):
        return Reference("importance", False, reason)
    target, rng, n_draws = ScaledProblem.of(problem), request.rng, request.n_draws
    sample, quality = _sampled(target, rng, n_draws)
    return conclude(target, sample, rng, n_draws, quality)


def weighted_draws(problem: Problem, rng: np.random.Generator) -> tuple[Draws, np.ndarray]:
    """Return draws, arrays (S, K, ...), whose averages by their weights, (S,), are the posterior's.

    Raises InputError if importance sampling does not qualify.
    """
    target = ScaledProblem.of(problem)
    sample = _sampled(target, rng, 0)[0]
    if why := "; ".join(faults(sample)):
        raise InputError(f"importance sampling does not qualify: {why}")
    return target.outer(sample.draws), np.exp(sample.log_ratio - log_mean(sample.log_ratio)[0]) / len(sample)


def _sampled(
    target: ScaledProblem, rng: np.random.Generator, n_draws: int
) -> tuple[Sample, dict[str, object]]:
    optima, share = _optima(target, rng)
    proposals, pilot = _tried(target, optima, share, rng)
    fit_to_use = [name for name in pilot if pilot[name].tail_is_light] or list(pilot)
    name = min(fit_to_use, key=lambda name: pilot[name].relative_sd)

    sample = draw(target, proposals[name], rng, n_draws)
    retries = 0
    while faults(sample) and retries < RETRIES:
        name, retries = "conditional", retries + 1
        proposals[name] = _conditional(target, sample, optima, share, rng, surprises=True)
        sample = draw(target, proposals[name], rng, n_draws)
    quality = {
        "proposal": name,
        "retries": retries,
        "optima": len(optima),
        "pilot": {tried: found.relative_sd for tried, found in pilot.items()},
    }
    return sample, quality


def draw(target: ScaledProblem, proposal: Proposal, rng: np.random.Generator, n_draws: int) -> Sample:
    """Return draws: more and more, until the error is small and n are accepted, or the budget is spent."""
    most = _affordable(target, proposal)
    sample = Sample.of(target, proposal, rng, min(FIRST_DRAWS, most))
    while len(sample) < most and not _enough(sample, n_draws):
        sample = sample.with_more(Sample.of(target, proposal, rng, min(len(sample), most - len(sample))))
    return sample


def faults(sample: Sample) -> list[str]:
    """Return what keeps the estimate from being leant on; nothing if it qualifies."""
    error = log_mean(sample.log_ratio)[1]
    found = []
    if not sample.tail_is_light:
        limit = most_k_hat(len(sample))
        found.append(f"Pareto's k-hat of its ratios is {sample.k_hat:.2f}, not below {limit:.2f}")
    if not error <= QUALIFIES:
        found.append(f"its standard error is {error:.3g} nats, not at most {QUALIFIES}")
    return found


def conclude(
    target: ScaledProblem,
    sample: Sample,
    rng: np.random.Generator,
    n_draws: int = 0,
    quality: dict[str, object] | None = None,
) -> Reference:
    """Return log p(x) by draws from one proposal, and what they say of themselves."""
    value, error = log_mean(sample.log_ratio)
    tail = sample.k_hat
    quality = (quality or {}) | {
        "k_hat": tail if np.isfinite(tail) else None,
        "k_hat_limit": most_k_hat(len(sample)),
        "draws": len(sample),
        "effective_draws": float(1 / (1 / len(sample) + error**2)),
    }
    found = faults(sample)
    weights = "their ratios are equal" if is_flat(sample.log_ratio) else f"their k-hat is {tail:.2f}"
    reason = (
        f"importance sampling does not qualify: {'; '.join(found)}"
        if found
        else f"{len(sample):,} independent draws gave log p(x) to {error:.2g} nats; {weights}"
    )
    return Reference(
        method="importance",
        qualified=not found,
        reason=reason,
        draws=None if found else _posterior_draws(target, sample, rng, n_draws),
        log_evidence=Estimate(value, error, "importance", quality) if np.isfinite(error) else None,
        quality=quality,
    )


def _optima(target: ScaledProblem, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return CAVI's optima, (M, K, P), and a share for each, (M,), which no optimum is without."""
    optima, elbo = target.optima(rng, STARTS)
    weight = np.exp(elbo - elbo.max())
    return optima, (weight / weight.sum() + 1 / len(weight)) / 2


def _tried(
    target: ScaledProblem, optima: np.ndarray, share: np.ndarray, rng: np.random.Generator
) -> tuple[dict[str, Proposal], dict[str, Sample]]:
    """Return the three proposals by name, and pilot draws from each."""
    proposals = {"cavi": with_prior(target, optima, share)}
    proposals["broadened"] = with_prior(target, *_broadened(optima, share))
    pilot = {name: Sample.of(target, q, rng, PILOT_DRAWS) for name, q in proposals.items()}
    sample = pilot["broadened"]
    for _ in range(2):
        proposals["conditional"] = _conditional(target, sample, optima, share, rng)
        sample = Sample.of(target, proposals["conditional"], rng, PILOT_DRAWS)
    return proposals, pilot | {"conditional": sample}


def _broadened(optima: np.ndarray, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate([step * optima for step in BREADTHS]), np.tile(share, len(BREADTHS)) / len(BREADTHS)


def _conditional(
    target: ScaledProblem,
    sample: Sample,
    optima: np.ndarray,
    share: np.ndarray,
    rng: np.random.Generator,
    *,
    surprises: bool = False,
) -> Proposal:
    """Return the mixture given groupings drawn at resampled draws; a fifth of it is broadened optima.

    Ratios are cut off at sqrt(S) times their mean (Ionides 2008), so that no draw is all there is. With
    `surprises` as many groupings again are drawn at the draws of the largest ratios. Their posterior mass may
    be tiny, and resampling would hardly meet them; but a proposal that is right but for them has ratios of
    about 1 and a few far above, whose k-hat looks as heavy as any.
    """
    n_groupings = groupings_afforded(target.mixture.n_components)
    chance = np.exp(sample.log_ratio - log_mean(sample.log_ratio)[0])
    chance = np.minimum(chance, np.sqrt(len(sample)))
    chosen = rng.choice(len(sample), size=n_groupings, p=chance / chance.sum())
    if surprises:
        chosen = np.concatenate([chosen, np.argsort(-sample.log_ratio)[:n_groupings]])
        n_groupings = len(chosen)
    sums = target.groupings(rng, {name: values[chosen] for name, values in sample.draws.items()})
    broad, broad_share = _broadened(optima, share)
    shares = np.concatenate([np.full(n_groupings, 0.8 / n_groupings), 0.2 * broad_share])
    return with_prior(target, np.concatenate([sums, broad]), shares)


def _affordable(target: ScaledProblem, proposal: Proposal) -> int:
    """Return how many draws the budget buys."""
    n_components = target.mixture.n_components
    per_likelihood = 15 * len(target.x) * n_components
    per_density = len(proposal.share) * (15 * n_components**2 + (n_components << n_components))
    return int(np.clip(_BUDGET / (per_likelihood + per_density), 1_000, MOST_DRAWS))


def _enough(sample: Sample, n_draws: int) -> bool:
    value, error = log_mean(sample.log_ratio)
    accepted = len(sample) * np.exp(value - sample.log_ratio.max()) if n_draws else 0
    return bool(error <= STANDARD_ERROR and accepted >= n_draws)


def _posterior_draws(
    target: ScaledProblem, sample: Sample, rng: np.random.Generator, n_draws: int
) -> xr.DataTree | None:
    """Return what rejection sampling accepts, at most n draws; None if that is too few."""
    log_ratio = sample.log_ratio
    accepted = np.flatnonzero(np.log1p(-rng.random(len(sample))) < log_ratio - log_ratio.max())[:n_draws]
    if not 0 < min(n_draws, FEWEST_POSTERIOR_DRAWS) <= len(accepted):
        return None
    return as_tree(target.outer({name: values[accepted] for name, values in sample.draws.items()}))
