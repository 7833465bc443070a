"""Latent Dirichlet allocation of scikit-learn and of gensim.

Both begin a document's inner loop at a gamma that they draw. Here they are handed that gamma in the place of
a draw, and stopped at once or after one turn, so that each update can be looked at alone. With no turn at all
they leave expected counts of words by topics, one document at a time, and with that q(z).
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from examples.audit.data import documents
from examples.audit.subject import Step, Subject
from examples.audit.topics import State, TopicsOfTheirs

ALPHA, ETA = 0.7, 0.4


class Given:
    """In a generator's place: its one draw is the gamma that is asked for."""

    def __init__(self, gamma: np.ndarray) -> None:
        self.value = gamma

    def gamma(self, *arguments: Any) -> np.ndarray:
        """Return it."""
        return self.value.copy()


class ScikitLearn:
    """LatentDirichletAllocation, in batches of everything."""

    name = "scikit-learn"

    def __init__(self, words: np.ndarray, n_topics: int) -> None:
        self.words, self.k = words, n_topics

    def inner(self, words: np.ndarray, gamma: np.ndarray, lam: np.ndarray, turns: int) -> Any:
        """Return gamma and the expected counts (K, V) after so many turns of the inner loop."""
        from sklearn.decomposition._lda import _dirichlet_expectation_2d, _update_doc_distribution

        exp_topics = np.exp(_dirichlet_expectation_2d(lam))
        found, stats = _update_doc_distribution(words, exp_topics, ALPHA, turns, 0.0, True, Given(gamma))
        return found, stats * exp_topics

    def iterations(self, n: int) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
        """Return gamma, lambda and the score after every iteration, by the public interface."""
        from sklearn.decomposition import LatentDirichletAllocation

        model = LatentDirichletAllocation(
            self.k, doc_topic_prior=ALPHA, topic_word_prior=ETA, max_iter=1, random_state=0
        )
        model.fit(self.words)
        for i in range(n):
            if i:
                model._em_step(self.words, len(self.words), batch_update=True)
            gamma = model._unnormalized_transform(self.words)
            yield gamma, model.components_.copy(), float(model.score(self.words))


class Gensim:
    """LdaModel with `update_every=0`, which its documentation calls batch learning."""

    name = "gensim"

    def __init__(self, words: np.ndarray, n_topics: int) -> None:
        self.words, self.k = words, n_topics

    def corpus(self, words: np.ndarray) -> list[list[tuple[int, float]]]:
        """Return documents as pairs of a word and how often it is there."""
        return [[(int(w), float(row[w])) for w in np.flatnonzero(row)] for row in words]

    def model(self, passes: int, **given: Any) -> Any:
        """Return a model after so many passes."""
        from gensim.models import LdaModel

        vocabulary = {w: str(w) for w in range(self.words.shape[1])}
        return LdaModel(
            self.corpus(self.words), num_topics=self.k, id2word=vocabulary, alpha=[ALPHA] * self.k,
            update_every=0, passes=passes, eval_every=None, dtype=np.float64, random_state=0,
            **({"eta": ETA} | given),
        )  # fmt: skip

    def inner(self, words: np.ndarray, gamma: np.ndarray, lam: np.ndarray, turns: int) -> Any:
        """Return gamma and the expected counts (K, V) after so many turns of the inner loop."""
        if not hasattr(self, "one"):
            self.one = self.model(passes=1)
        one = self.one
        one.random_state, one.iterations, one.gamma_threshold = Given(gamma), turns, 0.0
        one.state.sstats = lam - ETA
        one.sync_state()
        found, stats = one.inference(self.corpus(words), collect_sstats=True)
        return found, stats

    def iterations(self, n: int) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
        """Return gamma, lambda and the bound after every pass."""
        from gensim.models.callbacks import Metric

        topics: list[np.ndarray] = []

        class Kept(Metric):
            logger, title, viz_env = None, "topics", None

            def get_value(self, **given: Any) -> float:
                topics.append(given["model"].state.get_lambda().copy())
                return 0.0

        corpus, model = self.corpus(self.words), self.model(n, callbacks=[Kept()])
        for lam in topics:
            model.state.sstats = lam - ETA
            model.sync_state()
            gamma, _ = model.inference(corpus)
            # handed gamma as it returned it, `bound` stops with "Input must be a 2D array"
            yield gamma, lam, float(model.bound(corpus, gamma=gamma[:, np.newaxis]))


def derivation(library: type, n_topics: int, words: np.ndarray) -> TopicsOfTheirs:
    """Return the derivation whose updates are a library's."""
    theirs = library(words, n_topics)
    found = TopicsOfTheirs(words, n_topics, ALPHA, ETA, lambda gamma, lam: e_step(found, gamma, lam))
    found.theirs = theirs
    return found


def e_step(of: Any, gamma: np.ndarray, lam: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return q(z) at gamma and lambda, and what the library then makes of the shares and topics."""
    inner, phi = of.theirs.inner, np.empty((len(of.word), of.k))
    for d, row in enumerate(of.words):
        _, counts = inner(row[np.newaxis], gamma[d : d + 1], lam, 0)
        here = of.document == d
        word = of.word[here]
        phi[here] = (counts[:, word] / row[word]).T
    after, _ = inner(of.words, gamma, lam, 1)
    _, counts = inner(of.words, gamma, lam, 0)
    return phi, after, ETA + counts


def steps(of: Any, iterations: int) -> Iterator[Step]:
    """Iterate as the library does by default; its bound takes the best q(z) at its gamma and lambda."""
    for iteration, (gamma, lam, bound) in enumerate(of.theirs.iterations(iterations), start=1):
        yield Step(iteration, State(e_step(of, gamma, lam)[0], (gamma, lam), gamma, lam), bound)


def subjects() -> list[Subject]:
    """Return both."""
    small, large = documents(3, 4, 2, 3), [documents(15, 10, 2, 20, seed) for seed in range(5)]
    return [
        Subject(library.name, "LDA", "documented", partial(derivation, library, 2), small, large, steps)
        for library in (ScikitLearn, Gensim)
    ]
