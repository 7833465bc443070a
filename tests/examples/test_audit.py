"""The audit finds planted faults of each kind, and nothing in a right implementation: ours, as a library's.

What needs no library but takes longer has the marker `audit`, like the libraries' own tests.
"""

import numpy as np
import pytest
from scipy.special import digamma

pytest.importorskip("sklearn")

from examples.audit import chain, gaussians, log_joints, measures, mixture, page, topics
from examples.audit.data import chain as steps_of_a_chain
from examples.audit.data import clusters, documents
from examples.audit.subject import Step, Subject
from experiments.references import log_evidence
from hand_cavi import DirichletWeights, Mixture, NormalGamma, NormalWishart, StickBreaking

PRIOR = {"mean": np.full(2, 0.3), "beta": np.array(0.4), "nu": np.array(3.7)}
SCALES = {
    "full": 1.3 * np.eye(2),
    "tied": 1.3 * np.eye(2),
    "diag": np.full(2, 1.3),
    "spherical": np.array(1.3),
}
GAMMAS = NormalGamma(np.full(2, 0.3), 0.4, 1.9, np.full(2, 0.7))
SMALL, LARGE = clusters(6, 2, 2, seed=1, apart=4.0), [clusters(40, 2, 2, seed) for seed in range(2)]


def derive(x, components=GAMMAS, weights=None, steps=None):
    """A mixture as a library's, whose steps are ours unless others are given."""
    weights = weights or DirichletWeights(1.3).for_components(2)
    joint = log_joints.MixtureLogJoint(components, weights, x)
    right = mixture.ours(x, components, weights)
    reading = mixture.own_reading(components)
    return mixture.MixtureOfTheirs(x, 2, reading, weights, joint, steps(*right) if steps else right)


def iterate(of, iterations, bound=lambda terms: sum(terms.values())):
    """A library's iterations, and what it calls its bound."""
    r = np.random.default_rng(1).dirichlet(np.ones(2), len(of.x))
    for iteration in range(1, iterations + 1):
        made = of.m_step(r)
        r = of.e_step(*made)
        state = mixture.State(r, *made)
        yield Step(iteration, state, bound(of.elbo(state)))


def ascent(steps=None, bound=lambda terms: sum(terms.values())):
    runs = [derive(x, steps=steps) for x in LARGE]
    return measures.ascent_of([(one, list(iterate(one, 30, bound))) for one in runs])


def wrong(updates):
    return [factor for factor, said in updates.said.items() if said]


def test_nothing_is_found_in_a_right_implementation():
    subject = Subject("ours", "mixture", "documented", derive, SMALL, LARGE, iterate)
    finding = measures.audit(subject, 30)
    row = page.row(finding)
    assert row.startswith("| mixture | documented | 0 | optimal | never falls | as ours, ")
    assert "**" not in row
    assert finding.widths.short == pytest.approx(0, abs=1e-6)
    assert finding.widths.true < finding.widths.evidence


def test_a_bound_that_drops_a_constant_is_told_from_one_that_lacks_a_term():
    constant = ascent(bound=lambda terms: sum(terms.values()) - 3.5)
    assert page.bound_words(constant) == "constant, -3.500"
    lacking = ascent(bound=lambda terms: sum(terms.values()) - terms["minus_kl_weights"])
    assert page.bound_words(lacking).startswith("**moves by")
    assert not lacking.falling


def wishart_constants(m_step, e_step):
    """Wishart's constants for independent Gammas: psi(nu/2 - 1/2) for the second of two features."""

    def steps(components, weights):
        nu = components.shape
        log_r = np.log(e_step(components, weights)) + (digamma(nu - 0.5) - digamma(nu)) / 2
        r = np.exp(log_r - log_r.max(axis=1, keepdims=True))
        return r / r.sum(axis=1, keepdims=True)

    return m_step, steps


def test_an_update_that_is_not_optimal_is_named_and_makes_the_true_bound_fall():
    updates = measures.updates_of(derive(SMALL, steps=wishart_constants))
    assert (wrong(updates), updates.ours) == (["assignments"], "")
    assert page.update_words(updates).startswith("**assignments** off by")
    assert page.ascent_words(ascent(wishart_constants)).startswith("**falls** by")


def data_twice(m_step, e_step):
    """The shape and the rate of the precisions as if there were twice as much of everything."""

    def steps(r):
        q, weights = m_step(r)
        return NormalGamma(q.mean, q.precision_scale, 2 * q.shape, 2 * q.rate), weights

    return steps, e_step


def test_intervals_that_are_too_narrow_are_found():
    of = derive(SMALL, steps=data_twice)
    *_, last = iterate(of, 30)
    widths = measures.widths_of(of, last.state)
    assert widths.theirs["precision"] == pytest.approx(widths.ours["precision"] / np.sqrt(2), rel=0.05)
    assert "**precision " in page.width_words(widths)
    assert widths.short > 0.1


