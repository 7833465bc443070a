"""docs/mathematics.md against the code: the figures of section 11 and the thresholds of section 10.

Figures are read out of the page's tables and recomputed by independent ways: enumeration, quadrature, a grid.
The page's Python block gives data and models. Formulas are tried in test_mathematics_formulas.
"""

import re
from functools import cache

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import logsumexp
from scipy.stats import norm

from experiments import metrics
from experiments.checks.sequential_test import FALSE_ALARM_RATE
from experiments.config.options import VerdictOptions
from experiments.methods import mass_of_density
from experiments.metrics import convergence
from experiments.posterior import predictive_checks
from experiments.posterior.pareto import most_k_hat
from experiments.posterior.symmetrised import log_q_symmetrised
from experiments.records import Draws
from experiments.references import _agreement, _gate, bridge, enumeration, importance, quadrature, smc
from experiments.relabel.matching import AMBIGUOUS_BELOW
from experiments.verdict import impossible_bounds
from hand_cavi import NormalKnownVariance, fit, log_joint
from hand_cavi.linear_response import MAX_DISPLACEMENT, MAX_RADIUS, linear_response
from tests.hand_cavi.evidence import log_joints
from tests.mathematics_page import agrees, best, data, model, section, tables

# ---- section 11: the figures -----------------------------------------------------------------


class Normals:
    """A product of normals over the means of two components, D = 1."""

    def __init__(self, mean: np.ndarray, sd: np.ndarray) -> None:
        self.mean, self.sd = mean, sd

    def sample(self, rng: np.random.Generator, n: int) -> Draws:
        return {"mu": self.mean[:, np.newaxis] + self.sd[:, np.newaxis] * rng.standard_normal((n, 2, 1))}

    def log_density(self, draws: Draws) -> np.ndarray:
        return self.log_density_by_component(draws).sum(axis=1)

    def log_density_by_component(self, draws: Draws) -> np.ndarray:
        return norm.logpdf(draws["mu"][:, :, 0], self.mean, self.sd)


def under(q: Normals, n: int = 60) -> tuple[np.ndarray, Draws]:
    """Return shares and draws whose average is an expectation under q, by Gauss-Hermite."""
    node, weight = np.polynomial.hermite_e.hermegauss(n)
    z = np.stack(np.meshgrid(node, node, indexing="ij"), axis=-1).reshape(-1, 2)
    return np.outer(weight, weight).ravel() / weight.sum() ** 2, {"mu": (q.mean + q.sd * z)[:, :, np.newaxis]}


def bounds(q: Normals, x: np.ndarray, n: int = 60) -> tuple[float, float]:
    """Return F(q) and F(q_sym) of the textbook's model."""
    share, draws = under(q, n)
    log_p = log_joint(model("textbook"), x, draws)
    symmetrised = log_q_symmetrised(q, draws, model("textbook"))
    return float(share @ (log_p - q.log_density(draws))), float(share @ (log_p - symmetrised))


def cavi(name: str) -> Normals:
    found = best(name, "textbook").components
    assert isinstance(found, NormalKnownVariance)
    return Normals(found.mean[:, 0], np.sqrt(found.variance))


@cache
def best_of_f(name: str) -> Normals:
    """Return the q with the largest F, the better of what two starts lead to."""
    x = data(name)

    def loss(at: np.ndarray) -> float:
        q = Normals(at[:2], np.exp(np.clip(at[2:], -5, 5)))  # a line search may stray
        share, draws = under(q, 24)
        return float(share @ (q.log_density(draws) - log_joint(model("textbook"), x, draws)))

    starts = [[-1.9, 2.1, -0.7, -0.7], [0.1, 0.1, -1.0, -1.0]]
    found = min((minimize(loss, start, method="BFGS") for start in starts), key=lambda one: float(one.fun))
    return Normals(found.x[:2], np.exp(found.x[2:]))


