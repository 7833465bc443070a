"""The kinds of planted fault, by name: from a `Base` to what a method hands in; None where it has no such.

`MODELS` are right methods on wrong data or priors, `SAMPLES` are wrong chains, `CLAIMS` wrong
approximations and wrong words on them, `RESULTS` what is no result at all; `CORRECT` are correct methods.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from experiments.posterior.draws import permuted
from experiments.records import Problem, Told
from hand_cavi import DirichletWeights, GammaPoisson, Mixture, NormalGamma, NormalKnownVariance
from hand_cavi import fit as cavi
from tests.experiments.planted import Base, Bent, Draws, OwnNormal, OwnQ, _best_factors, handed, sampled, told

Fault = Callable[[Base], object]


# ---- right methods on wrong models ---------------------------------------------------------------


def on(changed: Callable[[Base], Problem | OwnNormal | None], by: str) -> Fault:
    """Return Gibbs or CAVI, both correct, of another model than the one that was asked for."""

    def fault(base: Base) -> object:
        other = changed(base)
        if other is None:
            return None
        if isinstance(other, OwnNormal):
            if by == "Gibbs":
                return sampled(base, other.exact(base.rng, (4, 1000)))
            q = OwnQ(other, *_best_factors(other))
            return handed(base, q=q, bound=q.elbo)
        if by == "Gibbs":
            return sampled(base, base.gibbs(other, thin=3))
        fitted = cavi(other.mixture, other.x, rng=base.seed, starts=5, sample_weight=other.sample_weight)
        return handed(base, q=fitted, bound=fitted.elbo)

    return fault


def data(change: Callable[[np.ndarray], np.ndarray | None]) -> Callable[[Base], Any]:
    def changed(base: Base) -> Any:
        if base.problem is None:
            x = change(base.target.x[:, np.newaxis])
            return None if x is None else OwnNormal(x[:, 0])
        x = change(base.problem.x)
        if x is not None and base.name == "counts" and ((x < 0) | (x != np.floor(x))).any():
            return None  # no counts
        if np.array_equal(x, base.problem.x):
            return None
        return None if x is None else replace(base.problem, x=x)

    return changed


def prior(change: Callable[[Any], Any], weights: Any = None) -> Callable[[Base], Any]:
    def changed(base: Base) -> Any:
        if base.problem is None:
            return None
        mixture = base.problem.mixture
        other = change(mixture.components.with_features(base.problem.x.shape[1]))
        if other is None or (weights is not None and not isinstance(mixture.weights, DirichletWeights)):
            return None
        return replace(base.problem, mixture=Mixture(other, weights or mixture.weights, 2))

    return changed


def tight(family: Any) -> Any:
    if isinstance(family, NormalKnownVariance):
        return NormalKnownVariance(family.mean, family.variance / 25)
    if isinstance(family, GammaPoisson):
        return replace(family, shape=family.shape * 25, rate=family.rate * 25)
    return replace(family, precision_scale=family.precision_scale * 100)


def elsewhere(family: Any) -> Any:
    if isinstance(family, NormalKnownVariance):
        return NormalKnownVariance(np.full(1, 30.0), family.variance)
    if isinstance(family, GammaPoisson):
        return replace(family, shape=family.shape * 15)
    return replace(family, mean=family.mean + 30)


def noisier(family: Any) -> Any:
    if isinstance(family, GammaPoisson):
        return None
    if isinstance(family, NormalKnownVariance):
        return NormalKnownVariance(family.mean, family.variance, 4.0)
    if isinstance(family, NormalGamma):
        return replace(family, rate=family.rate * 10)
    return replace(family, scale_inverse=family.scale_inverse * 10)


def quieter(family: Any) -> Any:
    if isinstance(family, GammaPoisson):
        return None
    if isinstance(family, NormalKnownVariance):
        return NormalKnownVariance(family.mean, family.variance, 0.25)
    if isinstance(family, NormalGamma):
        return replace(family, shape=family.shape * 10)
    return replace(family, degrees_of_freedom=family.degrees_of_freedom * 10)


def rooted(family: Any) -> Any:
    if isinstance(family, NormalKnownVariance):
        return NormalKnownVariance(family.mean, family.variance**0.5)
    if isinstance(family, GammaPoisson):
        return None
    return replace(family, precision_scale=family.precision_scale**0.5)


def doubled(family: Any) -> Any:
    """The density squared and normalised again."""
    if isinstance(family, NormalKnownVariance):
        return NormalKnownVariance(family.mean, family.variance / 2)
    if isinstance(family, GammaPoisson):
        return replace(family, shape=2 * family.shape - 1, rate=2 * family.rate)
    if isinstance(family, NormalGamma):
        scale, shape = 2 * family.precision_scale, 2 * family.shape - 0.5
        return replace(family, precision_scale=scale, shape=shape, rate=2 * family.rate)
    freedom, inverse = 2 * family.degrees_of_freedom - 2, 2 * family.scale_inverse
    scale = 2 * family.precision_scale
    return replace(family, precision_scale=scale, degrees_of_freedom=freedom, scale_inverse=inverse)


def inverted(family: Any) -> Any:
    if isinstance(family, NormalKnownVariance):
        return None
    if isinstance(family, NormalGamma | GammaPoisson):
        return replace(family, rate=1 / family.rate)
    return replace(family, scale_inverse=np.linalg.inv(family.scale_inverse))


WRONG: dict[str, Callable[[Base], Any]] = {
    "data shifted by 0.15": data(lambda x: x + 0.15),
    "data shifted by 1": data(lambda x: x + 1),
    "data scaled by 1.5": data(lambda x: 1.5 * x),
    "a quarter of the points left out": data(lambda x: x[: 3 * len(x) // 4]),
    "every point counted twice": data(lambda x: np.concatenate([x, x])),
    "every point counted four times": data(lambda x: np.concatenate([x] * 4)),
    "data rounded to multiples of 4": data(lambda x: 4 * np.round(x / 4) + 1e-9 * x),
    "the last point ten times too large": data(lambda x: np.concatenate([x[:-1], 10 * x[-1:]])),
    "the signs of the data turned, then shifted": data(lambda x: 1 - x),
    "the features swapped": data(lambda x: x[:, ::-1].copy() if x.shape[1] > 1 else None),
    "the second feature ignored": data(
        lambda x: np.stack([x[:, 0], np.zeros(len(x))], 1) if x.shape[1] > 1 else None
    ),
    "the prior of the means too narrow": prior(tight),
    "the prior of the means elsewhere": prior(elsewhere),
    "more noise in the prior": prior(noisier),
    "less noise in the prior": prior(quieter),
    "a prior of the weights too strong": prior(lambda family: family, DirichletWeights(100.0)),
}
FURTHER = {
    "a prior of the weights off by one": prior(lambda family: family, DirichletWeights(3.0)),
    "an sd in the prior where its square belongs": prior(rooted),
    "the prior counted twice": prior(doubled),
    "rates for scales in the prior": prior(inverted),
    "the middle third of the points left out": data(lambda x: np.concatenate([x[:13], x[27:]])),
    "the first point left out, the last counted twice": data(lambda x: np.concatenate([x[1:], x[-1:]])),
    "the largest tenth of the points left out": data(lambda x: x[np.sort(np.argsort(x[:, 0])[:-4])]),
    "whole numbers for the data": data(np.floor),
}
WRONG |= FURTHER
MODELS = {f"{by}: {name}": on(changed, by) for by in ("Gibbs", "CAVI") for name, changed in WRONG.items()}


# ---- wrong chains --------------------------------------------------------------------------------


def chains(bend: Callable[[Draws, np.random.Generator], Draws | None], **stats: Any) -> Fault:
    """Return correct chains, components in the order of their means, that are bent."""

    def fault(base: Base) -> object:
        correct = in_order(base)
        draws = bend(alike({name: one.copy() for name, one in correct.items()}), base.rng)
        return None if draws is None else sampled(base, as_in(correct, draws), **stats)

    return fault


def alike(draws: Draws) -> Draws:
    """Call locations mu, whatever the family, and an own model's precision precision."""
    return {{"rate": "mu", "tau": "precision"}.get(name, name): one for name, one in draws.items()}


