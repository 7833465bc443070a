"""Four numbers on one scale, for eight points far apart and eight close together."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator
from scipy.optimize import minimize
from scipy.special import logsumexp
from scipy.stats import norm

from docs.making.figures.colours import ADVI, CAVI, EXACT, TEXT
from experiments.references import log_evidence
from hand_cavi import FixedWeights, Mixture, NormalKnownVariance, fit, log_joint

APART = np.array([-2.6, -2.1, -1.7, -1.2, 1.4, 1.9, 2.3, 2.8])
CLOSE = np.array([-1.6, -1.1, -0.7, -0.2, 0.4, 0.9, 1.3, 1.8])
TEXTBOOK = Mixture(NormalKnownVariance(mean=0.0, variance=25.0), FixedWeights(), n_components=2)


@dataclass(frozen=True)
class Bounds:
    """What two normals q(mu_1) q(mu_2) are worth, in nats."""

    f: float
    symmetrised: float


def bounds_of(m: np.ndarray, s: np.ndarray, x: np.ndarray, n_nodes: int = 40) -> Bounds:
    """Return F and F symmetrised by Gauss-Hermite quadrature."""
    node, weight = np.polynomial.hermite_e.hermegauss(n_nodes)
    z = np.stack(np.meshgrid(node, node, indexing="ij"), axis=-1).reshape(-1, 2)
    share = np.outer(weight, weight).ravel() / weight.sum() ** 2
    mu = m + s * z
    log_p = log_joint(TEXTBOOK, x[:, np.newaxis], {"mu": mu[:, :, np.newaxis]})
    log_q = norm.logpdf(mu, m, s).sum(axis=1)
    swapped = norm.logpdf(mu, m[::-1], s[::-1]).sum(axis=1)
    symmetric = logsumexp([log_q, swapped], axis=0) - np.log(2)
    return Bounds(float(share @ (log_p - log_q)), float(share @ (log_p - symmetric)))


@cache
def figures(name: str) -> list[tuple[str, str, float]]:
    """Return rows of label, colour and value for the data of a name, ``apart`` or ``close``."""
    x = {"apart": APART, "close": CLOSE}[name]
    q = fit(TEXTBOOK, x, rng=1)
    m, s = q.components.mean[:, 0], np.sqrt(q.components.variance)
    ours = bounds_of(m, s, x)

    def loss(at: np.ndarray) -> float:
        return -bounds_of(at[:2], np.exp(np.clip(at[2:], -5, 5)), x, 20).f

    starts = ([-1.9, 2.1, -0.7, -0.7], [0.1, 0.1, -1.0, -1.0])
    best = min((minimize(loss, start, method="BFGS") for start in starts), key=lambda one: float(one.fun))
    theirs = bounds_of(best.x[:2], np.exp(best.x[2:]), x)
    return [
        ("CAVI: ELBO", CAVI, q.elbo),
        ("CAVI: F", CAVI, ours.f),
        ("CAVI: F symmetrised", CAVI, ours.symmetrised),
        ("best F: F", ADVI, theirs.f),
        ("best F: F symmetrised", ADVI, theirs.symmetrised),
        ("log evidence", EXACT, log_evidence(TEXTBOOK, x, rng=1).value),
    ]


def draw() -> Figure:
    """Return one panel of marks for each data set."""
    figure = Figure(figsize=(7.6, 3.2), layout="constrained")
    for axes, (name, title) in zip(
        figure.subplots(1, 2), (("apart", "far apart"), ("close", "close together")), strict=True
    ):
        rows = figures(name)
        evidence = rows[-1][2]
        axes.axvline(evidence, color=EXACT, linewidth=1)
        for height, (_, colour, value) in enumerate(reversed(rows)):
            axes.plot([value, evidence], [height, height], color=colour, linewidth=1, alpha=0.5)
            axes.plot(value, height, marker="o", color=colour)
            axes.annotate(
                f"\u2212{-value:.2f}", (value, height), (0, 5), textcoords="offset points", fontsize=8
            )
        axes.set_yticks(range(len(rows)), [label for label, _, _ in reversed(rows)])
        axes.set(xlabel="nats", ylim=(-0.5, len(rows) - 0.2))
        axes.set_xlim(evidence - 1.3, evidence + 0.25)
        axes.xaxis.set_major_locator(MultipleLocator(0.5))
        axes.set_title(title, loc="left", fontsize=9, color=TEXT)
        if name == "close":
            axes.set_yticklabels([])
    return figure
