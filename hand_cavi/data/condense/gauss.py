r"""Gauss quadrature of a measure that is known by its first Chebyshev moments alone.

A measure mu on [-1, 1] is given by m_l = integral of T_l(t) d mu, l = 0, ..., 2q-1. There are q points t_j
between the ends of mu's support, and q positive weights w_j, with

    sum_j w_j f(t_j) = integral of f d mu     for every polynomial f of degree < 2q,

and no fewer points will do, unless mu itself sits on fewer. The t_j are the zeros of the polynomial pi_q that
is orthogonal, under mu, to all of lower degree. Monic orthogonal polynomials obey

    pi_(k+1)(t) = (t - alpha_k) pi_k(t) - beta_k pi_(k-1)(t),

so the t_j are the eigenvalues of the Jacobi matrix, which has alpha on its diagonal and sqrt(beta) beside
it, and w_j = m_0 (first entry of the j-th eigenvector)^2 (Golub & Welsch 1969). The recursion's
coefficients come from the moments by the modified Chebyshev algorithm: with sigma_kl = integral of pi_k
p_l d mu, where p_l is the monic Chebyshev polynomial, p_(l+1) = t p_l - b_l p_(l-1) with b_1 = 1/2 and
b_l = 1/4 thereafter,

    sigma_kl = sigma_(k-1,l+1) - alpha_(k-1) sigma_(k-1,l) - beta_(k-1) sigma_(k-2,l) + b_l sigma_(k-1,l-1),
    beta_k = sigma_kk / sigma_(k-1,k-1),
    alpha_k = sigma_k,k+1 / sigma_kk - sigma_(k-1,k) / sigma_(k-1,k-1).

Chebyshev moments make this well conditioned where plain powers lose all digits beyond q = 10.

sigma_kk is the squared length of pi_k. It vanishes where mu sits on k points: these are then the nodes.
It nearly vanishes where mu nearly does, and what follows would be rounding; one stops there too. Then
the nodes' moments are compared with the given ones. Where they differ by more than rounding, as they can
where mu fills only a sliver of [-1, 1] or has a spike in it, another measure with the same moments is
found that is known by more than its moments (`_by_way_of_a_grid`), and what is left is mended by Newton's
method. The best is kept, and how good it is returned.

Sources: Sack & Donovan (1972); Wheeler (1974); Gautschi, Orthogonal Polynomials (2004), sections 2.1.7
and 3.1.
"""

import numpy as np

_NOISE = 4e-15
"""The error allowed for in a moment, as a share of m_0.

T_(2k) summed over k nodes misses its moment by 2^(2k-1) sigma_kk; if that is less than the error, k nodes do.
"""

_MEND_ABOVE = 1e-14  # of m_0: a residual that rounding alone does not leave
_NEWTON_STEPS = 6
_GRID = 48
_AROUND = np.concatenate([[0.0], np.logspace(-5, -1, 5), -np.logspace(-5, -1, 5)])
_AT_ONCE = 4096  # measures, so that no temporary is larger than some MB


def chebyshev(t: np.ndarray, n: int) -> np.ndarray:
    """Return T_0(t), ..., T_(n-1)(t) along a new last axis."""
    values = np.empty((*t.shape, n))
    values[..., 0] = 1.0
    if n > 1:
        values[..., 1] = t
    for k in range(2, n):
        values[..., k] = 2 * t * values[..., k - 1] - values[..., k - 2]
    return values