def as_in(model: Draws, draws: Draws) -> Draws:
    """Call variables as the model does."""
    back = {"mu": "rate"} if "rate" in model else {"precision": "tau"} if "tau" in model else {}
    return {back.get(name, name): one for name, one in draws.items()}


def in_order(base: Base) -> Draws:
    if base.problem is None:
        return base.chains
    flat = {name: one.reshape(-1, *one.shape[2:]) for name, one in base.chains.items()}
    ordered = permuted(flat, np.argsort(alike(flat)["mu"][..., 0], axis=1))
    return {name: one.reshape(base.chains[name].shape) for name, one in ordered.items()}


def spread(one: np.ndarray) -> np.ndarray:
    return one.std(axis=(0, 1))


def of(name: str, change: Callable[[np.ndarray, np.random.Generator], np.ndarray]) -> Fault:
    """Bend one variable."""
    return chains(lambda draws, rng: {**draws, name: change(draws[name], rng)} if name in draws else None)


def every(change: Callable[[np.ndarray], np.ndarray]) -> Fault:
    """Bend all variables alike, such as their order in the chains."""
    return chains(lambda draws, rng: {name: change(one) for name, one in draws.items()})


def mixture_only(bend: Callable[[Draws, np.random.Generator], Draws | None]) -> Fault:
    return chains(lambda draws, rng: bend(draws, rng) if draws["mu"].ndim == 4 else None)


