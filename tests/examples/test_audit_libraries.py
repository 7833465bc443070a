"""The adapters of the audited libraries, and what docs/audit.md says of them."""

import numpy as np
import pytest
from scipy.special import gammaln

pytest.importorskip("sklearn")

from examples.audit import hmmlearn_chains, lda, measures, page, scikit_learn
from examples.audit.data import chain, clusters, counts, documents, symbols

pytestmark = pytest.mark.audit
X, Y = clusters(60, 5, 2), chain(60, 5, 2)


def run(of, adapter, iterations=60):
    return measures.ascent_of([(of, list(adapter.steps(of, iterations)))])


def wrong(of):
    updates = measures.updates_of(of, sizes=(1000, 4000))
    assert not updates.ours
    return [factor for factor, said in updates.said.items() if said]


def mixture(kind, x=X, *, documented=True, process=False):
    return scikit_learn.derivation(kind, 2, x, process=process, documented=documented)


@pytest.mark.parametrize("process", [False, True])
@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
@pytest.mark.filterwarnings("ignore:Best performing initialization did not converge")
def test_the_steps_are_those_of_fit(kind, process):
    steps = list(scikit_learn.steps(mixture(kind, process=process), 12))
    fitted = scikit_learn.estimator(X, 2, kind, process=process, max_iter=12).fit(X)
    np.testing.assert_allclose([step.bound for step in steps], np.ravel(fitted.lower_bounds_), rtol=1e-10)
    np.testing.assert_allclose(steps[-1].state.components.mean, fitted.means_, rtol=1e-8)


@pytest.mark.parametrize("process", [False, True])
def test_full_is_right_up_to_a_constant(process):
    assert "constant" in page.bound_words(run(mixture("full", process=process), scikit_learn))
    small = clusters(6, 2, 2, seed=1, apart=4.0)
    assert not wrong(mixture("full", small, process=process))


@pytest.mark.parametrize(
    ("kind", "named"), [("tied", "components"), ("diag", "assignments"), ("spherical", "assignments")]
)
def test_the_other_types_are_right_of_a_restricted_q_alone(kind, named):
    documented = run(mixture(kind), scikit_learn)
    assert documented.drift > 0.1
    assert documented.falling or kind == "tied"
    restricted = run(mixture(kind, documented=False), scikit_learn)
    assert restricted.drift < restricted.rounding and not restricted.falling
    assert restricted.gap[1] == pytest.approx(run(mixture("full"), scikit_learn, 1).gap[1], abs=1e-8)
    small = clusters(6, 2, 2, seed=1, apart=4.0)
    assert wrong(mixture(kind, small)) == [named]
    assert not wrong(mixture(kind, small, documented=False))


@pytest.mark.parametrize("kind", ["full", "tied", "diag"])
def test_hmmlearn(kind):
    pytest.importorskip("hmmlearn")
    of = hmmlearn_chains.gaussian(Y, 2, kind, documented=True)
    found = run(of, hmmlearn_chains)
    if kind == "diag":
        assert found.drift > 0.1
        assert wrong(hmmlearn_chains.gaussian(Y[:6, :2], 2, kind, documented=True)) == ["states"]
    else:
        assert found.drift < found.rounding and not found.falling
        assert found.gap[1] == pytest.approx(Y.size / 2 * np.log(2 * np.pi), abs=1e-6)


def test_hmmlearn_steps_are_those_of_fit():
    vhmm = pytest.importorskip("hmmlearn.vhmm")
    x = symbols(60, 2, 3)
    of = hmmlearn_chains.categorical(x, 2, 3)
    model = vhmm.VariationalCategoricalHMM(
        2, startprob_prior=1.3, transmat_prior=1.3, emissionprob_prior=0.7, n_features=3, random_state=0,
        n_iter=10, tol=-np.inf,
    ).fit(x.astype(int))  # fmt: skip
    steps = list(hmmlearn_chains.steps(of, 10))
    # of its history it keeps the last two
    np.testing.assert_allclose(
        [step.bound for step in steps][-2:], list(model.monitor_.history)[-2:], rtol=1e-9
    )
    found = measures.ascent_of([(of, steps)])
    assert page.bound_words(found) == "0" and not found.falling


@pytest.mark.parametrize("model", ["gaussian", "poisson"])
def test_bayespy_is_right_with_every_constant(model):
    pytest.importorskip("bayespy")
    from examples.audit import bayespy_mixtures

    make = getattr(bayespy_mixtures, model)
    x = X if model == "gaussian" else counts(60, 5, 2)
    found = run(make(x, n_components=2), bayespy_mixtures)
    assert page.bound_words(found) == "0" and not found.falling
    assert not wrong(make(x[:6, :2], n_components=2))


@pytest.mark.parametrize("library", [lda.ScikitLearn, lda.Gensim])
def test_lda_is_right_with_every_constant(library):
    if library is lda.Gensim:
        pytest.importorskip("gensim")
    found = run(lda.derivation(library, 2, documents(15, 10, 2, 20)), lda, 20)
    assert page.bound_words(found) == "0" and not found.falling
    assert not wrong(lda.derivation(library, 2, documents(2, 3, 2, 3)))


def test_gensim_takes_no_gamma_as_it_returned_it():
    pytest.importorskip("gensim")
    model = lda.Gensim(words := documents(4, 3, 2, 3), 2)
    one, corpus = model.model(passes=1), model.corpus(words)
    gamma, _ = one.inference(corpus)
    with pytest.raises(ValueError, match="2D"):
        one.bound(corpus, gamma=gamma)


def test_gensim_adds_up_a_matrix_of_eta_over_the_topics_too():
    pytest.importorskip("gensim")
    model = lda.Gensim(documents(6, 5, 2, 6), 2)
    corpus, bounds = model.corpus(model.words), []
    for eta in (lda.ETA, np.full((2, 5), lda.ETA)):
        one = model.model(passes=5, eta=eta)
        gamma, _ = one.inference(corpus)
        bounds.append(one.bound(corpus, gamma=gamma[:, np.newaxis]))
    too_much = 2 * (gammaln(2 * 5 * lda.ETA) - gammaln(5 * lda.ETA))
    assert bounds[1] - bounds[0] == pytest.approx(too_much, abs=1e-9)


def test_the_page_has_a_row_for_every_subject():
    from docs.making.pages import renewed

    text = page.PAGE.read_text("utf-8")
    for subject in [*scikit_learn.subjects(), *hmmlearn_chains.subjects(), *lda.subjects()]:
        assert f"| {subject.model} | {subject.reading} |" in text
    assert renewed(text, "audit.md") == text
    diag = next(one for one in scikit_learn.subjects() if (one.model, one.reading) == ("diag", "documented"))
    assert page.row(measures.audit(diag)) in text