def test_evidence_and_best_bounds() -> None:
    table = tables(section(11))[0]
    assert table[0] == ["data", "model", "ln p(x)", "best ELBO"] and len(table) == 8
    for data_name, model_name, evidence, elbo in table[1:]:
        agrees(evidence, logsumexp(log_joints(model(model_name), data(data_name))[1]))
        agrees(elbo, best(data_name, model_name).elbo)
        assert float(elbo) < float(evidence)


UNDER_TEXTBOOK = {
    "largest ln p(x, c)": lambda name: log_joints(model("textbook"), data(name))[1].max(),
    "ELBO at equal starting means": lambda name: (
        fit(model("textbook"), data(name), rng=0, starts=np.full((8, 2), 0.5)).elbo
    ),
    "F at CAVI's q": lambda name: bounds(cavi(name), data(name))[0],
    "F(q_sym) at CAVI's q": lambda name: bounds(cavi(name), data(name))[1],
    "KL(q, q_sym) at CAVI's q": lambda name: np.diff(bounds(cavi(name), data(name))),
    "F at its best q": lambda name: bounds(best_of_f(name), data(name))[0],
    "F(q_sym) at F's best q": lambda name: bounds(best_of_f(name), data(name))[1],
}


def test_bounds_of_the_textbook_model() -> None:
    table = tables(section(11))[1]
    assert [row[0] for row in table[1:]] == list(UNDER_TEXTBOOK)
    for row in table[1:]:
        for name, cell in zip(table[0][1:], row[1:], strict=True):
            agrees(cell, UNDER_TEXTBOOK[row[0]](name))


def test_what_the_page_says_of_who_wins() -> None:
    """Section 4: on the close data the best q of F merges, wins on F and loses after symmetrisation."""
    merged, found = best_of_f("close"), cavi("close")
    (f, whole), (merged_f, merged_whole) = (bounds(q, data("close")) for q in (found, merged))
    assert abs(np.diff(merged.mean)) < 1e-3 < 0.5 < abs(np.diff(found.mean))
    said = re.search(
        r"beats CAVI's F by ([\d.]+)\s+nats.*?ends ([\d.]+)\s+nats\s+behind", section(4), re.DOTALL
    )
    assert said is not None
    agrees(said.group(1), merged_f - f)
    agrees(said.group(2), whole - merged_whole)


