"""What a reader is told of the mixing weights: their story, their moments, and the maps to draws of them."""

from dataclasses import replace

import numpy as np

from experiments.families import log_densities
from experiments.families.line import C, Line, Term, entries, law, symbol, vector
from experiments.families.mathml import mi, mn, mo, row, sub
from hand_cavi.weights.dirichlet import DirichletWeights
from hand_cavi.weights.mixing import MixingWeights
from hand_cavi.weights.stick_breaking import StickBreaking
from ppl_baselines.transforms import Simplex, Sticks, Transform

_PI = symbol("pi")
_ASSIGNMENT = Line(C, law("Categorical", _PI), "for each point; its component")


def lines(weights: MixingWeights, n_components: int) -> list[Line]:
    """Return the lines of the story from the weights' prior to the assignments; none if it is unknown."""
    match weights.name, weights:
        case "fixed", _:
            share = row(mn(1), "<mo>/</mo>", mn(n_components))
            terms = Term("", share), Term("", "<mo>…</mo>"), Term("", share)
            equal = replace(law("Categorical", *terms), text=f"Categorical(1/{n_components})")
            return [Line(C, equal, f"for each point; {n_components} components, equal weights")]
        case "dirichlet", DirichletWeights(concentration=alpha):
            prior = law("Dirichlet", *entries(alpha))
            return [Line(_PI, prior, f"weights of {n_components} components"), _ASSIGNMENT]
        case "stick_breaking", StickBreaking(concentration=alpha):
            rest = row(mo("("), mn(1), mo("−"), sub("v", "j"), mo(")"))
            product = f"<munder><mo>∏</mo>{row(mi('j'), '<mo>&lt;</mo>', mi('k'))}</munder>"
            stick, prior = symbol("v", "k"), law("Beta", vector(1.0), vector(alpha))
            where, aside = "for each component but the last, whose v is 1", f" but v_{n_components} = 1"
            piece = Term("v_k prod_{j<k} (1 - v_j)", row(stick.mathml, product, rest))
            broken = Line(symbol("pi", "k"), piece, "weights by breaking a stick", "=")
            return [Line(stick, prior, where, aside=aside), broken, _ASSIGNMENT]
    return []


def any_lines(weights: MixingWeights) -> list[Line]:
    """Return the lines for weights of the user's own, as plain text."""
    return [Line(_PI, Term(type(weights).__name__)), _ASSIGNMENT]


def mean_and_sd(q: MixingWeights) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of every weight, (K,); by draws for weights of the user's own."""
    mean = q.mean()
    match q.name, q:
        case "dirichlet", DirichletWeights(concentration=alpha):
            return mean, np.sqrt(mean * (1 - mean) / (alpha.sum() + 1))
        case "stick_breaking", StickBreaking(broken=np.ndarray() as a, kept=np.ndarray() as b):
            pairs = (a + b) * (a + b + 1)
            broken, kept = a * (a + 1) / pairs, b * (b + 1) / pairs  # E v^2, E (1 - v)^2
            square = np.append(broken, 1.0) * np.append(1.0, np.cumprod(kept))
            return mean, np.sqrt(np.maximum(square - mean**2, 0))
    draws = q.sample(np.random.default_rng(0), 10_000)
    return mean, draws["weights"].std(axis=0) if "weights" in draws else np.zeros_like(mean)


EXAMPLES: dict[str, tuple[float, ...]] = {"fixed": (), "dirichlet": (1.3,), "stick_breaking": (1.6,)}
"""The numbers of priors to check derivations with."""


def log_prior(prior: MixingWeights, weights: np.ndarray) -> np.ndarray | None:
    """Return ln p(pi) of draws (S, K) against Lebesgue measure on K - 1 of them; None if pi is fixed."""
    match prior.name, prior:
        case "dirichlet", DirichletWeights(concentration=alpha):
            return log_densities.dirichlet(np.log(weights), np.broadcast_to(alpha, weights.shape[1:]))
        case "stick_breaking", StickBreaking(concentration=alpha):
            # v_t = pi_t / (pi_t + ... + pi_K) ~ Beta(1, alpha), of density alpha (1 - v)^(alpha - 1)
            rest = np.cumsum(weights[:, ::-1], axis=1)[:, ::-1]  # what is left before piece t is broken off
            log_kept = np.log(rest[:, 1:]) - np.log(rest[:, :-1])  # ln(1 - v_t)
            return np.sum(np.log(alpha) + (alpha - 1) * log_kept - np.log(rest[:, :-1]), axis=1)
    return None


def transform(prior: MixingWeights) -> Transform:
    """Return the map from the coordinates of `MixingWeights.free_moments` to the weights."""
    return Sticks() if isinstance(prior, StickBreaking) else Simplex()
