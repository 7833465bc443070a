"""Symmetrised importance sampling: log p(x) from independent draws.

Draw theta and pi from a proposal q whose density is averaged over all namings of the components; then
p(x) = E_q[p(x, theta, pi) / q(theta, pi)], and the mean of the ratios is unbiased whatever q is. Three
proposals are tried on pilot draws (`_proposal` says what they are made of):

    cavi         q at every optimum that CAVI finds
    broadened    the same, with each factor also at 0.6 and 0.3 of what it learnt from the data
    conditional  posteriors given groupings of the points, drawn at importance-resampled pilot draws

Mean field is too narrow where components overlap; the other two are not. A twentieth of every proposal
is the prior (Hesterberg 1995): no ratio is larger than 20 times the likelihood. The one that varies least
is used with fresh draws, more and more until the standard error is small. Pareto's k-hat says whether
that error can be trusted; if not, the draws that surprised the proposal enter the next one, and all that
is told comes from fresh draws again. No k-hat can see a mode that no draw has met: a second opinion can.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import xarray as xr

from experiments.posterior.draws import as_tree
from experiments.records import Draws, Estimate, Problem, Reference
from experiments.references._proposal import MAX_COMPONENTS, MAX_COMPONENTS_ORDERED, Proposal
from experiments.references._ratios import k_hat, largest_k_hat, log_mean
from experiments.references._target import Target

STANDARD_ERROR = 0.02
"""Nats; draws are added until the error is below."""

QUALIFIES = 0.1
"""Nats of standard error up to which the estimate is leant on: a convention of this project."""

DEFENCE = 0.05
"""The prior's share of every proposal."""

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

_LARGEST = 5_000_000
"""Points times components."""


def applies(problem: Problem) -> str | None:
    """Return None if importance sampling is feasible, else why not."""
    mixture, n_points = problem.mixture, len(problem.x)
    most = MAX_COMPONENTS if mixture.weights.exchangeable else MAX_COMPONENTS_ORDERED
    if mixture.n_components > most:
        return (
            f"averaging a proposal over all namings of {mixture.n_components} components is not feasible; "
            f"the most is {most} for these weights"
        )
    if n_points * mixture.n_components > _LARGEST:
        return (
            f"{n_points:,} points and {mixture.n_components} components take too long for thousands of "
            f"draws; condense the data, so that points times components are at most {_LARGEST:,}"
        )
    return None


def compute(
    problem: Problem,
    *,
    rng: np.random.Generator,
    nuts_draws: xr.DataTree | None = None,
    n_draws: int = 0,
    standard_error: float = STANDARD_ERROR,
) -> Reference:
    """Return log p(x) with its standard error.

    Parameters
    ----------
    problem : Problem
    rng : numpy.random.Generator
    nuts_draws
        Not used.
    n_draws : int
        How many independent posterior draws to give as well, at most. They are those that rejection
        sampling accepts, with the largest ratio met as the bound; none if they are fewer than 1,000.
    standard_error : float
        In nats; draws are added until the error is below.

    Returns
    -------
    Reference
        Qualified if k-hat is below Vehtari et al.'s threshold and the standard error at most 0.1 nats.
        ``quality`` (the estimate's too) holds ``proposal``, ``k_hat``, ``k_hat_limit``, ``draws``,
        ``effective_draws``, ``optima``, ``retries``, and ``pilot``: the relative standard deviation of each
        proposal's ratios.
    """
    target = Target.of(problem)
    optima, share = _optima(target, rng)
    proposals, pilot = _tried(target, optima, share, rng)
    fit_to_use = [name for name in pilot if pilot[name].k_hat < largest_k_hat(PILOT_DRAWS)] or list(pilot)
    name = min(fit_to_use, key=lambda name: pilot[name].relative_sd)

    sample = draw(target, proposals[name], rng, n_draws, standard_error)
    retries = 0
    while faults(sample) and retries < RETRIES:
        name, retries = "conditional", retries + 1
        proposals[name] = _conditional(target, sample, optima, share, rng, surprises=True)
        sample = draw(target, proposals[name], rng, n_draws, standard_error)
    quality = {
        "proposal": name,
        "retries": retries,
        "optima": len(optima),
        "pilot": {tried: found.relative_sd for tried, found in pilot.items()},
    }
    return conclude(target, sample, rng, n_draws, quality)


@dataclass(frozen=True)
class Sample:
    """Draws from a proposal.

    Attributes
    ----------
    draws : dict of ndarray
        In the target's coordinates, arrays (S, K, ...).
    log_ratio : ndarray, shape (S,)
        Log p(x, theta, pi) - log q(theta, pi).
    """

    draws: Draws
    log_ratio: np.ndarray

    @classmethod
    def of(cls, target: Target, proposal: Proposal, rng: np.random.Generator, n: int) -> Self:
        """Return n draws."""
        draws = proposal.sample(rng, n)
        return cls(draws, target.log_joint(draws) - proposal.log_density(draws))

    def __len__(self) -> int:
        return len(self.log_ratio)

    def with_more(self, more: "Sample") -> "Sample":
        """Return both together."""
        draws = {name: np.concatenate([values, more.draws[name]]) for name, values in self.draws.items()}
        return Sample(draws, np.concatenate([self.log_ratio, more.log_ratio]))

    @property
    def k_hat(self) -> float:
        """The tail index of the ratios."""
        return k_hat(self.log_ratio)

    @property
    def relative_sd(self) -> float:
        """The ratios' standard deviation over their mean."""
        return float(log_mean(self.log_ratio)[1] * np.sqrt(len(self)))


