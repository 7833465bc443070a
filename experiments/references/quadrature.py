"""Quadrature over the means, for the textbook mixture: one feature, equal weights, at most four components.

See docs/mathematics.md, section 6, and `_grid`; points may have weights. The standard error that is stated
is no Monte-Carlo error but a cautious stand-in: the difference between the two finest grids, which is the
coarser one's error, plus a bound on what was left out.
"""

from itertools import pairwise

import numpy as np

from experiments.posterior.draws import as_tree
from experiments.records import Estimate, Problem, Reference
from experiments.references._density_of_means import DensityOfMeans
from experiments.references._grid import MAX_NODES, Grid, GridTooLargeError, grid_draws, sparse_grid
from experiments.references._scaled import ScaledProblem
from experiments.references.request import Request
from hand_cavi import FixedWeights, NormalKnownVariance

GIVES = ("evidence", "draws")
CALLED = "the answer by quadrature"
EXACT = True

MAX_COMPONENTS = 4

MAX_POINTS_OF_FOUR = 300
"""Rows of x up to which four components are integrated over: about ten seconds."""

SPACINGS = (1.25, 1.0, 0.8, 0.64, 0.5)
"""Of nodes, in units of the narrowest posterior sd; from one to the next until two agree."""

COARSEST = 1.5625
"""Where the first of four components' grids begins: theirs grow 2.4-fold from one spacing to the next."""

AGREED = 1e-10
"""Nats, relative to the log evidence where that is larger than 1."""

QUALIFIES = 1e-6
"""Nats of numerical error at which the finest grid is still trusted."""

ROUNDING = 1e-14
"""Of the log evidence in either unit, relative; no error is stated as smaller."""


def applies(problem: Problem) -> str | None:
    """Return None if quadrature applies, else why not."""
    mixture = problem.mixture
    textbook = isinstance(mixture.components, NormalKnownVariance)
    if not (textbook and isinstance(mixture.weights, FixedWeights)):
        return "quadrature is for normal components of known variance with equal weights"
    if problem.x.shape[1] != 1:
        return f"quadrature is for one feature, the data have {problem.x.shape[1]}"
    if mixture.n_components > MAX_COMPONENTS:
        return f"quadrature is for at most {MAX_COMPONENTS} components, the model has {mixture.n_components}"
    if mixture.n_components == 4 and len(problem.x) > MAX_POINTS_OF_FOUR:
        n_points = f"{MAX_POINTS_OF_FOUR} points, the data have {len(problem.x)}"
        return f"quadrature over the means of 4 components is for at most {n_points}"
    return None


def compute(problem: Problem, request: Request) -> Reference:
    """Return log p(x) with its numerical error, and independent draws from the posterior."""
    if reason := applies(problem):
        return Reference("quadrature", False, reason)
    target = ScaledProblem.of(problem)
    assert isinstance(target.prior, NormalKnownVariance)
    mean, variance = float(target.prior.mean[0]), float(target.prior.variance)
    density = DensityOfMeans(target.x[:, 0], target.weight, mean, variance, target.mixture.n_components)
    try:
        grid, difference = _agreed_grid(density)
    except GridTooLargeError as error:
        return Reference("quadrature", False, f"the posterior is too spread out for a grid: {error}")

    volume = target.weight.sum() * target.coordinates.log_volume
    log_evidence = float(grid.log_evidence - volume)
    left_out = float(np.exp(grid.log_left_out - grid.log_evidence))
    numerical_error = difference + left_out + ROUNDING * (abs(grid.log_evidence) + abs(volume))
    qualified = numerical_error <= QUALIFIES
    draws = None
    if qualified and request.n_draws:
        mu = grid_draws(request.rng, density, grid, request.n_draws)[:, :, np.newaxis]
        draws = as_tree({"mu": target.coordinates.inverse.apply(mu)})
    told = f"the integral over the means was computed on two grids, which differ by {difference:.1e} nats"
    return Reference(
        method="quadrature",
        qualified=qualified,
        reason=told if qualified else f"{told}; that is too much to lean on",
        draws=draws,
        log_evidence=Estimate(log_evidence, numerical_error, "quadrature", error_is="numerical"),
        quality={"nodes": len(grid.nodes), "difference": difference, "numerical_error": numerical_error},
    )


def _agreed_grid(density: DensityOfMeans) -> tuple[Grid, float]:
    """Return the first grid that agrees with the one before, or the finest feasible, and their difference."""
    spacings = (COARSEST, *SPACINGS) if density.n_components > 3 else SPACINGS
    grid, difference = sparse_grid(density, spacings[0]), np.inf
    for last, spacing in pairwise(spacings):
        growth = (last / spacing) ** density.n_components
        if np.isfinite(difference) and growth * len(grid.nodes) > MAX_NODES:
            break
        coarser, grid = grid, sparse_grid(density, spacing)
        difference = abs(grid.log_evidence - coarser.log_evidence)
        if difference <= AGREED * max(1.0, abs(grid.log_evidence)):
            break
    return grid, difference
