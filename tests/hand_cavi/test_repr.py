"""What a fit shows of itself is short, and names nothing without its caution."""

import numpy as np
import pytest

from hand_cavi import DirichletWeights, Mixture, NormalGamma, fit
from hand_cavi.result.html import moments
from tests.hand_cavi.cases import FAMILIES, PAIRS, WEIGHTS


def test_a_fit_shows_what_it_is_in_one_sentence():
    mixture = Mixture(NormalGamma(0.0, 0.1, 2.0, 1.0), DirichletWeights(1.0), 3)
    shown = repr(fit(mixture, [-3.0, -2.9, -3.1, 3.0, 3.1, 2.9], rng=1))
    assert shown.startswith("<Fit of 3 components (normal_gamma, weights dirichlet): ELBO -1")
    assert "converged (the bound stopped rising); points held: [" in shown
    assert len(shown) < 250


def test_many_components_do_not_fill_the_screen():
    mixture = Mixture(NormalGamma(0.0, 0.1, 2.0, 1.0), DirichletWeights(1.0), 40)
    assert len(repr(fit(mixture, np.linspace(-3, 3, 50), rng=1, starts=1, max_sweeps=3))) < 350


def test_a_notebook_shows_bound_components_and_cautions():
    mixture = Mixture(NormalGamma(0.0, 0.1, 2.0, 1.0), DirichletWeights(1.0), 3)
    found = fit(mixture, [-3.0, -2.9, -3.1, 3.0, 3.1, 2.9], rng=1)
    shown = found._repr_html_()
    assert f"{found.elbo:.6f} nats" in shown and "converged after" in shown and "<script" not in shown
    assert shown.count("<tr>") == 4 and "<th>mu</th><th>precision</th>" in shown
    (empty,) = np.flatnonzero(found.counts < 0.5)
    assert f"Caution: component {empty + 1} holds no points" in shown


@pytest.mark.parametrize(("family", "weights"), PAIRS)
def test_what_a_notebook_shows_are_qs_own_moments(family, weights):
    case = FAMILIES[family]
    mixture = Mixture(case.prior, WEIGHTS[weights](2), 2)
    found = fit(mixture, case.data(np.random.default_rng(1), 30), rng=1, starts=2)
    draws, shown = found.sample(2, 20_000), moments(found)
    assert {name for name, (mean, _) in shown.items() if mean.size} == set(draws)
    for name, values in draws.items():
        mean, sd = shown[name]
        assert (np.abs(values.mean(axis=0) - mean) <= 6 * sd / np.sqrt(20_000) + 1e-12).all()
        np.testing.assert_allclose(values.std(axis=0)[np.isfinite(sd)], sd[np.isfinite(sd)], rtol=0.2)
    assert found._repr_html_().count("<tr>") == 3