def gauss(
    moments: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return nodes and positive weights of C measures with given Chebyshev moments.

    Parameters
    ----------
    moments : ndarray, shape (C, 2q)
        m_l = integral of T_l, with m_0 > 0.
    low, high : ndarray, shape (C,)
        The ends of the measures' supports, -1 <= low <= high <= 1.

    Returns
    -------
    t : ndarray, shape (C, q)
        From low to high.
    weight : ndarray, shape (C, q)
        Zero where fewer than q nodes do; never negative.
    residual : ndarray, shape (C,)
        The largest difference between the nodes' moments and the given ones, as a share of m_0.
    """
    n_measures, n_moments = moments.shape
    shape = n_measures, n_moments // 2
    t, weight, residual = np.empty(shape), np.empty(shape), np.empty(n_measures)
    for start in range(0, n_measures, _AT_ONCE):
        here = slice(start, start + _AT_ONCE)
        t[here], weight[here], residual[here] = _gauss(moments[here], low[here], high[here])
    return t, weight, residual


def _gauss(moments: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, ...]:
    mass = moments[:, :1]
    target = moments / mass
    noise = np.full_like(target, _NOISE)
    found = Rules(*_golub_welsch(*recursion(target, noise)), target, low, high)
    for another in (_by_way_of_a_grid, _newton):
        wanting = np.flatnonzero(found.residual > _MEND_ABOVE)
        if len(wanting):
            found.take_better(wanting, another(found.some(wanting)))
    return found.t, found.weight * mass, found.residual


class Rules:
    """Nodes and weights of C measures, beside what they should do.

    Attributes
    ----------
    t, weight : ndarray, shape (C, q)
    target : ndarray, shape (C, 2q)
        m_l / m_0.
    low, high : ndarray, shape (C,)
    residual : ndarray, shape (C,)
        The largest error of a moment.
    """

    def __init__(
        self, t: np.ndarray, weight: np.ndarray, target: np.ndarray, low: np.ndarray, high: np.ndarray
    ) -> None:
        self.t = np.clip(t, low[:, np.newaxis], high[:, np.newaxis])
        self.weight, self.target, self.low, self.high = weight, target, low, high
        self.residual = np.abs(self.missing()).max(axis=1)

    def missing(self) -> np.ndarray:
        """Return the moments less the nodes', shape (C, 2q)."""
        values = chebyshev(self.t, self.target.shape[1])
        return self.target - np.einsum("cj,cjl->cl", self.weight, values)

    def some(self, which: np.ndarray) -> "Rules":
        """Return the rules with these indices."""
        return Rules(self.t[which], self.weight[which], self.target[which], self.low[which], self.high[which])

    def take_better(self, which: np.ndarray, others: "Rules") -> None:
        """Replace the rules with these indices by others where these are better."""
        better = others.residual < self.residual[which]
        which = which[better]
        self.t[which], self.weight[which] = others.t[better], others.weight[better]
        self.residual[which] = others.residual[better]


def recursion(moments: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the orthogonal polynomials' coefficients, and how many nodes each measure needs.

    Parameters
    ----------
    moments : ndarray, shape (C, 2q)
        m_l / m_0 of C measures on [-1, 1].
    noise : ndarray, shape (C, 2q)
        How wrong each may be.

    Returns
    -------
    alpha : ndarray, shape (C, q)
    beta : ndarray, shape (C, q)
        beta_0 = 1.
    rank : ndarray of int, shape (C,)
        The number of nodes, 1 to q. Coefficients from there on are 0.
    """
    n_measures, n_moments = moments.shape
    q = n_moments // 2
    monic = moments * np.ldexp(2.0, -np.arange(n_moments))  # p_l = T_l / 2^(l-1), but p_0 = T_0
    monic[:, 0] = moments[:, 0]
    b = np.full(n_moments, 0.25)
    b[:2] = 0.0, 0.5

    alpha, beta = np.zeros((n_measures, q)), np.zeros((n_measures, q))
    alpha[:, 0], beta[:, 0] = np.clip(monic[:, 1], -1, 1), 1.0
    rank = np.ones(n_measures, dtype=np.intp)
    before, last = np.zeros_like(monic), monic
    for k in range(1, q):
        now = np.zeros_like(monic)
        span = slice(k, n_moments - k)
        now[:, span] = (
            last[:, k + 1 : n_moments - k + 1]
            - alpha[:, k - 1, np.newaxis] * last[:, span]
            - beta[:, k - 1, np.newaxis] * before[:, span]
            + b[span] * last[:, k - 1 : n_moments - k - 1]
        )
        goes_on = (rank == k) & (np.ldexp(now[:, k], 2 * k - 1) > noise[:, 2 * k])
        rank[goes_on] = k + 1
        length = np.where(goes_on, now[:, k], 1.0)
        length_before = np.where(goes_on, last[:, k - 1], 1.0)
        # A measure on [-1, 1] has |alpha| <= 1 and beta <= 1; rounding alone can say otherwise.
        beta[:, k] = np.where(goes_on, np.minimum(length / length_before, 1.0), 0.0)
        ratio = now[:, k + 1] / length - last[:, k] / length_before
        alpha[:, k] = np.where(goes_on, np.clip(ratio, -1.0, 1.0), 0.0)
        now[~goes_on] = 0.0
        before, last = last, now
    return alpha, beta, rank


def _golub_welsch(alpha: np.ndarray, beta: np.ndarray, rank: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes and weights, shape (C, q), from the coefficients: `recursion`'s results."""
    t, weight = np.zeros_like(alpha), np.zeros_like(alpha)
    for r in np.unique(rank):
        rows = np.flatnonzero(rank == r)
        matrix = np.zeros((len(rows), r, r))
        diagonal, below = np.arange(r), np.arange(r - 1)
        matrix[:, diagonal, diagonal] = alpha[rows, :r]
        matrix[:, below + 1, below] = np.sqrt(beta[rows, 1:r])  # eigh reads the lower triangle
        t[rows, :r], vectors = np.linalg.eigh(matrix)
        weight[rows, :r] = vectors[:, 0, :] ** 2
    return t, weight


def _by_way_of_a_grid(rules: Rules) -> Rules:
    """Return rules for a measure on a fine grid that has the wanted moments.

    The grid are the extreme points of T_48 stretched over the support, and points at several distances from
    the nodes so far; weights come by non-negative least squares (Lawson & Hanson 1974). In coordinates s in
    which the support is [-1, 1], this measure's moments can be summed without loss, and its Gauss rule has
    all its moments, in s and so in t.
    """
    from scipy.optimize import nnls

    n_moments = rules.target.shape[1]
    s = np.cos(np.arange(_GRID + 1) * np.pi / _GRID)
    middle, radius = (rules.low + rules.high) / 2, (rules.high - rules.low) / 2
    own, tiny = np.empty_like(rules.target), np.finfo(float).tiny
    for c in range(len(own)):
        nodes = (rules.t[c, rules.weight[c] > 0] - middle[c]) / max(radius[c], tiny)
        here = np.clip(np.concatenate([s, np.add.outer(nodes, _AROUND).ravel()]), -1, 1)
        values = chebyshev(middle[c] + radius[c] * here, n_moments)
        try:
            weight, _ = nnls(values.T, rules.target[c])
        except RuntimeError:  # too many iterations; the rule stays as it was
            weight = np.ones(len(here))
        own[c] = weight @ chebyshev(here, n_moments)
    mass = own[:, :1]
    s, weight = _golub_welsch(*recursion(own / mass, np.full_like(own, _NOISE)))
    t = middle[:, np.newaxis] + radius[:, np.newaxis] * s
    return Rules(t, weight * mass, rules.target, rules.low, rules.high)


def _newton(rules: Rules) -> Rules:
    """Return the best of some Newton steps for sum_j w_j T_l(t_j) = m_l.

    The unknowns are the t_j and the w_j; T_l' = l U_(l-1). Steps are least-squares ones, of lowest length
    where the equations hardly tell the unknowns apart, as they do where nodes lie close or weigh little.
    """
    n_moments = rules.target.shape[1]
    q = n_moments // 2
    best, all_rules = rules.some(np.arange(len(rules.t))), np.arange(len(rules.t))
    for _ in range(_NEWTON_STEPS):
        used = rules.weight > 0
        values = chebyshev(rules.t, n_moments)
        slopes = np.zeros_like(values)  # U_(l-1), from U_0 = 1
        slopes[..., 1] = 1.0
        for l in range(2, n_moments):
            slopes[..., l] = 2 * rules.t * slopes[..., l - 1] - slopes[..., l - 2]
        slopes *= np.arange(n_moments) * rules.weight[..., np.newaxis]
        values[~used] = 0.0
        jacobian = np.concatenate([slopes, values], axis=1).transpose(0, 2, 1)  # (C, 2q, 2q)
        step = np.einsum("cul,cl->cu", np.linalg.pinv(jacobian, rcond=1e-12), rules.missing())
        t, weight = rules.t + step[:, :q], np.maximum(rules.weight + step[:, q:], 0.0)
        rules = Rules(t, weight, rules.target, rules.low, rules.high)
        best.take_better(all_rules, rules)
    return best
