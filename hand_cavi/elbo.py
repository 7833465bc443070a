"""The evidence lower bound, in five named terms; the total is derived from them."""

from dataclasses import dataclass

import numpy as np

from hand_cavi.conjugate import ConjugateFamily
from hand_cavi.weights.mixing import MixingWeights


@dataclass(frozen=True)
class ElboTerms:
    """The terms of E ln p(x|c,theta) + E ln p(c|pi) + H[q(c)] - KL(q(pi), p(pi)) - KL(q(theta), p(theta)).

    All are in nats, with every constant kept.

    Attributes
    ----------
    log_likelihood : float
        E_q[ln p(x | c, theta)].
    log_assignments : float
        E_q[ln p(c | pi)].
    entropy : float
        H[q(c)] = -sum_i w_i sum_k r_ik ln r_ik, not negative.
    kl_weights : float
        KL(q(pi), p(pi)), not negative; it is subtracted.
    kl_components : float
        sum_k KL(q(theta_k), p(theta_k)), not negative; it is subtracted.
    """

    log_likelihood: float
    log_assignments: float
    entropy: float
    kl_weights: float
    kl_components: float

    @property
    def total(self) -> float:
        """The evidence lower bound."""
        return (
            self.log_likelihood + self.log_assignments + self.entropy - self.kl_weights - self.kl_components
        )


def elbo_terms(
    prior: tuple[ConjugateFamily, MixingWeights],
    posterior: tuple[ConjugateFamily, MixingWeights],
    sums: np.ndarray,
    entropy: float,
    log_base: float,
) -> ElboTerms:
    """Return the terms of the bound at any q(c) q(theta) q(pi), optimal or not.

    Parameters
    ----------
    prior, posterior : pair of components and weights
    sums : ndarray, shape (K, P)
        sum_i w_i r_ik T(x_i); its last column is N_k.
    entropy : float
        H[q(c)].
    log_base : float
        sum_i w_i log h(x_i).
    """
    components, weights = posterior
    terms = ElboTerms(
        log_likelihood=np.nan,
        log_assignments=np.nan,
        entropy=np.nan,
        kl_weights=float(weights.kl(prior[1])),
        kl_components=float(np.sum(components.kl(prior[0]))),
    )
    return with_assignments(terms, posterior, sums, entropy, log_base)


def with_assignments(
    terms: ElboTerms,
    posterior: tuple[ConjugateFamily, MixingWeights],
    sums: np.ndarray,
    entropy: float,
    log_base: float,
) -> ElboTerms:
    """Return the terms for another q(c) beside the same q(theta) q(pi): the divergences stay as they are.

    Parameters
    ----------
    terms : ElboTerms
        At this `posterior`, whatever the assignments.
    posterior, sums, entropy, log_base
        As in `elbo_terms`.
    """
    components, weights = posterior
    return ElboTerms(
        log_likelihood=float(np.sum(sums * components.expected_phi) + log_base),
        log_assignments=float(sums[:, -1] @ weights.expected_log()),
        entropy=float(entropy),
        kl_weights=terms.kl_weights,
        kl_components=terms.kl_components,
    )
