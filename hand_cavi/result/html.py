"""What notebooks show of a fit, and of other results: sentences and tables, plain HTML without scripts."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from hand_cavi.inputs import Draws, InputError
from hand_cavi.result.occupation import occupied, on_empty

if TYPE_CHECKING:
    from hand_cavi.result import Fit

MOST = 8
"""Numbers of a component that are shown of each parameter; more fill a screen."""

_DRAWS = 2000  # by which moments are had that a family does not state


def page(sentence: str, *parts: str) -> str:
    """Return a sentence in bold, and parts that are HTML already."""
    return f"<div><p><strong>{escape(sentence)}</strong></p>{''.join(parts)}</div>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "") -> str:
    """Return a table of plain texts."""
    about = f"<caption>{escape(caption)}</caption>" if caption else ""
    body = "".join(_row("td", row) for row in rows)
    return f"<table>{about}<thead>{_row('th', head)}</thead><tbody>{body}</tbody></table>"


def listing(sentences: Iterable[str]) -> str:
    """Return a paragraph for each sentence."""
    return "".join(f"<p>{escape(sentence.strip())}</p>" for sentence in sentences)


def _row(tag: str, texts: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(text)}</{tag}>" for text in texts) + "</tr>"


def of_fit(fit: "Fit") -> str:
    """Return a fit's bound, its components with standard deviations, how it ended, and cautions."""
    components, weights = fit.components.name, fit.weights.name
    sentence = f"{len(fit.counts)} components ({components}, weights {weights}): ELBO {fit.elbo:.6f} nats"
    ended = f"{fit.status.name.lower().replace('_', ' ')} after {fit.sweeps} sweeps: {fit.status.value}"
    reached = f"{fit.starts_at_best} of {len(fit.starts)} starts reached this bound"
    if any(move.kept for move in fit.moves):
        reached += "; a split-and-merge move raised it"
    found = moments(fit)
    heads = [head for name, (mean, _) in found.items() for head in _heads(name, mean[0])]
    rows = []
    for k, count in enumerate(fit.counts):
        pairs = [pair for mean, sd in found.values() for pair in _pairs(mean[k], sd[k])]
        rows.append([str(k + 1), f"{count:.1f}", *pairs])
    caption = "± is a posterior standard deviation of q, which leaves out what the assignments are unsure of"
    empty = on_empty(occupied(fit))
    cautions = [f"Caution: {empty}."] if empty else []
    shown = table(["component", "points", *heads], rows, caption)
    return page(sentence, listing([f"{ended}; {reached}."]), shown, listing(cautions))


def moments(fit: "Fit") -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return posterior means and sds by canonical name, (K, ...) each; an sd that does not exist is inf."""
    try:
        inner = fit.components.seen_from(fit._coordinates).moments(fit._coordinates)
        of_weights = fit.weights.moments()
    except InputError:
        return _of_draws(fit.sample(0, _DRAWS))
    found = {}
    for joint in (of_weights, inner):
        sd = np.sqrt(np.diagonal(joint.covariance, axis1=-2, axis2=-1))
        for name, where in joint.positions.items():
            found[name] = joint.mean[..., where], sd[..., where]
    return found


def _of_draws(draws: Draws) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {name: (values.mean(axis=0), values.std(axis=0)) for name, values in draws.items()}


def _heads(name: str, entry: np.ndarray) -> list[str]:
    if entry.size == 1:
        return [name]
    places = [",".join(str(i + 1) for i in place) for place in np.ndindex(entry.shape)]
    return [f"{name}[{place}]" for place in places[:MOST]]


def _pairs(mean: np.ndarray, sd: np.ndarray) -> list[str]:
    """Return a parameter's numbers in words, each with its standard deviation if that exists."""
    both = list(zip(mean.ravel(), sd.ravel(), strict=True))[:MOST]
    return [f"{m:.4g} ± {s:.2g}" if np.isfinite(s) else f"{m:.4g}" for m, s in both]
