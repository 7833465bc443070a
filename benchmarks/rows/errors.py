"""How exact condensed data are, against the data themselves."""

from collections.abc import Iterator

import numpy as np
from measuring import NotRunError, Row, Target, clusters, power

from hand_cavi import DirichletWeights, FixedWeights, Mixture, NormalGamma, NormalKnownVariance
from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.data.kernels import refresh_plain

TITLE = "Error of condensed data"
NOTE = """One half-step at the posterior of a hundredth of the points, once over all points and once over
the nodes, both by the plain kernel. Errors of sums are relative to the sum of absolute values; that of the
bound is of the data's part of it, sum_i ln sum_k exp(rho_ik), relative to itself. Cells are 0.4 standard
deviations of the components wide. "typical" is the median over the data sets of a row, "worst" their
maximum."""

SEEDS = 5
WIDTH = 0.4
TARGETS = (
    Target("relative error of condensed sums and bound, typical", 1e-12, ""),
    Target("relative error of condensed sums and bound, worst", 1e-10, ""),
)


def rows(quick: bool) -> Iterator[Row]:
    """Yield a row for every family and K, and one for all."""
    from hand_cavi.data.condense import condense

    n_points = 10**5 if quick else 10**6
    everything: list[float] = []
    for K in (2, 5, 20):
        for mixture in (
            Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), K),
            Mixture(NormalGamma(0.0, 0.1, 2.0, 2.0), DirichletWeights(1.0), K),
        ):
            found = []
            for seed in range(SEEDS):
                x, r = clusters(n_points, K, 1, seed)
                data = condense(x, width=WIDTH)
                if data is None:
                    raise NotRunError(f"condensing {n_points} points does not pay, it says")
                found.append((len(data.x), *errors(mixture, x, data.x, data.weight)))
            nodes, sums, bound = np.array(found).T
            everything += [*sums, *bound]
            yield Row(
                {
                    "N": power(n_points),
                    "K": str(K),
                    "family": type(mixture.components).__name__,
                    "nodes": f"{np.median(nodes):.0f}",
                    "sums, typical": f"{np.median(sums):.1e}",
                    "sums, worst": f"{sums.max():.1e}",
                    "bound, typical": f"{np.median(bound):.1e}",
                    "bound, worst": f"{bound.max():.1e}",
                }
            )
    typical, worst = float(np.median(everything)), max(everything)
    yield Row({"family": "all, typical", "sums, typical": f"{typical:.1e}"}, TARGETS[0], typical)
    yield Row({"family": "all, worst", "sums, worst": f"{worst:.1e}"}, TARGETS[1], worst)


def errors(mixture: Mixture, x: np.ndarray, nodes: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Return the relative errors of the sums and of the bound."""
    prior, K = mixture.components, mixture.n_components
    some = prior.statistics(x[::100])
    r = np.random.default_rng(0).dirichlet(np.ones(K), len(some))
    sums = r.T @ some
    for _ in range(20):
        components, pi = prior.updated(100 * sums), mixture.weights.updated(100 * sums[:, -1])
        e, log_weights = components.expected_phi, pi.expected_log()
        sums = refresh_plain(some, np.ones(len(some)), e, log_weights).sums
    return at_posterior(prior, e, log_weights, x, nodes, weight)


def at_posterior(
    prior: ConjugateFamily,
    e: np.ndarray,
    log_weights: np.ndarray,
    x: np.ndarray,
    nodes: np.ndarray,
    weight: np.ndarray,
) -> tuple[float, float]:
    """Return the relative errors of the sums and of the bound at E phi, (K, P), and E ln pi, (K,)."""
    full = prior.statistics(x)
    told = [
        refresh_plain(statistics, w, e, log_weights)
        for statistics, w in ((full, np.ones(len(x))), (prior.statistics(nodes), weight))
    ]
    scale = np.abs(full).sum(axis=0)
    bounds = [(a.sums * e).sum() + a.sums[:, -1] @ log_weights + a.entropy for a in told]
    error = np.max(np.abs(told[1].sums - told[0].sums) / scale)
    return float(error), float(abs(bounds[1] - bounds[0]) / abs(bounds[0]))