def draw(
    target: Target, proposal: Proposal, rng: np.random.Generator, n_draws: int, standard_error: float
) -> Sample:
    """Return draws: more and more, until the error is small and n are accepted, or the budget is spent."""
    most = _affordable(target, proposal)
    sample = Sample.of(target, proposal, rng, min(FIRST_DRAWS, most))
    while len(sample) < most and not _enough(sample, standard_error, n_draws):
        sample = sample.with_more(Sample.of(target, proposal, rng, min(len(sample), most - len(sample))))
    return sample


def faults(sample: Sample) -> list[str]:
    """Return what keeps the estimate from being leant on; nothing if it qualifies."""
    error, tail, limit = log_mean(sample.log_ratio)[1], sample.k_hat, largest_k_hat(len(sample))
    found = []
    if not tail < limit:
        found.append(f"Pareto's k-hat of its ratios is {tail:.2f}, not below {limit:.2f}")
    if not error <= QUALIFIES:
        found.append(f"its standard error is {error:.3g} nats, not at most {QUALIFIES}")
    return found


def conclude(
    target: Target,
    sample: Sample,
    rng: np.random.Generator,
    n_draws: int = 0,
    quality: dict[str, Any] | None = None,
) -> Reference:
    """Return log p(x) by draws from one proposal, and what they say of themselves."""
    value, error = log_mean(sample.log_ratio)
    tail = sample.k_hat
    quality = (quality or {}) | {
        "k_hat": tail if np.isfinite(tail) else None,
        "k_hat_limit": largest_k_hat(len(sample)),
        "draws": len(sample),
        "effective_draws": float(1 / (1 / len(sample) + error**2)),
    }
    found = faults(sample)
    reason = (
        f"importance sampling does not qualify: {'; '.join(found)}"
        if found
        else f"{len(sample):,} independent draws gave log p(x) to {error:.2g} nats; their k-hat is {tail:.2f}"
    )
    return Reference(
        method="importance",
        qualified=not found,
        reason=reason,
        draws=None if found else _posterior_draws(target, sample, rng, n_draws),
        log_evidence=Estimate(value, error, "importance", quality) if np.isfinite(error) else None,
        quality=quality,
    )


def with_prior(target: Target, sums: np.ndarray, share: np.ndarray) -> Proposal:
    """Return the proposal with these groupings, (J, K, P), and shares, (J,), and a twentieth of the prior."""
    share = np.append((1 - DEFENCE) * share / share.sum(), DEFENCE)
    return Proposal(target, np.concatenate([sums, np.zeros_like(sums[:1])]), share)


def groupings_afforded(n_components: int) -> int:
    """Return how many groupings a proposal takes: 200, or fewer where permanents are dear."""
    return int(np.clip(20_000 // (n_components << n_components), 20, 200))


def _optima(target: Target, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return CAVI's optima, (M, K, P), and a share for each, (M,), which no optimum is without."""
    optima, elbo = target.optima(rng, STARTS)
    weight = np.exp(elbo - elbo.max())
    return optima, (weight / weight.sum() + 1 / len(weight)) / 2


def _tried(
    target: Target, optima: np.ndarray, share: np.ndarray, rng: np.random.Generator
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
    target: Target,
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


def _affordable(target: Target, proposal: Proposal) -> int:
    """Return how many draws the budget buys."""
    n_components = target.mixture.n_components
    per_likelihood = 15 * len(target.x) * n_components
    per_density = len(proposal.share) * (15 * n_components**2 + (n_components << n_components))
    return int(np.clip(_BUDGET / (per_likelihood + per_density), 1_000, MOST_DRAWS))


def _enough(sample: Sample, standard_error: float, n_draws: int) -> bool:
    value, error = log_mean(sample.log_ratio)
    accepted = len(sample) * np.exp(value - sample.log_ratio.max()) if n_draws else 0
    return bool(error <= standard_error and accepted >= n_draws)


def _posterior_draws(
    target: Target, sample: Sample, rng: np.random.Generator, n_draws: int
) -> xr.DataTree | None:
    """Return what rejection sampling accepts, at most n draws; None if that is too few."""
    log_ratio = sample.log_ratio
    accepted = np.flatnonzero(np.log1p(-rng.random(len(sample))) < log_ratio - log_ratio.max())[:n_draws]
    if not 0 < min(n_draws, FEWEST_POSTERIOR_DRAWS) <= len(accepted):
        return None
    return as_tree(target.outer({name: values[accepted] for name, values in sample.draws.items()}))