def exact_covariance(x: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Return the posterior covariance of two means about one mode, by a grid."""
    grids = [m + np.linspace(-0.8, 0.8, 161) for m in centre]
    density = [norm.pdf(x, grid) for grid in grids]
    log_p = np.log(density[0][:, :, np.newaxis] + density[1][:, np.newaxis, :]).sum(axis=0)
    log_p += norm.logpdf(grids[0], 0, 5)[:, np.newaxis] + norm.logpdf(grids[1], 0, 5)
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    first, second = grids[0] - p.sum(axis=1) @ grids[0], grids[1] - p.sum(axis=0) @ grids[1]
    mixed = first @ p @ second
    return np.array([[p.sum(axis=1) @ first**2, mixed], [mixed, p.sum(axis=0) @ second**2]])


def test_linear_response_of_the_two_clumps() -> None:
    x = data("clumps")
    found = fit(model("textbook"), x, rng=3, starts=3, tolerance=1e-15, max_sweeps=5000)
    order = np.argsort(-found.components.mean_draw()["mu"][:, 0])  # the page has the upper clump first
    response = linear_response(found, x)
    joint = response.parameters
    columns = {
        "CAVI": joint.under_q[np.ix_(order, order)],
        "linear response": joint.covariance[np.ix_(order, order)],
        "exact": exact_covariance(x, found.components.mean_draw()["mu"][order, 0]),
    }
    header, sds, covariances, radii = tables(section(11))[2]
    assert header[1:] == list(columns) and radii[0] == "spectral radius of V M"
    for i, covariance in enumerate(columns.values(), start=1):
        agrees(sds[i], np.sqrt(np.diagonal(covariance)))
        agrees(covariances[i], covariance[0, 1])
    agrees(radii[2], response.radius)


def test_what_the_margins_mean() -> None:
    said = re.search(r"probability ([\d.]+) %.*?with\s+([\d.]+) %", section(11), re.DOTALL)
    assert said is not None
    z = norm.ppf(0.975)
    agrees(said.group(1), 100 * (norm.cdf(z - 0.25) - norm.cdf(-z - 0.25)))
    agrees(said.group(2), 100 * (2 * norm.cdf(z / 2) - 1))


@pytest.mark.parametrize("name", ["apart", "close"])
def test_f_of_q_sym_is_f_plus_a_divergence(name: str) -> None:
    """F(q_sym) by expectations under q_sym itself, both modes, against the formula with draws of q alone."""
    q, x, textbook = cavi(name), data(name), model("textbook")
    f, symmetrised = bounds(q, x)
    of_both = []
    for one in (q, Normals(q.mean[::-1], q.sd[::-1])):
        share, draws = under(one)
        of_both.append(share @ (log_joint(textbook, x, draws) - log_q_symmetrised(q, draws, textbook)))
    assert symmetrised == pytest.approx(np.mean(of_both), abs=1e-9)
    share, draws = under(q)
    excess = q.log_density(draws) - log_q_symmetrised(q, draws, textbook)
    assert (excess <= np.log(2) + 1e-12).all()
    assert symmetrised == pytest.approx(f + share @ excess, abs=1e-9)
    evidence = logsumexp(log_joints(textbook, x)[1])
    assert best(name, "textbook").elbo <= f <= symmetrised <= evidence


# ---- section 10: metrics and thresholds --------------------------------------------------------


def test_every_metric_has_its_row() -> None:
    rows = tables(section(10))[0][1:]
    named = [name.strip(" `") for row in rows for name in row[0].replace(";", ",").split(",")]
    assert sorted(named) == metrics.names()


def test_thresholds_are_those_of_the_code() -> None:
    values = {row[0].partition(",")[0].partition(":")[0]: row[1] for row in tables(section(10))[1][1:]}
    options = VerdictOptions()
    expected = {
        "a reference's draws": (_gate.MAX_R_HAT, _gate.MIN_ESS),
        "NUTS as a reference": (_gate.MIN_E_FMI,),
        "standard error of ln p(x) at most": (
            importance.QUALIFIES,
            bridge.QUALIFIES,
            smc.QUALIFIES,
            quadrature.QUALIFIES,
        ),
        "assignments enumerated": (enumeration.MAX_ASSIGNMENTS,),
        "two references disagree beyond": (_agreement.STANDARD_ERRORS,),
        "margins": (
            options.margin,
            options.sd_factor,
            options.sampler_sd_factor,
            options.predictive_distance,
            options.co_clustering,
        ),
        "margin of the evidence gap": (options.evidence_gap,),
        "error rate of a verdict": (options.error_rate,),
        "a mixture does not fit the data below": (predictive_checks.LEVEL,),
        "a bound is impossible beyond": (impossible_bounds.N_ERRORS,),
        "a fall of the bound is rounding up to": (-impossible_bounds.LARGEST_FALL,),
        "one step on may gain": (convergence.MATTERS,),
        "the log mass of a density may be": (impossible_bounds.MASS, mass_of_density.OVERLAP),
        "a naming is ambiguous below": (np.exp(AMBIGUOUS_BELOW),),
        "linear response": (MAX_RADIUS, MAX_DISPLACEMENT),
        "false alarms of a whole check": (FALSE_ALARM_RATE,),
    }
    assert set(values) == {*expected, "k-hat at most"}
    assert values["k-hat at most"] == "min(1 - 1/log10 S, 0.7)"
    assert [most_k_hat(s) for s in (100, 10**6)] == pytest.approx([1 - 1 / 2, 0.7])
    for name, figures in expected.items():
        said = [float(figure) for figure in values[name].split("; ")]
        assert said == pytest.approx(list(figures), rel=1e-12), name
