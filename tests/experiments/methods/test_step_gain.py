"""What is left to gain from a q, as its draws say: by an update of CAVI's, and by a step of a Gaussian.

Statistical tests have fixed seeds; each states its false-alarm rate over seeds.
"""

import numpy as np
import pytest

from experiments.methods.mixture_target import MixtureTarget
from experiments.methods.step_gain import gain_of_a_step
from experiments.metrics.convergence import step_gain, update_gain
from experiments.records import Measurement, MethodResult, Problem, Reference, Told
from experiments.verdict.impossible_bounds import N_ERRORS, ROUNDING, impossibilities
from hand_cavi import Fit, FixedWeights, Mixture, NormalKnownVariance, fit
from ppl_baselines.draws import to_datatree
from tests.experiments.family_cases import FAMILIES, PRIORS, WEIGHTS, data_of
from tests.experiments.faults import mean_field, textbook, two_clusters
from tests.experiments.fitted import context_for

NONE = Reference("none", False, "none was asked for")
PAIRS = [(family, weights) for family in FAMILIES for weights in WEIGHTS]


def gained(problem: Problem, q: Fit, *, left: float | None = 0.0, n: int = 2000) -> Measurement:
    draws = q.sample(rng(0), n)
    columns = {"log_joint": np.zeros((1, n)), "log_q": q.log_density(draws)[np.newaxis]}
    tree = to_datatree({name: one[np.newaxis] for name, one in draws.items()}, sample_stats=columns)
    told = Told(bound_of="theta and assignments", elbo_left=left)
    result = MethodResult("converged", "", 0.0, 0.0, tree, q.elbo, 0.0, told=told)
    return update_gain(context_for(problem, result, NONE))


def figures(found: Measurement) -> tuple[float, float]:
    assert isinstance(found.value, float) and isinstance(found.standard_error, float)
    return found.value, found.standard_error


@pytest.mark.parametrize(("family", "weights"), PAIRS)
def test_a_right_cavi_has_nothing_to_gain(family: str, weights: str) -> None:
    """The largest of 4,500 figures like these was 1.6 of their errors, and 5 are a fault."""
    x = data_of(family)
    for n_components, sample_weight in ((2, None), (3, np.random.default_rng(1).random(len(x)) * 3)):
        mixture = Mixture(PRIORS[family], WEIGHTS[weights], n_components)
        q = fit(mixture, x, rng=2, starts=2, sample_weight=sample_weight)
        gain, error = figures(gained(Problem(mixture, x, sample_weight), q))
        assert abs(gain) < 3 * error + ROUNDING * abs(q.elbo)
        assert error < 0.01


def test_the_gain_of_a_half_step_is_cavi_s_own() -> None:
    """From where two sweeps end: the next half-step's gain in closed form, within 5 errors."""
    x = data_of("normal_gamma")
    mixture = Mixture(PRIORS["normal_gamma"], WEIGHTS["dirichlet"], 3)
    q = fit(mixture, x, rng=2, starts=1, max_sweeps=2)
    on = fit(mixture, x, rng=2, starts=q.responsibilities(x), max_sweeps=1)
    truth = on.half_step_trace[0, 0] - q.elbo
    gain, error = figures(gained(Problem(mixture, x), q, n=20_000))
    assert truth > 10 * error
    assert abs(gain - truth) < N_ERRORS * error


def test_updates_of_another_model_are_told_from_its() -> None:
    """Prior variances near the right one, where no bound would tell; the right one is not blamed."""
    problem = two_clusters(1, n=10)
    for variance, wrong in ((15.0, True), (25.0, False), (60.0, True)):
        q = fit(textbook(variance), problem.x, rng=1)
        measured = {"own_bound": Measurement(q.elbo, 0.0), "update_gain": gained(problem, q)}
        assert bool(impossibilities(measured, None)) == wrong


def test_what_is_left_is_not_believed_where_it_is_not_said_or_too_much() -> None:
    problem = two_clusters(1, n=10)
    q = fit(problem.mixture, problem.x, rng=1)
    whole = figures(gained(problem, q, left=0.0))
    for left in (None, 0.5):
        measured = gained(problem, q, left=left)
        assert measured.note.startswith("what its own updates leave is not stated, or too much")
        assert figures(measured) == whole and measured.threshold.value == 0.05
    assert gained(problem, q, n=99).note == "99 draws are too few; a figure needs 100"


def test_a_gain_counts_without_a_bound_of_its_own() -> None:
    gain, f = Measurement(0.5, 0.01, "nats"), Measurement(-18.0, 0.01, "nats")
    for others in ({"collapsed_bound": f}, {"own_bound": f}):
        assert (
            "updating q by its definition gains 0.5"
            in impossibilities({"update_gain": gain, **others}, None)[0]
        )


# a step of a Gaussian


def test_a_step_on_gains_what_a_wrong_gaussian_has_lost() -> None:
    """One component: the posterior is normal, so that F's gap is KL(q, posterior), and one step closes it."""
    mixture = Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 1)
    problem = Problem(mixture, np.array([[1.0], [2.0], [3.0], [4.0]]))
    precision = 4 + 1 / 25
    mean, sd = 10 / precision, precision**-0.5
    log_joint = MixtureTarget(problem).log_joint
    for off, factor in ((0.3, 1.0), (0.0, 1.4), (-0.5, 0.8)):
        q = mean_field(np.array([mean + off * sd]), np.array([factor * sd]))
        lost = 0.5 * (factor**2 + off**2 - 1) - np.log(factor)
        gain, error = gain_of_a_step(q, log_joint, rng(1))
        assert error < 0.02
        assert abs(gain - lost) < 5 * error  # false alarm 6e-7 a case
    gain, error = gain_of_a_step(mean_field(np.array([mean]), np.array([sd])), log_joint, rng(1))
    assert abs(gain) < 1e-9


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_a_method_without_a_step_has_no_figure() -> None:
    tree = to_datatree({"mu": np.zeros((1, 10, 2, 1))})
    context = context_for(two_clusters(0), MethodResult("", "", 0, 0, tree), NONE)
    assert step_gain(context).value is None