def swapped_alone(draws: Draws, rng: np.random.Generator, share: float = 0.5) -> Draws | None:
    if len(draws) == 1:
        return None  # with nothing beside mu, another numbering is no fault
    which = rng.random(draws["mu"].shape[:2]) < share
    draws["mu"][which] = draws["mu"][which][:, ::-1]
    return draws


def stuck(draws: Draws, rng: np.random.Generator) -> Draws:
    draws["mu"][0] += 10 * spread(draws["mu"])
    return draws


def jittered(take: Callable[[np.ndarray], np.ndarray]) -> Fault:
    """Copies with noise on them, of a hundredth of an sd."""
    noise = lambda one, rng: one * np.exp(1e-3 * rng.standard_normal(one.shape))  # noqa: E731
    rigid = ("weights",)
    return chains(
        lambda draws, rng: {
            name: take(one) if name in rigid or one.ndim == 5 else noise(take(one), rng)
            for name, one in draws.items()
        }
    )


def first_for_all(one: np.ndarray) -> np.ndarray:
    return np.repeat(one[:1], len(one), axis=0)


def tiled(one: np.ndarray) -> np.ndarray:
    return np.concatenate([one[:, : one.shape[1] // 4]] * 4, axis=1)


def lagged(one: np.ndarray) -> np.ndarray:
    return np.stack([np.roll(one[0], 37 * c, axis=0) for c in range(len(one))])


def slow(one: np.ndarray) -> np.ndarray:
    """Each draw stays for ten."""
    return np.repeat(one[:, : one.shape[1] // 10], 10, axis=1)


def by_size(draws: Draws, rng: np.random.Generator) -> Draws:
    """Order each chain by its first location."""
    key = draws["mu"].reshape(*draws["mu"].shape[:2], -1)[..., 0]
    order = np.argsort(key, axis=1)
    rows = np.arange(len(order))[:, np.newaxis]
    return {name: one[rows, order] for name, one in draws.items()}


def as_one_chain(one: np.ndarray) -> np.ndarray:
    return one.reshape(1, -1, *one.shape[2:])


def unlinked(draws: Draws, rng: np.random.Generator) -> Draws | None:
    if len(draws) == 1:
        return None
    return {
        name: one[:, rng.permutation(one.shape[1])] if name != "mu" else one for name, one in draws.items()
    }


def power(one: np.ndarray, to: float) -> np.ndarray:
    raised = one**to
    return raised / raised.sum(axis=-1, keepdims=True)


def half(fraction: float) -> Fault:
    """Return chains a share of whose draws are marked as divergent."""

    def fault(base: Base) -> object:
        marked = np.zeros((4, 1000), bool)
        marked.ravel()[: max(1, int(4000 * fraction))] = True
        return sampled(base, base.chains, diverging=marked)

    return fault


def independent(take: Callable[[np.ndarray], np.ndarray], n: int = 4000) -> Fault:
    """Return one chain without statistics, which claims independent draws."""

    def fault(base: Base) -> object:
        whole = sampled(base, {name: as_one_chain(take(one))[:, :n] for name, one in base.chains.items()})
        posterior = whole.chains["posterior"].to_dataset()
        return replace(whole, chains=xr.DataTree.from_dict({"posterior": posterior}))

    return fault


SAMPLES: dict[str, Fault] = {
    "the means off by 0.5 sd": of("mu", lambda one, rng: one + 0.5 * spread(one)),
    "six in ten draws off by 1 sd": of(
        "mu",
        lambda one, rng: (
            one
            + spread(one) * (rng.random(one.shape[:2]) < 0.6).reshape(*one.shape[:2], *[1] * (one.ndim - 2))
        ),
    ),
    "the means drawn together to 0.4 of their sds": of(
        "mu", lambda one, rng: one.mean((0, 1)) + 0.4 * (one - one.mean((0, 1)))
    ),
    "the means spread out to 2.5 of their sds": of(
        "mu", lambda one, rng: one.mean((0, 1)) + 2.5 * (one - one.mean((0, 1)))
    ),
    "one mean off by 1 sd": mixture_only(
        lambda d, rng: {**d, "mu": d["mu"] + spread(d["mu"]) * np.array([[1.0], [0.0]])}
    ),
    "one mean stands still": mixture_only(
        lambda d, rng: {
            **d,
            "mu": np.stack([0 * d["mu"][:, :, 0] + d["mu"].mean((0, 1))[0], d["mu"][:, :, 1]], 2),
        }
    ),
    "a twentieth of the draws far off": of(
        "mu",
        lambda one, rng: np.where(
            (rng.random(one.shape[:2]) < 0.05).reshape(*one.shape[:2], *[1] * (one.ndim - 2)),
            one + 8 * spread(one),
            one,
        ),
    ),
    "weights in the other order than the means": of("weights", lambda one, rng: one[..., ::-1]),
    "the means swapped alone in half the draws": mixture_only(swapped_alone),
    "the means swapped alone in a tenth of the draws": mixture_only(
        lambda d, rng: swapped_alone(d, rng, 0.1)
    ),
    "equal weights": of(
        "weights",
        lambda one, rng: (
            0 * one + 0.5 + 1e-3 * rng.standard_normal(one.shape[:2])[..., np.newaxis] * np.array([1, -1])
        ),
    ),
    "the weights squared": of("weights", lambda one, rng: power(one, 2.0)),
    "the weights too sure by 4": of(
        "weights", lambda one, rng: power(one.mean((0, 1)) + (one - one.mean((0, 1))) / 4, 1.0)
    ),
    "precision times 4": of("precision", lambda one, rng: 4 * one),
    "precision over 4": of("precision", lambda one, rng: one / 4),
    "precision times 1.5": of("precision", lambda one, rng: 1.5 * one),
    "variance for precision": of(
        "precision", lambda one, rng: np.linalg.inv(one) if one.ndim == 5 else 1 / one
    ),
    "the precisions exchanged": of(
        "precision", lambda one, rng: one[:, :, ::-1] if one.ndim > 3 else 2 * one
    ),
    "precision too sure by 4": of(
        "precision", lambda one, rng: one.mean((0, 1)) + (one - one.mean((0, 1))) / 4
    ),
    "signs of the correlations turned": of(
        "precision", lambda one, rng: one * np.array([[1, -1], [-1, 1]]) if one.ndim == 5 else 3 * one
    ),
    "correlations left out": of("precision", lambda one, rng: one * np.eye(2) if one.ndim == 5 else one / 3),
    "locations and the rest drawn apart": chains(unlinked),
    "one chain elsewhere": chains(stuck),
    "one chain stands still": every(
        lambda one: np.concatenate([one[:3], np.repeat(one[3:, :1], one.shape[1], 1)])
    ),
    "all draws equal": every(lambda one: np.repeat(np.repeat(one[:1, :1], 4, 0), one.shape[1], 1)),
    "chains that stand still at different places": every(lambda one: np.repeat(one[:, :1], one.shape[1], 1)),
    "each draw ten times in a row": every(slow),
    "chains in order of size": chains(by_size),
    "four copies of a chain": every(first_for_all),
    "two of four chains are copies": every(lambda one: one[[0, 1, 2, 2]]),
    "four copies, each turned by 37 draws": every(lagged),
    "four copies, one backwards": every(lambda one: np.stack([one[0], one[1], one[2], one[0][::-1]])),
    "four copies with noise": jittered(first_for_all),
    "draws tiled four times": every(tiled),
    "draws tiled four times with noise": jittered(tiled),
    "half of the draws divergent": half(0.5),
    "one draw divergent": half(0.0),
    "energies that hardly move": lambda base: sampled(
        base, base.chains, energy=np.cumsum(base.rng.standard_normal((4, 1000)), axis=1)
    ),
    "each draw ten times, then shuffled": every(
        lambda one: slow(one)[:, np.random.default_rng(5).permutation(one.shape[1])]
    ),
    "a thousand chains of 4 draws": every(lambda one: one.reshape(1000, 4, *one.shape[2:])),
    "2 draws a chain": every(lambda one: one[:, :2]),
    "20 draws a chain": every(lambda one: one[:, :20]),
    "one chain": every(lambda one: one[:1]),
    "one draw not a number": of(
        "mu", lambda one, rng: np.where(np.arange(one.size).reshape(one.shape) == 5, np.nan, one)
    ),
    "two draws that claim to be independent": independent(lambda one: one, 2),
    "sticky draws that claim to be independent": independent(slow),
    "tiled draws that claim to be independent": independent(tiled),
}


def on_its_way(draws: Draws, rng: np.random.Generator) -> Draws:
    """The first draws of each chain come from 10 sds away, nearer by a hundredth with every draw."""
    off = 10 * 0.99 ** np.arange(draws["mu"].shape[1])
    side = off.reshape(1, -1, *[1] * (draws["mu"].ndim - 2))
    return {**draws, "mu": draws["mu"] + side * spread(draws["mu"])}


def one_of_prior(base: Base) -> object:
    """A component that is never updated: its draws are the prior's."""
    if base.problem is None:
        return None
    prior_of = base.problem.mixture.components.with_features(base.problem.x.shape[1])
    draws = {name: one.copy() for name, one in in_order(base).items()}
    shape = next(iter(draws.values())).shape[:2]
    for name, one in (
        prior_of.updated(np.zeros((1, prior_of.natural.shape[-1])))
        .sample(base.rng, shape[0] * shape[1])
        .items()
    ):
        draws[name][:, :, 0] = one[:, 0].reshape(*shape, *one.shape[2:])
    return sampled(base, draws)


def without_jacobian(times: int) -> Fault:
    """Draws of a Gamma-like precision or rate whose shape is less by 1 or 2: d ln tau taken for d tau."""

    def bend(draws: Draws, rng: np.random.Generator) -> Draws | None:
        name = "precision" if "precision" in draws else "mu"
        one = draws[name]
        if one.ndim == 5 or (name == "mu" and (one < 0).any()):
            return None
        shape = one.mean((0, 1)) ** 2 / one.var((0, 1))
        return {**draws, name: one * (1 - times / shape)}

    return chains(bend)


def proposals(base: Base) -> object:
    """Importance sampling's draws, from a q half as wide again, without their weights."""
    draws = (
        {name: np.stack([base.fitted.sample(seed, 1000)[name] for seed in range(4)]) for name in base.chains}
        if (base.problem is not None)
        else {name: one.reshape(4, 1000) for name, one in base.fitted.sample(base.rng, 4000).items()}
    )
    wide = alike(draws)
    wide["mu"] = wide["mu"].mean((0, 1)) + 1.5 * (wide["mu"] - wide["mu"].mean((0, 1)))
    return sampled(base, as_in(draws, wide))


def mean_field_as_chains(base: Base) -> object:
    if base.name != "counts":
        return None  # elsewhere it is right
    return sampled(
        base, {n: one.reshape(4, 1000, *one.shape[1:]) for n, one in base.fitted.sample(7, 4000).items()}
    )


def reflected(one: np.ndarray) -> np.ndarray:
    half = one[:, : one.shape[1] // 2]
    return np.stack([half, 2 * one.mean((0, 1)) - half], axis=2).reshape(one.shape)


def antithetic(base: Base) -> object:
    correct = in_order(base)
    draws = {name: reflected(one) if name in ("mu", "rate") else one for name, one in correct.items()}
    whole = sampled(base, {name: as_one_chain(one) for name, one in draws.items()})
    return replace(whole, chains=xr.DataTree.from_dict({"posterior": whole.chains["posterior"].to_dataset()}))


def drawn_in(one: np.ndarray) -> np.ndarray:
    mean, sd = one.mean(axis=(0, 1)), spread(one)
    return mean + sd * np.tanh((one - mean) / sd)


def rounded(one: np.ndarray) -> np.ndarray:
    """Multiples of two sds, with a little noise so that none comes twice."""
    mean, sd = one.mean(axis=(0, 1)), spread(one)
    return mean + 2 * sd * np.round((one - mean) / (2 * sd)) + 1e-6 * (one - mean)


def clipped(one: np.ndarray) -> np.ndarray:
    """Bring what is further off than an sd to there."""
    mean, sd = one.mean((0, 1)), spread(one)
    return np.clip(one, mean - sd, mean + sd)


SAMPLES |= {
    "10 sds away at first, burn-in left in": chains(on_its_way),
    "a component that is never updated": one_of_prior,
    "precision or rate without its Jacobian": without_jacobian(1),
    "precision or rate, its Jacobian of the wrong sign": without_jacobian(2),
    "proposals of importance sampling without weights": proposals,
    "mean field's draws as a sampler's": mean_field_as_chains,
    "antithetic means that claim to be independent": antithetic,
    "means drawn in softly beyond 1 sd": of("mu", lambda one, rng: drawn_in(one)),
    "a variance where the sd of the means belongs": of(
        "mu", lambda one, rng: one.mean((0, 1)) + spread(one) * (one - one.mean((0, 1)))
    ),
    "means rounded to multiples of 2 sds": of("mu", lambda one, rng: rounded(one)),
    "means beyond 1 sd drawn in": of("mu", lambda one, rng: clipped(one)),
    "half of the variance": of("mu", lambda one, rng: one.mean((0, 1)) + (one - one.mean((0, 1))) * 0.5**0.5),
    "one sd to either side, nothing between": of(
        "mu", lambda one, rng: one.mean((0, 1)) + spread(one) * np.sign(one - one.mean((0, 1)))
    ),
    "the mean of ten draws for each draw": of(
        "mu",
        lambda one, rng: (
            one.mean((0, 1))
            + np.mean([(one - one.mean((0, 1)))[:, rng.permutation(one.shape[1])] for _ in range(10)], axis=0)
        ),
    ),
    "the median for a tenth of the draws": of(
        "mu",
        lambda one, rng: np.where(
            (rng.random(one.shape[:2]) < 0.1).reshape(*one.shape[:2], *[1] * (one.ndim - 2)),
            np.median(one, axis=(0, 1)),
            one,
        ),
    ),
    "weights drawn from their prior": of(
        "weights", lambda one, rng: rng.dirichlet([1.0] * one.shape[-1], one.shape[:-1])
    ),
}


# ---- wrong approximations, and wrong words on them -------------------------------------------------


def bent(change: Callable[[Draws], Draws | None], **claims: Any) -> Fault:
    """Return a q whose draws are bent, and whose density is still the old one's; no bound of its own."""

    def fault(base: Base) -> object:
        def bend(draws: Draws) -> Draws | None:
            changed = change(alike(draws))
            return None if changed is None else as_in(draws, changed)

        if bend(base.fitted.sample(base.rng, 2)) is None:
            return None
        return handed(base, q=Bent(base.fitted, bend), bound=None, bound_se=None, **claims)

    return fault


def centred(name: str, times: float, shift: float = 0.0) -> Callable[[Draws], Draws | None]:
    def change(draws: Draws) -> Draws | None:
        if name not in draws:
            return None
        one = draws[name]
        return {**draws, name: one.mean(0) + times * (one - one.mean(0)) + shift * one.std(0)}

    return change


def times(name: str, factor: float) -> Callable[[Draws], Draws | None]:
    return lambda draws: {**draws, name: factor * draws[name]} if name in draws else None


def swept(base: Base, sweeps: int, **claims: Any) -> object:
    """CAVI that stops after some sweeps from a bad start, and says that it has converged."""
    if base.problem is None:
        return None
    start = base.rng.dirichlet([1.0, 1.0], size=len(base.problem.x))
    fitted = cavi(base.problem.mixture, base.problem.x, rng=1, starts=start, max_sweeps=sweeps)
    words = replace(Told(bound_of=base.bound_of, elbo_left=0.0), **claims)
    return handed(base, q=fitted, bound=fitted.elbo, told=words)


def saddle(base: Base) -> object:
    if base.problem is None:
        return None
    together = np.full((len(base.problem.x), 2), 0.5)
    fitted = cavi(base.problem.mixture, base.problem.x, rng=1, starts=together)
    return handed(base, q=fitted, bound=fitted.elbo)


@dataclass(frozen=True)
class Tiled:
    """A q that draws a few times, and repeats these."""

    q: Any
    n: int

    def sample(self, rng: np.random.Generator, n: int) -> Draws:
        few = self.q.sample(rng, self.n)
        return {name: np.concatenate([one] * (n // self.n))[:n] for name, one in few.items()}

    def log_density(self, draws: Draws) -> np.ndarray:
        return self.q.log_density(draws)


def turned(draws: Draws) -> Draws | None:
    return {**draws, "weights": draws["weights"][:, ::-1]} if "weights" in draws else None


@dataclass(frozen=True)
class Off:
    """A q whose density is off by what depends on the draws."""

    q: Any
    extra: Callable[[Draws, np.ndarray], np.ndarray]

    def sample(self, rng: np.random.Generator, n: int) -> Draws:
        return self.q.sample(rng, n)

    def log_density(self, draws: Draws) -> np.ndarray:
        log_q = self.q.log_density(draws)
        return log_q + self.extra(alike(draws), log_q)


def off(extra: Callable[[Draws, np.ndarray], np.ndarray]) -> Fault:
    return lambda base: handed(base, q=Off(base.fitted, extra), bound=None, bound_se=None)


def jacobian(sign: float) -> Fault:
    """The density of the logarithm for that of precisions or rates."""

    def fault(base: Base) -> object:
        drawn = base.fitted.sample(base.rng, 2)
        known = [one for one in ("precision", "tau", "rate") if one in drawn and drawn[one].ndim < 4]
        if not known:
            return None
        name = next(iter(alike({known[0]: drawn[known[0]]})))
        return off(lambda draws, log_q: sign * np.log(draws[name]).reshape(len(log_q), -1).sum(axis=1))(base)

    return fault


def tempered(by: float, **claims: Any) -> Fault:
    """CAVI of a likelihood to some power; its bound is left out."""

    def fault(base: Base) -> object:
        if base.problem is None:
            return None
        weight = np.full(len(base.problem.x), by)
        q = cavi(base.problem.mixture, base.problem.x, rng=base.seed, starts=5, sample_weight=weight)
        return handed(base, q=q, bound=None, bound_se=None, **claims)

    return fault


CLAIMS: dict[str, Fault] = {
    "tempered to 0.9": tempered(0.9),
    "tempered to 1.1": tempered(1.1),
    "tempered to 0.5": tempered(0.5),
    "a density without its Jacobian": jacobian(1.0),
    "a density whose Jacobian has the wrong sign": jacobian(2.0),
    "a density in decimal logarithms": off(lambda draws, log_q: log_q / np.log(10) - log_q),
    "a density to the power of 0.9": off(lambda draws, log_q: -0.1 * log_q),
    "a density to the power of 0.5": off(lambda draws, log_q: -0.5 * log_q),
    "a density without ln 2 pi / 2 of each location": off(
        lambda draws, log_q: 0.5 * np.log(2 * np.pi) * np.ones(len(log_q)) * draws["mu"][0].size
    ),
    "a density that is the same everywhere": off(lambda draws, log_q: -log_q),
    "a density that forgets the locations": off(
        lambda draws, log_q: (
            0.5
            * ((draws["mu"] - draws["mu"].mean(0)) ** 2 / draws["mu"].var(0))
            .reshape(len(log_q), -1)
            .sum(axis=1)
        )
    ),
    "a bound in bits": lambda base: handed(base, bound=base.bound / np.log(2)),
    "a bound for each point": lambda base: handed(base, bound=base.bound / 40),
    "a bound without the constant of the noise": lambda base: handed(
        base, bound=base.bound + 20 * np.log(2 * np.pi)
    ),
    "a bound with the wrong sign": lambda base: handed(base, bound=-base.bound),
    "a bound with ln 2 for the relabelling": lambda base: handed(base, bound=base.bound + np.log(2)),
    "a bound that is not a number": lambda base: handed(base, bound=float("nan")),
    "an infinite bound": lambda base: handed(base, bound=float("inf")),
    "a bound 1 nat too high": lambda base: handed(base, bound=base.bound + 1),
    "a bound 1 nat too high, error 10": lambda base: handed(base, bound=base.bound + 1, bound_se=10.0),
    "a bound 1 nat too high, error 0.3": lambda base: handed(base, bound=base.bound + 1, bound_se=0.3),
    "a bound 1 nat too high, error 0.15": lambda base: handed(base, bound=base.bound + 1, bound_se=0.15),
    "a bound 1 nat too low": lambda base: handed(base, bound=base.bound - 1),
    "a bound 1 nat too low, of no stated kind": lambda base: handed(base, bound=base.bound - 1, told=Told()),
    "a bound 2 nats too high, of no stated kind": lambda base: handed(
        base, bound=base.bound + 2, told=Told()
    ),
    "a bound without an error": lambda base: handed(base, bound_se=None),
    "a bound with an error below 0": lambda base: handed(base, bound_se=-1.0),
    "a density 1 nat too low": lambda base: handed(
        base, q=Bent(base.fitted, excess=-1.0), bound=None, bound_se=None
    ),
    "a density 1 nat too low, and a bound by it": lambda base: handed(
        base, q=Bent(base.fitted, excess=-1.0), bound=base.bound + 1
    ),
    "a density 1 nat too high": lambda base: handed(
        base, q=Bent(base.fitted, excess=1.0), bound=None, bound_se=None
    ),
    "a density 1 nat too high, and a bound by it": lambda base: handed(
        base, q=Bent(base.fitted, excess=1.0), bound=base.bound - 1
    ),
    "a bound that fell": lambda base: told(base, smallest_gain=-1e-3),
    "claims that nothing is left, after 1 sweep": lambda base: swept(base, 1),
    "claims that nothing is left, after 2 sweeps": lambda base: swept(base, 2),
    "says nothing of what is left, after 2 sweeps": lambda base: swept(base, 2, elbo_left=None),
    "claims that a million nats are left, after 2 sweeps": lambda base: swept(base, 2, elbo_left=1e6),
    "stays at the saddle": saddle,
    "q: the means off by 0.5 sd": bent(centred("mu", 1.0, 0.5)),
    "q: the means drawn together to 0.6 of their sds": bent(centred("mu", 0.6)),
    "q: the means drawn together to 0.4 of their sds": bent(centred("mu", 0.4)),
    "q: the means spread out to 2.5 of their sds": bent(centred("mu", 2.5)),
    "q: a point": bent(centred("mu", 0.0)),
    "q: weights in the other order": bent(turned),
    "q: precision times 4": bent(times("precision", 4.0)),
    "q: precision too sure by 4": bent(centred("precision", 0.25)),
    "q: 100 draws, tiled": lambda base: handed(base, q=Tiled(base.fitted, 100)),
    "q: 2 draws, tiled": lambda base: handed(base, q=Tiled(base.fitted, 2)),
    "says that it did not finish": lambda base: handed(base, outcome="max_sweeps"),
}


# ---- no result at all ----------------------------------------------------------------------------


def without(base: Base, name: str) -> object:
    draws = {key: one for key, one in base.chains.items() if key != name}
    return sampled(base, draws or {"nu": base.chains[name]})


def one_component_less(base: Base) -> object:
    if base.problem is None:
        return sampled(base, {name: np.stack([one, one], -1) for name, one in base.chains.items()})
    return sampled(base, {name: one[:, :, :1] for name, one in base.chains.items()})


RESULTS: dict[str, Fault] = {
    "fit returns nothing": lambda base: "nothing",
    "fit returns draws": lambda base: base.chains,
    "neither q nor chains": lambda base: handed(base, q=None),
    "draws without mu": lambda base: without(base, "rate" if "rate" in base.chains else "mu"),
    "draws of a component less": one_component_less,
    "draws of no length": every(lambda one: one[:, :0]),
    "draws with an axis too many": every(lambda one: one[..., np.newaxis]),
    "draws that are text": every(lambda one: one.astype(str)),
    "weights normalised over the draws": of("weights", lambda one, rng: one / one.sum((0, 1))),
    "weights whose sum is 2": of("weights", lambda one, rng: 2 * one),
    "precisions below 0": lambda base: of("precision", lambda one, rng: -one)(base) if base.problem else None,
    "q without a density": lambda base: handed(base, q=object()),
    "a density of the wrong shape": lambda base: handed(
        base, q=Bent(base.fitted, unbend=lambda draws: {n: one[:2] for n, one in draws.items()})
    ),
    "q whose draws are no draws": lambda base: handed(base, q=Bent(base.fitted, lambda draws: None)),
    "told in a dictionary": lambda base: handed(base, told={}),
    "seconds that are not a number": lambda base: handed(base, seconds_run=float("nan")),
}


# ---- correct methods -------------------------------------------------------------------------------


def relabelled(draws: Draws, rng: np.random.Generator) -> Draws | None:
    if draws["mu"].ndim < 4:
        return None
    flip = rng.random(draws["mu"].shape[:2]) < 0.5
    for one in draws.values():
        one[flip] = one[flip][:, ::-1]
    return draws


CORRECT: dict[str, Fault] = {
    "Gibbs": lambda base: sampled(
        base, base.gibbs(base.problem, 10 if base.name == "counts" else 2) if base.problem else base.chains
    ),
    "Gibbs, numbered at random": chains(relabelled),
    "independent draws, each twice in a row": every(lambda one: np.repeat(one[:, :500], 2, axis=1)),
    "independent draws in four chains": every(lambda one: one),
    "independent draws in one chain": independent(lambda one: one),
    "400 nearly independent draws in four chains": every(lambda one: one[:, :100]),
    "CAVI": handed,
    "CAVI that says nothing": lambda base: handed(base, told=Told()),
    "CAVI, its bound with an error of 0.1": lambda base: handed(
        base, bound=base.bound + 0.1 * base.rng.standard_normal(), bound_se=0.1
    ),
}

FAULTS = {**MODELS, **SAMPLES, **CLAIMS, **RESULTS}

KNOWN = {
    "locations and the rest drawn apart": (
        "where clusters are apart they hardly depend on each other: the own model's log joint density "
        "is off by 0.006 nats for each parameter, its sd by a factor of 1.1, where 0.18 and 1.25 are "
        "allowed; it is undecided or fails where they do depend, as in `counts`"
    ),
    "Gibbs: a prior of the weights off by one": (
        "in `counts` means move by 0.06 sds, the predictive density by 0.007 in total variation; with "
        "clusters apart by 0.2 sds and 0.015, which is undecided"
    ),
    "Gibbs: an sd in the prior where its square belongs": (
        "the textbook's means move by 0.14 sds, the predictive density by 0.011; elsewhere by 0.3 "
        "sds, which is undecided"
    ),
    "Gibbs: the prior counted twice": (
        "the textbook's means move by 0.05 sds, the predictive density by 0.004; elsewhere by 0.2 to "
        "0.5 sds, which is undecided or fails"
    ),
    "Gibbs: the first point left out, the last counted twice": (
        "one of 40 points exchanged for another moves a mean by their difference over sqrt(N_k) posterior "
        "sds, 0.2 for a difference of one noise sd; in `counts` the two may be equal"
    ),
    "CAVI: the first point left out, the last counted twice": (
        "the same; where its bound is off by no more than rounding, as for equal points, it is not wrong"
    ),
    "precision or rate without its Jacobian": (
        "it makes a posterior's shape 1 smaller: in one data set of `counts` the smaller rate moves by "
        "0.12 sds, at most 0.24, where 0.25 is allowed; elsewhere by 0.2 to 0.4, which is undecided or fails"
    ),
    "the median for a tenth of the draws": (
        "sds are 5 % too small, that of the log likelihood up to 9 %, where a factor of 1.25 is allowed"
    ),
}
"""Faults that pass where what they do is within the margins, and what is off, measured on one data set."""

WORDS: dict[str, Fault] = {
    "log densities that flatter": lambda base: sampled(
        base, base.chains, log_joint=np.full((4, 1000), 1e3), log_q=np.zeros((4, 1000))
    ),
    "notes that flatter": lambda base: handed(
        base, info={"converged": True, "elbo": 0.0}, message="certified exact"
    ),
}
"""Wrong words on which nothing rests: they change no figure and no verdict."""
