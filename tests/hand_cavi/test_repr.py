"""What a fit shows of itself is short, and names nothing without its caution."""

import numpy as np

from hand_cavi import DirichletWeights, Mixture, NormalGamma, fit


def test_a_fit_shows_what_it_is_in_one_sentence():
    mixture = Mixture(NormalGamma(0.0, 0.1, 2.0, 1.0), DirichletWeights(1.0), 3)
    shown = repr(fit(mixture, [-3.0, -2.9, -3.1, 3.0, 3.1, 2.9], rng=1))
    assert shown.startswith("<Fit of 3 components (normal_gamma, weights dirichlet): ELBO -1")
    assert "converged (the bound stopped rising); points held: [" in shown
    assert len(shown) < 250


def test_many_components_do_not_fill_the_screen():
    mixture = Mixture(NormalGamma(0.0, 0.1, 2.0, 1.0), DirichletWeights(1.0), 40)
    assert len(repr(fit(mixture, np.linspace(-3, 3, 50), rng=1, starts=1, max_sweeps=3))) < 350
