"""The gallery: its derivations are right, its mistakes are mistakes, and the checker finds them."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from scipy import stats

from examples.mutations import densities, table
from examples.mutations.gallery import BOUND, DERIVATIONS, Mutant, gallery, load, right_source, source_of
from examples.mutations.measure import Outcome, fingerprint_of, measure, outcome
from examples.mutations.page import page
from examples.mutations.rows import good, row
from experiments.checks import MixtureLogJoint
from hand_cavi import Mixture, fit
from hand_cavi.derivation import AscentStatus, ascend_from, total
from hand_cavi.families import (
    DirichletCategorical,
    GammaPoisson,
    NormalGamma,
    NormalKnownVariance,
    NormalWishart,
)
from hand_cavi.weights import DirichletWeights, FixedWeights, StickBreaking

# The same models, told to the shipped engine.
MIXTURES = {
    "textbook": Mixture(NormalKnownVariance(0.0, 25.0), FixedWeights(), 2),
    "normal_gamma": Mixture(NormalGamma(0.3, 0.4, 2.5, 1.5), DirichletWeights(2.0), 2),
    "normal_wishart": Mixture(
        NormalWishart(np.array([0.3, -0.2]), 0.4, 4.0, np.array([[2.0, 0.5], [0.5, 1.0]])),
        DirichletWeights(2.0),
        2,
    ),
    "gamma_poisson": Mixture(GammaPoisson(1.5, 0.5), DirichletWeights(2.0), 2),
    "categorical": Mixture(DirichletCategorical(np.full(3, 1.5)), DirichletWeights(2.0), 2),
    "sticks": Mixture(NormalKnownVariance(0.0, 9.0), StickBreaking(1.6), 3),
}
KEYS = {m.key: m for m in gallery()}


@pytest.fixture(scope="module", params=DERIVATIONS)
def right(request):
    return request.param, load(right_source(request.param))


def _states(derivation, seed=0):
    """A random state, and those after one update after another."""
    states = [derivation.initial(np.random.default_rng(seed))]
    for factor in derivation.factors:
        states.append(derivation.update(states[-1], factor))
    return states


# ---- the derivations are right ------------------------------------------------------------------


def test_reaches_the_optimum_of_the_shipped_engine(right):
    name, module = right
    derivation = module.Derivation()
    start = derivation.initial(np.random.default_rng(1))
    ours = ascend_from(derivation, start, max_sweeps=5000, tolerance=1e-14)
    theirs = fit(
        MIXTURES[name], module.DATA.astype(float), rng=0, starts=start["r"], max_sweeps=5000, tolerance=1e-14
    )
    assert ours.status is AscentStatus.CONVERGED
    assert ours.elbo == pytest.approx(theirs.elbo, rel=0, abs=1e-9)
    np.testing.assert_allclose(
        ours.state["r"], theirs.responsibilities(module.DATA.astype(float)), rtol=0, atol=1e-5
    )


def test_textbook_meets_the_fixture():
    derivation = load(right_source("textbook")).Derivation()
    best = max(total(_end(derivation, seed)) for seed in range(5))
    assert best == pytest.approx(-18.716970286055, rel=0, abs=1e-10)


def _end(derivation, seed):
    return ascend_from(derivation, derivation.initial(np.random.default_rng(seed))).elbo_terms


def test_log_joint_agrees_with_the_one_written_for_mixtures(right):
    name, module = right
    derivation, rng = module.Derivation(), np.random.default_rng(2)
    state, draws = derivation.initial(rng), {}
    for factor in derivation.factors:
        draws |= derivation.sample(state, factor, rng, 20)
    theirs, change = dict(draws), 0.0
    for variable in ("mu", "precision", "rate"):
        if variable in draws and module.DATA.ndim == 1:
            theirs[variable] = draws[variable][..., np.newaxis]
    if name == "sticks":
        rest = np.cumprod(1 - draws["v"], axis=1)  # after stick t
        before = np.column_stack([np.ones(20), rest])
        theirs["weights"] = np.column_stack([draws["v"], np.ones(20)]) * before
        change = np.log(before[:, :-1]).sum(axis=1)  # ln |d pi / d v|
    wanted = MixtureLogJoint(MIXTURES[name], module.DATA)(theirs) + change
    np.testing.assert_allclose(module.LogJoint()(draws), wanted, rtol=1e-12)


def test_densities_are_those_of_scipy():
    rng = np.random.default_rng(3)
    x = rng.gamma(2.0, 1.0, 5)
    np.testing.assert_allclose(densities.log_normal(x, 0.5, 2.0), stats.norm.logpdf(x, 0.5, np.sqrt(2)))
    np.testing.assert_allclose(densities.log_gamma(x, 2.5, 1.5), stats.gamma.logpdf(x, 2.5, scale=1 / 1.5))
    np.testing.assert_allclose(densities.log_beta(x / 20, 2.5, 1.5), stats.beta.logpdf(x / 20, 2.5, 1.5))
    counts = np.array([0.0, 1.0, 4.0, 7.0, 2.0])
    np.testing.assert_allclose(densities.log_poisson(counts, x), stats.poisson.logpmf(counts, x))
    p, alpha = rng.dirichlet([1.0, 2.0, 3.0]), np.array([2.0, 0.7, 3.0])
    np.testing.assert_allclose(densities.log_dirichlet(p, alpha), stats.dirichlet.logpdf(p, alpha))
    w = np.array([[2.0, 0.5], [0.5, 1.0]])
    matrix = stats.wishart.rvs(5, w, random_state=rng)
    np.testing.assert_allclose(
        densities.log_wishart(matrix, np.array(4.5), np.linalg.inv(w)), stats.wishart.logpdf(matrix, 4.5, w)
    )
    np.testing.assert_allclose(
        densities.log_normal_precision(x[:2], x[2:4], matrix),
        stats.multivariate_normal.logpdf(x[:2], x[2:4], np.linalg.inv(matrix)),
    )


def test_wishart_draws_have_the_wishart_moments():
    """With 40,000 draws; every entry within 5 standard errors, so that chance fails it once in 10^5 seeds."""
    nu, w = np.array([4.0, 7.5]), np.array([[[2.0, 0.5], [0.5, 1.0]], [[0.3, -0.1], [-0.1, 0.4]]])
    n = 40_000
    draws = densities.wishart_draws(np.random.default_rng(4), n, nu, np.linalg.inv(w))
    diagonal = np.einsum("kii->ki", w)
    variance = nu[:, None, None] * (w**2 + diagonal[:, :, None] * diagonal[:, None, :])
    error = (draws.mean(axis=0) - nu[:, None, None] * w) / np.sqrt(variance / n)
    assert np.abs(error).max() < 5
    # the variance of a sample variance, with the heavy tail of a product of Gammas bounded by 15 sigma^4 / n
    assert np.abs(draws.var(axis=0) / variance - 1).max() < 5 * np.sqrt(15 / n)


# ---- the mistakes are mistakes -------------------------------------------------------------------


def test_the_gallery_is_large_and_covers_all_derivations():
    assert len(gallery()) >= 20
    assert {m.file for m in gallery()} == set(DERIVATIONS)
    assert len(KEYS) == len(gallery())


@pytest.mark.parametrize("key", KEYS)
def test_a_mutant_differs_in_one_line_and_only_where_it_says(key):
    mutant = KEYS[key]
    right_lines, wrong_lines = right_source(mutant.file).splitlines(), mutant.source().splitlines()
    assert sum(a != b for a, b in zip(right_lines, wrong_lines, strict=True)) == 1
    right = load(right_source(mutant.file)).Derivation()
    wrong = load(mutant.source()).Derivation()
    changed = set()
    states = _states(right)
    for state in states:
        gap = total(wrong.elbo(state)) - total(right.elbo(state))
        if abs(gap) > 1e-6:
            changed.add(BOUND)
        for factor in right.factors:
            updates = (d.update(state, factor) for d in (right, wrong))
            draws = [d.sample(state, factor, np.random.default_rng(5), 3) for d in (right, wrong)]
            logs = [d.log_density(state, factor, draws[0]) for d in (right, wrong)]
            if _differ(*updates) or _differ(*draws) or not np.allclose(*logs, rtol=1e-9):
                changed.add(factor)
    assert changed == {mutant.names}


def _differ(a, b):
    return not all(np.allclose(a[name], b[name], rtol=0, atol=1e-6) for name in a)


def test_a_line_that_is_not_there_is_refused():
    mutant = Mutant("none", "textbook", BOUND, "nothing", "no such line", "x")
    with pytest.raises(ValueError, match="occurs 0 times in textbook.py"):
        mutant.source()


# ---- the checker finds them -----------------------------------------------------------------------

CHEAP = (
    "textbook: variance left out of the responsibilities",
    "textbook: prior variance for precision",
    "textbook: ln K dropped",
    "textbook: variance for standard deviation in the sampler",
    "gamma_poisson: the mode's weights",
    "sticks: wrong order of sticks",
    "normal_gamma: digamma forgotten",
    "normal_gamma: ln of the mean weight",
    "normal_wishart: 1/beta for D/beta",
)


@pytest.mark.parametrize("key", CHEAP)
def test_a_mutant_is_caught_and_named(key):
    found = outcome(key, 1, "")
    assert found.passed is False
    assert found.named[0] == KEYS[key].names
    assert KEYS[key].names.lower() in found.message.lower()


def test_a_bound_of_stale_statistics_is_told_from_a_wrong_update():
    """At this seed no random state is stale: only the bound right after an update shows it."""
    found = outcome("normal_wishart: stale statistics in the bound", 1001, "")
    assert found.named == [BOUND]


def test_a_hole_in_the_checker_is_an_outcome(monkeypatch):
    def broken(*args, **kwargs):
        raise ZeroDivisionError("a hole")

    monkeypatch.setattr("experiments.checks.check", broken)
    found = outcome("textbook", 0, "")
    assert (found.passed, found.failed, found.message) == (None, ["crash"], "ZeroDivisionError: a hole")


def test_the_right_textbook_is_not_blamed():
    found = outcome("textbook", 1, "")
    assert found.passed is not False
    assert not found.named


@pytest.mark.parametrize("seed", [11, 14])
def test_a_variance_that_is_below_1_in_all_examples_may_exceed_it(seed):
    """At these seeds s2 looks like a share until an update makes it larger than 1."""
    assert outcome("sticks", seed, "").passed


# ---- the table --------------------------------------------------------------------------------------


def _outcomes(key, n, **changes):
    plain = Outcome(key, 0, fingerprint_of(key), False, [BOUND], ["elbo"], "the bound is off", 1.0)
    return [replace(plain, seed=seed, **changes) for seed in range(n)]


def test_rows_count_what_was_caught_and_named():
    key = "textbook: ln K dropped"
    r = row(
        key,
        BOUND,
        [*_outcomes(key, 3), *_outcomes(key, 1, named=["components", BOUND], failed=["ascent", "elbo"])],
    )
    assert (r.caught, r.named, r.only) == (1.0, 0.75, 0.75)
    assert r.checks == {"ascent": 0.25, "elbo": 1.0}
    assert not good(r)
    assert good(row(key, BOUND, _outcomes(key, 4)))
    assert not good(row("textbook", None, _outcomes("textbook", 4)))
    right = row("textbook", None, _outcomes("textbook", 4, passed=None, named=[], failed=[]))
    assert good(right) and right.undecided == 1.0


def test_stored_outcomes_are_not_measured_again_and_others_are_not_believed(tmp_path):
    key, store = "textbook: ln K dropped", tmp_path / "outcomes.jsonl"
    lines = [json.dumps(asdict(o)) for o in _outcomes(key, 2)]
    store.write_text("\n".join([*lines, lines[0][:40]]) + "\n")  # the last line was cut off
    assert [o.seed for o in measure([key], 2, store)] == [0, 1]
    assert store.read_text().count("\n") == 3
    stale = replace(_outcomes(key, 1)[0], fingerprint="of another text", seconds=-1.0)
    store.write_text(json.dumps(asdict(stale)) + "\n")
    (fresh,) = measure([key], 1, store, processes=1)
    assert fresh.fingerprint == fingerprint_of(key) and fresh.seconds > 0


def test_the_command_prints_json_and_writes_the_page(tmp_path, capsys):
    key, store = "textbook: ln K dropped", tmp_path / "outcomes.jsonl"
    store.write_text("".join(json.dumps(asdict(o)) + "\n" for o in _outcomes(key, 3)))
    markdown = tmp_path / "page.md"
    status = table.main(
        ["--only", "ln K", "--repetitions", "3", "--store", str(store), "--markdown", str(markdown)]
    )
    (printed,) = json.loads(capsys.readouterr().out)
    assert status == 0 and printed["caught"] == 1.0
    text = markdown.read_text()
    assert '- "ln p(c)": -n * np.log(self.n_components),\n+ "ln p(c)": 0.0,' in text
    assert "1 of 1 are caught" in text


def test_the_page_shows_every_mutant():
    rows = [row(m.key, m.names, _outcomes(m.key, 1, named=[m.names])) for m in gallery()]
    text = page(rows)
    for mutant in gallery():
        assert f"- {mutant.right}\n+ {mutant.wrong}" in text
    assert source_of("sticks") == right_source("sticks")