def test_the_enumeration_agrees_with_that_of_the_references():
    prior, weights = NormalWishart(np.full(2, 0.3), 0.4, 3.7, 1.3 * np.eye(2)), DirichletWeights(1.3)
    of = derive(SMALL, prior, weights.for_components(2))
    truth = measures.exact(of, of.initial(np.random.default_rng(1)), n=100)
    reference = log_evidence(Mixture(prior, weights, 2), SMALL, rng=1)
    assert reference.standard_error == pytest.approx(0, abs=1e-9)
    assert truth.log_evidence == pytest.approx(reference.value, abs=1e-8)


def readings():
    for kind in gaussians.TYPES:
        for documented in (True, False)[: 1 if kind == "full" else 2]:
            yield kind, documented


@pytest.mark.audit
@pytest.mark.parametrize(("kind", "documented"), list(readings()))
@pytest.mark.parametrize("process", [False, True])
def test_the_bound_of_every_reading_is_its_definition(kind, documented, process):
    """E_q[ln p - ln q] by 100,000 draws; five standard errors: a false alarm in 10^6."""
    read = gaussians.reading(kind, {**PRIOR, "scale": SCALES[kind]}, 2, documented=documented)
    weights = StickBreaking(1.3).for_components(3) if process else DirichletWeights(1.3).for_components(2)
    joint = log_joints.MixtureLogJoint(read.prior, weights, SMALL)
    m_step, e_step = mixture.ours(SMALL, read.prior, weights)

    def restricted(r):
        q, q_weights = m_step(r)
        return read.posterior(**read.numbers(q)), q_weights

    of = mixture.MixtureOfTheirs(SMALL, 2, read, weights, joint, (restricted, e_step))
    state, rng, n = of.initial(np.random.default_rng(1)), np.random.default_rng(2), 100_000
    draws = [of.sample(state, factor, rng, n) for factor in of.factors]
    log_q = sum(of.log_density(state, factor, d) for factor, d in zip(of.factors, draws, strict=True))
    y = joint({name: values for d in draws for name, values in d.items()}) - log_q
    assert measures.true_bound(of, state) == pytest.approx(y.mean(), abs=5 * y.std() / np.sqrt(n))


@pytest.mark.audit
@pytest.mark.parametrize("kind", ["tied", "spherical"])
def test_updates_of_our_own_readings_are_optimal(kind):
    read = gaussians.reading(kind, {**PRIOR, "scale": SCALES[kind]}, 2, documented=True)
    of = derive(SMALL, read.prior, StickBreaking(1.3).for_components(3))
    of.reading = read
    updates = measures.updates_of(of)
    assert (updates.ours, wrong(updates)) == ("", [])


@pytest.mark.audit
def test_right_topics_pass():
    words = topics.TopicsOfTheirs(documents(2, 3, 2, 3), 2, 0.7, 0.4, None).own()
    updates = measures.updates_of(words)
    assert (updates.ours, wrong(updates)) == ("", [])


@pytest.mark.audit
def test_a_right_chain_passes_and_a_prior_that_is_forgotten_is_named():
    x = steps_of_a_chain(6, 2, 2)
    m_step, e_step = chain.ours(x, GAMMAS, 1.3)

    def forgets(potentials):
        start, transitions, emissions = m_step(potentials)
        return start, transitions - 1.0, emissions

    for first, named in ((m_step, []), (forgets, ["transitions"])):
        of = chain.ChainOfTheirs(x, 2, mixture.own_reading(GAMMAS), 1.3, (first, e_step))
        updates = measures.updates_of(of)
        assert (updates.ours, wrong(updates)) == ("", named)


@pytest.mark.audit
def test_a_wrong_update_of_a_restricted_q_is_named():
    """The right shared Wishart has nu0 + N / K degrees of freedom; nu0 + N is that of one matrix for all."""
    read = gaussians.reading("tied", {**PRIOR, "scale": SCALES["tied"]}, 2, documented=False)
    m_step, e_step = mixture.ours(SMALL, read.prior, weights := DirichletWeights(1.3).for_components(2))

    def shared(r, points):
        q, q_weights = m_step(r)
        nu, inverse = PRIOR["nu"] + points, q.scale_inverse.mean(axis=0)
        return read.posterior(mean=q.mean, beta=q.precision_scale, nu=nu, scale=inverse), q_weights

    joint = log_joints.MixtureLogJoint(read.prior, weights, SMALL)
    for points, named in ((len(SMALL) / 2, []), (len(SMALL), ["components"])):
        steps = (lambda r, points=points: shared(r, points)), e_step
        updates = measures.updates_of(
            mixture.MixtureOfTheirs(SMALL, 2, read, weights, joint, steps), sizes=(1000, 4000)
        )
        assert (updates.ours, wrong(updates)) == ("", named)
