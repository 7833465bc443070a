"""Two features: condensed coordinate ascent against direct passes, to convergence, and how exact it is."""

from collections.abc import Iterator
from statistics import median

import numpy as np
from measuring import NotRunError, Row, Target, direct, power, seconds, spaced
from rows.errors import at_posterior

from hand_cavi import (
    DirichletWeights,
    FixedWeights,
    Mixture,
    NormalGamma,
    NormalKnownVariance,
    NormalWishart,
    fit,
)
from hand_cavi.ascent.ascend import StoppingRule
from hand_cavi.ascent.condensed_fit import fit_condensed
from hand_cavi.ascent.condensing import summary_for
from hand_cavi.ascent.restarts import Restarts
from hand_cavi.sources import as_source

TITLE = "Condensed data of two features"
NOTE = """D = 2. Times are those of one call of `fit` to convergence, all threads, both from the same
posterior of 3 sweeps over 10,000 points, taking turns; five and ten clusters, each four standard deviations
from the next. The condensed one has in it the pass that condenses and the last pass on the full data.
Errors are those of one half-step at the posterior at which the condensed fit ended, by the plain kernel,
over random mixtures with standard deviations of each cluster's own, half of them of correlated features:
relative to the sum of absolute values, and that of sum_i ln sum_k exp(rho_ik) relative to itself. Data sets
that the fit found too sharp for cells, and fitted on the points, are counted, not measured. What stands in
the way of a tenth is the pass that condenses, a row at a time, which takes as long as some seven direct
sweeps; these take a third of the time that they took when it was written."""

SEEDS, REPEATS = 6, 2
ROWS = {True: 3 * 10**5, False: 10**6}
TARGETS = (
    Target("condensed over direct, D = 2, N = 10^7, to convergence", 0.1, ""),
    Target("relative error D = 2, worst", 1e-8, ""),
)


def rows(quick: bool) -> Iterator[Row]:
    """Yield a row for every K, then one for every family, and one for all."""
    for K in (5, 10):
        yield to_convergence(K, 10**6 if quick else 10**7, TARGETS[0] if K == 5 else None)
    everything: list[float] = []
    for mixture in (
        Mixture(NormalWishart(np.zeros(2), 0.1, 4.0, np.eye(2)), DirichletWeights(1.0), 5),
        Mixture(NormalGamma(np.zeros(2), 0.1, 2.0, np.ones(2)), DirichletWeights(1.0), 5),
        Mixture(NormalKnownVariance(np.zeros(2), 25.0), FixedWeights(), 5),
    ):
        found = [each for seed in range(SEEDS) if (each := errors(mixture, seed, quick)) is not None]
        if not found:
            raise NotRunError("no data set was condensed")
        nodes, sums, bound = np.array(found).T
        everything += [*sums, *bound]
        yield Row(
            {
                "N": power(ROWS[quick]),
                "K": "5",
                "family": type(mixture.components).__name__,
                "condensed": f"{len(found)} of {SEEDS}",
                "nodes": f"{np.median(nodes):,.0f}",
                "sums, typical": f"{np.median(sums):.1e}",
                "sums, worst": f"{sums.max():.1e}",
                "bound, typical": f"{np.median(bound):.1e}",
                "bound, worst": f"{bound.max():.1e}",
            }
        )
    worst = max(everything)
    yield Row({"family": "all, worst", "sums, worst": f"{worst:.1e}"}, TARGETS[1], worst)


def to_convergence(K: int, n_points: int, target: Target | None) -> Row:
    """Return the row of both ways, from the same start."""
    mixture = Mixture(NormalWishart(np.zeros(2), 0.1, 4.0, 4 * np.eye(2)), DirichletWeights(1.0), K)
    x = spaced(n_points, K, 2)
    begun = fit(mixture, x[:10_000], rng=0, starts=5, max_sweeps=3, condense=False)
    ways = {"direct": direct(), "condensed": {"condense": True}}
    for way in ways.values():
        fit(mixture, x[: 10**6], rng=0, starts=begun, max_sweeps=2, **way)
    taken, fits = {name: [] for name in ways}, {}
    for _ in range(REPEATS):
        for name, way in ways.items():

            def call(name: str = name, way: dict = way) -> None:
                fits[name] = fit(mixture, x, rng=0, starts=begun, **way)

            taken[name].append(seconds(call))
    about = fits["condensed"].condensed
    ratio = median(taken["condensed"]) / median(taken["direct"])
    bounds = [fits[name].elbo for name in ways]
    cells = {
        "N": power(n_points),
        "K": str(K),
        "family": "NormalWishart",
        "nodes": f"{about.n_nodes:,}" if about else "none",
        "sweeps, direct": str(fits["direct"].sweeps),
        "sweeps, condensed": str(fits["condensed"].sweeps),
        "s, direct": f"{median(taken['direct']):.2f}",
        "s, condensed": f"{median(taken['condensed']):.2f}",
        "ratio": f"{ratio:.3f}",
        "bounds differ by": f"{abs(bounds[1] - bounds[0]) / abs(bounds[0]):.1e}",
    }
    return Row(cells, target, ratio)


def errors(mixture: Mixture, seed: int, quick: bool) -> tuple[int, float, float] | None:
    """Return the nodes, and relative errors of the sums and of the bound; or None: fitted on the points."""
    x = random_clusters(ROWS[quick], mixture, seed)
    source, rng = as_source(x), np.random.default_rng(seed)
    summary = summary_for(mixture, source)
    if summary is None:
        return None
    restarts = Restarts(StoppingRule(500, 1e-10, 3), gives_up=True)
    found, summary = fit_condensed(mixture, source, summary, rng, 3, restarts, None)
    if found.condensed is None:
        return None
    e, log_weights = found.components.expected_phi, found.weights.expected_log()
    data = summary.data
    return len(data.x), *at_posterior(mixture.components, e, log_weights, x, data.x, data.weight)


def random_clusters(n_points: int, mixture: Mixture, seed: int) -> np.ndarray:
    """Return clusters of random means and, where the family has them, covariances, shape (N, 2)."""
    rng, K = np.random.default_rng(seed), mixture.n_components
    mean, sd = rng.normal(0, 4, (K, 2)), np.exp(rng.normal(0, 0.5, (K, 2)))
    correlation = rng.uniform(-0.9, 0.9, K) if seed % 2 else np.zeros(K)
    if isinstance(mixture.components, NormalKnownVariance):
        sd, correlation = np.ones((K, 2)), np.zeros(K)
    c, z = rng.integers(0, K, n_points), rng.standard_normal((n_points, 2))
    z[:, 1] = correlation[c] * z[:, 0] + np.sqrt(1 - correlation[c] ** 2) * z[:, 1]
    return mean[c] + sd[c] * z
